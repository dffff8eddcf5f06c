//! New passwords: the rules they must keep, and the hashes they become. Invariant: no thread of the runtime hashes, and
//! what waits or is being hashed is bounded, whatever arrives.

mod decrypt;
mod desk;
mod format;
mod hasher;
mod memory;
mod policy;
mod queue;
mod trial;

pub use decrypt::{Decryptor, Ranked, RsaKey, Sm2Key, Sm2Layouts};
pub use desk::Desk;
pub use format::{Argon2id, Cost, FormatFault, Recipe, Salt, Stored};
pub use hasher::{HashError, Hasher, HasherConfig};
pub use policy::{Person, Policy};
pub use trial::{Trial, Verdict};
