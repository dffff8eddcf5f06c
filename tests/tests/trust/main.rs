//! Trust between gateways and sidecars: certificates (a real Envoy, a real `rekey edge`, a real `rekey serve`), Unix sockets,
//! audiences, and keys that are exchanged under load.

mod audience;
mod authority;
mod client;
mod door;
mod envoy;
mod front;
mod load;
mod proxy;
mod rotation;
