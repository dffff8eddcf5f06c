//! `$argon2id$v=19$m=..,t=..,p=..$salt$tag` (the PHC string format; RFC 9106).

use argon2::{Algorithm, Params, Version};
use base64ct::{Base64Unpadded, Encoding};
use subtle::ConstantTimeEq;

use super::{FormatFault, Salt};
use crate::password::memory::{Input, Memory};

const MAX_MEMORY_KIB: u32 = 256 * 1024;
const MAX_PASSES: u32 = 16;
const MAX_LANES: u32 = 8;
const SALT_BYTES: std::ops::RangeInclusive<usize> = 8..=64;
/// Below 16 bytes a wrong password could match by chance.
const TAG_BYTES: std::ops::RangeInclusive<usize> = 16..=64;

/// What argon2id costs: KiB of memory, passes over it, lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
}

/// A stored hash, read.
#[derive(Clone)]
pub struct Argon2id {
    version: Version,
    cost: Cost,
    salt: Vec<u8>,
    tag: Vec<u8>,
}

impl Default for Cost {
    /// The second recommendation of OWASP's password storage cheat sheet.
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, lanes: 1 }
    }
}

impl Cost {
    /// Within the ceilings, and a combination that argon2 knows.
    pub fn check(self) -> Result<Self, FormatFault> {
        if self.memory_kib > MAX_MEMORY_KIB || self.passes > MAX_PASSES || self.lanes > MAX_LANES {
            return Err(FormatFault::Costly);
        }
        self.params(32).map(|_| self)
    }

    pub(in crate::password) fn params(self, tag_bytes: usize) -> Result<Params, FormatFault> {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(tag_bytes))
            .map_err(|_| FormatFault::Malformed)
    }
}

impl Argon2id {
    pub(super) fn parse(rest: &str) -> Result<Self, FormatFault> {
        let parts: Vec<&str> = rest.split('$').collect();
        let (version, cost, salt, tag) = match parts.as_slice() {
            [version, cost, salt, tag] => (*version, *cost, *salt, *tag),
            // Strings of argon2 1.0 name no version.
            [cost, salt, tag] => ("v=16", *cost, *salt, *tag),
            _ => return Err(FormatFault::Malformed),
        };
        let version = match version {
            "v=16" => Version::V0x10,
            "v=19" => Version::V0x13,
            _ => return Err(FormatFault::Malformed),
        };
        let cost = read_cost(cost)?.check()?;
        Ok(Self { version, cost, salt: bytes(salt, SALT_BYTES)?, tag: bytes(tag, TAG_BYTES)? })
    }

    pub(super) fn matches(&self, password: &str, memory: &mut Memory) -> Result<bool, FormatFault> {
        let mut tag = vec![0; self.tag.len()];
        let input = Input {
            kind: Algorithm::Argon2id,
            version: self.version,
            cost: self.cost,
            password: password.as_bytes(),
            salt: &self.salt,
            secret: &[],
        };
        memory.argon2id(&input, &mut tag)?;
        Ok(tag.ct_eq(&self.tag).into())
    }
}

