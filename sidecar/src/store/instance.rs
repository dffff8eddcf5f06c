//! Heartbeats: who lives, what each holds, and how far the store has come since it was last seen.

use crate::clock::Millis;
use crate::keys::{Held, Instance, KeyStates};

/// What an instance tells every few seconds.
#[derive(Clone, Debug)]
pub struct Beat {
    /// Drawn at its start.
    pub instance: [u8; 16],
    /// By its own clock; a store that is shared goes by the server's.
    pub at: Millis,
    pub holds: Vec<Held>,
    /// The highest number of a beat that this instance has seen; a store that has not come so far was put back.
    pub mark: i64,
}

/// What it learns.
#[derive(Clone, Debug)]
pub struct Beaten {
    /// The number of this beat.
    pub beat: i64,
    /// What the store's own clock says, where it is not ours.
    pub clock: Option<Millis>,
    pub at: Millis,
    pub states: KeyStates,
    /// All that were seen within the hour, this one too.
    pub instances: Vec<Instance>,
    /// The store was put back from a copy: so many proofs were revoked.
    pub restored: Option<u32>,
}
