//! New passwords: the rules they must keep, and the hashes they become. Invariant: no thread of the runtime hashes, and
//! what waits or is being hashed is bounded, whatever arrives.

mod format;
mod hasher;
mod policy;
mod queue;

pub use format::{Argon2id, Cost, FormatFault, Stored};
pub use hasher::{HashError, Hasher, HasherConfig, Salt};
pub use policy::{Policy, judge};
