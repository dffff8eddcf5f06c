//! Cut-over: watching first, a share of the asks, the app's old tokens, and several sites behind one gateway; in the pure
//! machine, on a real Envoy and on a real `rekey edge`.

mod config;
mod fraction;
mod legacy;
mod observe;
mod pure;
mod sites;
mod stand;
mod two_sites;