/// Makes the PHC string of a new password.
pub(super) fn write(
    cost: Cost,
    password: &str,
    salt: &Salt,
    memory: &mut Memory,
) -> Result<String, FormatFault> {
    let mut tag = [0; 32];
    let input = Input {
        kind: Algorithm::Argon2id,
        version: Version::V0x13,
        cost,
        password: password.as_bytes(),
        salt,
        secret: &[],
    };
    memory.argon2id(&input, &mut tag)?;
    let Cost { memory_kib, passes, lanes } = cost;
    let [salt, tag] = [&salt[..], &tag].map(Base64Unpadded::encode_string);
    Ok(format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${tag}"))
}

/// `m=..,t=..,p=..`, in this order, decimal without leading zeros.
fn read_cost(text: &str) -> Result<Cost, FormatFault> {
    let mut parts = text.split(',');
    let mut next = |name: &str| {
        let digits =
            parts.next().and_then(|part| part.strip_prefix(name)).ok_or(FormatFault::Malformed)?;
        decimal(digits)
    };
    let cost = Cost { memory_kib: next("m=")?, passes: next("t=")?, lanes: next("p=")? };
    parts.next().map_or(Ok(cost), |_| Err(FormatFault::Malformed))
}

fn decimal(digits: &str) -> Result<u32, FormatFault> {
    let plain = !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    if !plain {
        return Err(FormatFault::Malformed);
    }
    digits.parse().map_err(|_| FormatFault::Costly)
}

fn bytes(text: &str, length: std::ops::RangeInclusive<usize>) -> Result<Vec<u8>, FormatFault> {
    let bytes = Base64Unpadded::decode_vec(text).map_err(|_| FormatFault::Malformed)?;
    length.contains(&bytes.len()).then_some(bytes).ok_or(FormatFault::Malformed)
}

impl std::fmt::Debug for Argon2id {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Argon2id({:?}, ..)", self.cost)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::password::format::Stored;

    const SMALL: Cost = Cost { memory_kib: 64, passes: 2, lanes: 1 };

    #[test]
    fn vectors_of_the_reference_implementation_match() {
        // phc-winner-argon2, test.c: password "password", salt "somesalt".
        let table = [
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
        ];
        for text in table {
            let mut memory = Memory::keeping(64);
            let stored = Stored::parse(text).unwrap();
            assert_eq!(stored.matches("password", &mut memory), Ok(true), "{text}");
            assert_eq!(stored.matches("passwore", &mut memory), Ok(false), "{text}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let mut memory = Memory::keeping(64);
        let text = write(SMALL, "pässword", &[7; 16], &mut memory).unwrap();
        assert!(text.starts_with("$argon2id$v=19$m=64,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$"), "{text}");
        let stored = Stored::parse(&text).unwrap();
        assert_eq!(stored.matches("pässword", &mut memory), Ok(true));
        assert_eq!(stored.matches("passwort", &mut memory), Ok(false));
    }

    #[test]
    fn faults_are_told_apart_at_once() {
        let tail = "$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let table = [
            ("$argon2id$v=19$m=4194304,t=2,p=1", FormatFault::Costly),
            ("$argon2id$v=19$m=99999999999,t=2,p=1", FormatFault::Costly),
            ("$argon2id$v=19$m=64,t=4294967295,p=1", FormatFault::Costly),
            ("$argon2id$v=19$m=65536,t=2,p=16777215", FormatFault::Costly),
            ("$argon2id$v=19$m=8,t=2,p=8", FormatFault::Malformed),
            ("$argon2id$v=19$m=64,t=0,p=1", FormatFault::Malformed),
            ("$argon2id$v=19$m=064,t=2,p=1", FormatFault::Malformed),
            ("$argon2id$v=19$m=+64,t=2,p=1", FormatFault::Malformed),
            ("$argon2id$v=19$t=2,m=64,p=1", FormatFault::Malformed),
            ("$argon2id$v=19$m=64,t=2,p=1,data=aa", FormatFault::Malformed),
            ("$argon2id$v=20$m=64,t=2,p=1", FormatFault::Malformed),
            ("$argon2i$v=19$m=64,t=2,p=1", FormatFault::Unknown),
            ("$2b$10$abcdefghijklmnopqrstuv", FormatFault::Unknown),
            ("", FormatFault::Unknown),
        ];
        for (head, fault) in table {
            let text = format!("{head}{tail}");
            // The best of a few: the machine may be crowded.
            let cost = (0..5).map(|_| {
                let begun = Instant::now();
                assert_eq!(Stored::parse(&text).unwrap_err(), fault, "{head}");
                begun.elapsed()
            });
            assert!(cost.min().unwrap() < Duration::from_millis(1), "{head}");
        }
        let tails = [
            "$c29t$nf65EOgLrQMR/uIPnA4rEg",
            "$c29tZXNhbHQ$nf65",
            "$c29tZXNhbHQ=$nf65EOgLrQMR/uIPnA4rEg",
            "$c29tZXNhbHQ",
        ];
        for tail in tails {
            let text = format!("$argon2id$v=19$m=64,t=2,p=1{tail}");
            assert_eq!(Stored::parse(&text).unwrap_err(), FormatFault::Malformed, "{tail}");
        }
    }
}
