//! New passwords: the rules they must keep, and the hashes they become. Invariant: no thread of the runtime hashes, and
//! what waits or is being hashed is bounded, whatever arrives.

mod decrypt;
mod desk;
mod engine;
mod format;
mod hasher;
mod memory;
mod pace;
mod policy;
mod queue;
mod ranked;
mod trial;

pub use decrypt::{Decryptor, RsaKey, Sm2Key, Sm2Layouts};
pub use desk::Desk;
pub use engine::EngineChoice;
pub use format::{
    Cost, Costs, DEAREST, Digest, FORMATS, Format, FormatFault, Keep, Pepper, Peppers, Recipe,
    Salt, Stored, formats,
};
pub use hasher::{HashError, Hasher, HasherConfig};
pub use policy::{
    BreachedFile, CodedSet, Demands, FileFault, Lookup, LookupFault, Manner, Normal, Person,
    Policy, PolicyFault, Preset, Rules, add, fingerprint, folded, is_telling, normalized, table,
};
pub use ranked::Ranked;
pub use trial::{Trial, TrialFault, Verdict};
