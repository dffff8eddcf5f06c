//! Passwords that are written in another system: announced before, and settled by a worker where nobody told their end.
//! Invariant: what is announced holds no password and no hash, only a digest to know the hash by.

use super::challenge::Challenge;
use crate::clock::Millis;
use crate::secret::ChallengeId;

/// What is about to be written over the revision of an account, and what its end needs.
#[derive(Clone)]
pub struct Announce {
    pub message: [u8; 16],
    /// The run that holds the challenge.
    pub run: [u8; 16],
    pub challenge: ChallengeId,
    pub account: String,
    pub revision: Vec<u8>,
    /// Of the hash that is to be written.
    pub digest: [u8; 32],
    pub words: String,
    /// The hash that is there now. It is kept now: after the write nobody can read it any more.
    pub former: Former,
    pub at: Millis,
    /// After which nobody is at work on it any more.
    pub until: Millis,
}

/// The hash that another takes the place of.
#[derive(Clone)]
pub struct Former {
    /// `None`: there was none, or it cannot be read.
    pub hash: Option<String>,
    /// How many former hashes of the account are kept.
    pub keep: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    Done,
    /// It is not held by this run any more, or another password of the account is announced.
    Busy,
}

/// Announced, and left by whoever announced it.
#[derive(Clone)]
pub struct Unsettled {
    pub challenge: Challenge,
    pub message: [u8; 16],
    pub revision: Vec<u8>,
    pub digest: [u8; 32],
    pub words: String,
    /// Whose it is to settle, until another leases it.
    pub lease: [u8; 16],
}

impl std::fmt::Debug for Announce {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Announce({:?}, {}, ..)", self.challenge, self.account)
    }
}

impl std::fmt::Debug for Former {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Former(keep {}, ..)", self.keep)
    }
}

impl std::fmt::Debug for Unsettled {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Unsettled({:?}, {}, ..)", self.challenge.id, self.challenge.account)
    }
}
