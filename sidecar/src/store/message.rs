//! Messages that were seen, and what is kept of their outcomes.
//! Invariant: an outcome's code, its parameters and a reference; never a token.

use contract::outcome::Refusal;

use crate::clock::Millis;
use crate::secret::GrantId;

/// Which message it is; the same id with another MAC is a forgery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageKey {
    pub id: [u8; 16],
    pub mac: [u8; 32],
}

/// An outcome as it is kept, for repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    Accepted,
    Granted {
        grant: GrantId,
        expires_in: u32,
    },
    Reset {
        login: Option<LoggedIn>,
    },
    /// Neither throttled nor busy: those are not kept.
    Refused(Refusal),
}

/// Whose access token it was, and from when: enough to sign it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedIn {
    pub account: String,
    pub at: Millis,
}
