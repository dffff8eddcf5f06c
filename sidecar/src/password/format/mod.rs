//! Password hashes as they stand in a directory; a format a file. Invariant: a hash whose check would cost more than the
//! ceilings is refused while it is read, before a byte of memory is taken for it.

mod argon2;
mod bcrypt;
mod kept;
mod pbkdf2;
mod pepper;
mod recipe;
mod scrypt;
mod sha512_crypt;
mod ssha;
mod tag;
#[cfg(test)]
mod tests;
mod text;

use thiserror::Error;

use self::argon2::Argon2;
use self::bcrypt::{Bcrypt, Fed};
use self::pbkdf2::Pbkdf2;
use self::scrypt::Scrypt;
use self::sha512_crypt::Sha512Crypt;
use self::ssha::{Scheme, Ssha};
use super::memory::Memory;

pub use self::argon2::Cost;
pub use self::kept::{DEAREST, Keep};
pub use self::pbkdf2::Digest;
pub use self::pepper::{Pepper, Peppers};
pub use self::recipe::{Costs, FORMATS, Format, Recipe, formats};

/// The longest stored hash that is read, in bytes.
const MAX_TEXT: usize = 512;

/// 16 random bytes, drawn by the caller; not a secret.
pub type Salt = [u8; 16];

/// Why a stored hash cannot be checked, or a new one not be written. Carries nothing of it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FormatFault {
    #[error(
        "the hash costs more than is spent on one: argon2 m=262144,t=16,p=8, bcrypt 16, scrypt 256 MiB and N*r*p of 2^24, \
         PBKDF2 10000000, sha512-crypt 5000000"
    )]
    Costly,
    #[error(
        "this format would cut the password: it takes no NUL, bcrypt 72 bytes at most, sha512-crypt 511, WordPress 2048"
    )]
    Cut,
    #[error("the hash is malformed")]
    Malformed,
    #[error("the system has no memory for a hash; lower password.threads, or give it more")]
    Memory,
    #[error("no pepper is active here; `rekey keys add pepper` draws one")]
    NoPepper,
    #[error("no hash format that we know; README, \"Hash formats\", lists them")]
    Unknown,
    #[error(
        "the hash was made with a pepper that is not here; `rekey keys import` brings it from where it is"
    )]
    UnknownPepper,
    #[error("the hash was made with a pepper that is retired for good; a reset gives a new one")]
    RetiredPepper,
}

/// A stored hash in one of the formats that we check.
#[derive(Clone)]
pub enum Stored {
    Argon2(Argon2),
    Bcrypt(Bcrypt),
    Pbkdf2(Pbkdf2),
    Scrypt(Scrypt),
    Sha512Crypt(Sha512Crypt),
    Ssha(Ssha),
}

/// Reads what stands behind a beginning.
type Read = fn(&str) -> Result<Stored, FormatFault>;

/// How hashes begin, and who reads on. No entry is the beginning of a later one.
const BEGINNINGS: &[(&str, Read)] = &[
    ("$2a$", |rest| Bcrypt::parse(rest, Fed::Plain).map(Stored::Bcrypt)),
    ("$2b$", |rest| Bcrypt::parse(rest, Fed::Plain).map(Stored::Bcrypt)),
    ("$2y$", |rest| Bcrypt::parse(rest, Fed::Plain).map(Stored::Bcrypt)),
    ("$6$", |rest| Sha512Crypt::parse(rest).map(Stored::Sha512Crypt)),
    ("$argon2", |rest| Argon2::parse(rest).map(Stored::Argon2)),
    ("$bcrypt-sha256$", |rest| Bcrypt::parse_passlib(rest).map(Stored::Bcrypt)),
    ("$pbkdf2-sha256$", |rest| Pbkdf2::parse(rest, Digest::Sha256).map(Stored::Pbkdf2)),
    ("$pbkdf2-sha256-hex$", |rest| Pbkdf2::parse_hex(rest, Digest::Sha256).map(Stored::Pbkdf2)),
    ("$pbkdf2-sha512$", |rest| Pbkdf2::parse(rest, Digest::Sha512).map(Stored::Pbkdf2)),
    ("$pbkdf2-sha512-hex$", |rest| Pbkdf2::parse_hex(rest, Digest::Sha512).map(Stored::Pbkdf2)),
    ("$scrypt$", |rest| Scrypt::parse(rest).map(Stored::Scrypt)),
    ("$wp$2y$", |rest| Bcrypt::parse(rest, Fed::Slashed).map(Stored::Bcrypt)),
    ("argon2$argon2", |rest| Argon2::parse(rest).map(Stored::Argon2)),
    ("bcrypt$$2a$", |rest| Bcrypt::parse(rest, Fed::Plain).map(Stored::Bcrypt)),
    ("bcrypt$$2b$", |rest| Bcrypt::parse(rest, Fed::Plain).map(Stored::Bcrypt)),
    ("bcrypt_sha256$$2b$", |rest| Bcrypt::parse(rest, Fed::Hex).map(Stored::Bcrypt)),
    ("pbkdf2_sha256$", |rest| Pbkdf2::parse_django(rest).map(Stored::Pbkdf2)),
    ("scrypt$", |rest| Scrypt::parse_django(rest).map(Stored::Scrypt)),
];

