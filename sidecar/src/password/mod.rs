//! New passwords: the rules they must keep, and the hashes they become. Invariant: no thread of the runtime hashes, and
//! what waits or is being hashed is bounded, whatever arrives.

mod desk;
mod engine;
mod format;
mod hasher;
mod memory;
mod pace;
mod policy;
mod queue;

pub use desk::Desk;
pub use engine::EngineChoice;
pub use format::{Argon2id, Cost, FormatFault, Recipe, Salt, Stored};
pub use hasher::{HashError, Hasher, HasherConfig};
pub use policy::{Policy, judge};
