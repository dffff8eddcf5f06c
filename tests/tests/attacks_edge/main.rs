//! Attacks on the gateway: a real Envoy with the shipped configuration and the real filter, a stand-in for the sidecar
//! that records what reaches it, and an app that says what a lenient reader would have taken for a reset.
//! Invariant of every test: the app sees no reset, the stand-in only messages that our edge signed, the VM lives.

mod bodies;
mod dialects;
mod failures;
mod forged;
mod framing;
mod gateway;
mod h2;
mod hosts;
mod of_envoy;
mod others;
mod paths;
mod sizes;
mod spellings;
mod stand;
mod streams;
mod trap;