impl Stored {
    pub fn parse(text: &str) -> Result<Self, FormatFault> {
        if text.len() > MAX_TEXT {
            return Err(FormatFault::Malformed);
        }
        let Some((scheme, rest)) = text.strip_prefix('{').and_then(|text| text.split_once('}'))
        else {
            return Self::bare(text);
        };
        // RFC 2307 schemes have no case.
        match scheme.to_ascii_uppercase().as_str() {
            "ARGON2" | "CRYPT" if rest.starts_with('$') => Self::bare(rest),
            "SSHA" => Ssha::parse(rest, Scheme::Ssha).map(Self::Ssha),
            "SSHA512" => Ssha::parse(rest, Scheme::Ssha512).map(Self::Ssha),
            _ => Err(FormatFault::Unknown),
        }
    }

    /// The family, for people.
    pub fn family(&self) -> &'static str {
        match self {
            Self::Argon2(stored) => stored.family(),
            Self::Bcrypt(_) => "bcrypt",
            Self::Pbkdf2(_) => "pbkdf2",
            Self::Scrypt(_) => "scrypt",
            Self::Sha512Crypt(_) => "sha512-crypt",
            Self::Ssha(_) => "ssha",
        }
    }

    /// Whether the password is the one; `memory` is kept for the next check.
    pub(super) fn matches(
        &self,
        password: &str,
        memory: &mut Memory,
        peppers: &Peppers,
    ) -> Result<bool, FormatFault> {
        match self {
            Self::Argon2(stored) => stored.matches(password, memory, peppers),
            Self::Bcrypt(stored) => Ok(stored.matches(password)),
            Self::Pbkdf2(stored) => Ok(stored.matches(password)),
            Self::Scrypt(stored) => stored.matches(password),
            Self::Sha512Crypt(stored) => Ok(stored.matches(password)),
            Self::Ssha(stored) => Ok(stored.matches(password)),
        }
    }

    /// What it costs, for people; empty where its format has one cost only.
    pub fn cost(&self) -> String {
        match self {
            Self::Argon2(stored) => {
                let Cost { memory_kib, passes, lanes } = stored.cost();
                format!("memory {memory_kib} KiB, passes {passes}, lanes {lanes}")
            }
            Self::Bcrypt(stored) => format!("cost {}", stored.cost()),
            Self::Pbkdf2(stored) => format!("{} iterations", stored.rounds()),
            Self::Scrypt(stored) => format!("ln {}", stored.log()),
            Self::Sha512Crypt(stored) => format!("{} rounds", stored.rounds()),
            Self::Ssha(_) => String::new(),
        }
    }

    fn bare(text: &str) -> Result<Self, FormatFault> {
        let found = BEGINNINGS
            .iter()
            .find_map(|(beginning, read)| text.strip_prefix(beginning).map(|rest| (read, rest)));
        match found {
            Some((read, rest)) => read(rest),
            None => Scrypt::parse_better_auth(text).map(Self::Scrypt),
        }
    }
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Stored({}, ..)", self.family())
    }
}
