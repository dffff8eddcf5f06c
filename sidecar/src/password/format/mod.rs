//! Password hashes as they stand in a directory; a format a file. Invariant: a hash whose check would cost more than the
//! ceilings is refused while it is read, before a byte of memory is taken for it.

mod argon2;

use thiserror::Error;

use super::memory::Memory;

pub use self::argon2::{Argon2id, Cost};

/// The longest stored hash that is read, in bytes.
const MAX_TEXT: usize = 512;

/// 16 random bytes, drawn by the caller; not a secret.
pub type Salt = [u8; 16];

/// Why a stored hash cannot be checked. Carries nothing of it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FormatFault {
    #[error("the hash costs more than m=262144,t=16,p=8")]
    Costly,
    #[error("the hash is malformed")]
    Malformed,
    #[error("the system has no memory for a hash; lower password.threads, or give it more")]
    Memory,
    #[error("no hash format that we know")]
    Unknown,
}

/// A stored hash in one of the formats that we check.
#[derive(Clone, Debug)]
pub enum Stored {
    Argon2id(Argon2id),
}

/// In which format, and at what cost, a new hash is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipe {
    Argon2id(Cost),
}

impl Stored {
    pub fn parse(text: &str) -> Result<Self, FormatFault> {
        if text.len() > MAX_TEXT {
            return Err(FormatFault::Malformed);
        }
        let rest = text.strip_prefix("$argon2id$").ok_or(FormatFault::Unknown)?;
        Argon2id::parse(rest).map(Self::Argon2id)
    }

    /// Whether the password is the one; `memory` is kept for the next check.
    pub(super) fn matches(&self, password: &str, memory: &mut Memory) -> Result<bool, FormatFault> {
        match self {
            Self::Argon2id(stored) => stored.matches(password, memory),
        }
    }
}

impl Recipe {
    /// Within the ceilings, and a combination that the format knows.
    pub fn check(self) -> Result<Self, FormatFault> {
        match self {
            Self::Argon2id(cost) => cost.check().map(Self::Argon2id),
        }
    }

    /// Memory that one hash needs.
    pub fn memory_kib(self) -> u32 {
        match self {
            Self::Argon2id(cost) => cost.memory_kib,
        }
    }

    /// The string that goes into the directory.
    pub(super) fn write(
        self,
        password: &str,
        salt: &Salt,
        memory: &mut Memory,
    ) -> Result<String, FormatFault> {
        match self {
            Self::Argon2id(cost) => argon2::write(cost, password, salt, memory),
        }
    }
}
