//! What the edge and the sidecar share: strict JSON, addresses, canonical messages, outcomes, profiles and the
//! dialects. Invariant: no I/O, no clock, no randomness (time and random bytes are parameters), no panic on any input.
#![no_std]

extern crate alloc;

pub mod address;
pub mod dialect;
pub mod edge;
pub mod json;
pub mod language;
mod lookalike;
pub mod message;
pub mod name;
pub mod outcome;
pub mod policy;
pub mod profile;
pub mod public_keys;
pub mod secret;
pub mod signature;
