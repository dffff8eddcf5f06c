//! PBKDF2 with HMAC-SHA-256 or -SHA-512 (RFC 8018), spelled as PHC, passlib and Django do, and in hexadecimal, as it stands
//! in tables whose salt has a column of its own. Invariant: its rounds are bounded when a hash is read.

use std::ops::RangeInclusive;

use ::pbkdf2::pbkdf2_hmac;
use base64ct::{Base64, Base64Unpadded, Encoding};
use contract::signature::{hex, unhex};
use sha2::{Sha256, Sha512};

use super::tag::Tag;
use super::text::{bytes, decimal, dotted, named, parts, salt, to_dotted};
use super::{FormatFault, Salt};

const MAX_ROUNDS: u32 = 10_000_000;
const SALT_BYTES: RangeInclusive<usize> = 4..=64;
/// Below 16 bytes a wrong password could match by chance.
const TAG_BYTES: RangeInclusive<usize> = 16..=64;

/// What the HMAC is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    Sha256,
    Sha512,
}

/// How a hash is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// `pbkdf2_sha256$600000$salt$tag`
    Django,
    /// `$pbkdf2-sha256-hex$i=600000$salt$tag`: salt and tag in hexadecimal, and the salt used as it is written.
    Hex,
    /// `$pbkdf2-sha256$600000$salt$tag`
    Passlib,
    /// `$pbkdf2-sha256$i=600000,l=32$salt$tag`
    Phc,
}

/// A stored hash, read.
#[derive(Clone, Debug)]
pub struct Pbkdf2 {
    digest: Digest,
    rounds: u32,
    salt: Vec<u8>,
    tag: Tag,
}

impl Digest {
    fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// OWASP's numbers.
    pub fn least_rounds(self) -> u32 {
        match self {
            Self::Sha256 => 600_000,
            Self::Sha512 => 210_000,
        }
    }

    fn tag(self, password: &str, salt: &[u8], rounds: u32, length: usize) -> Vec<u8> {
        let mut tag = vec![0; length];
        match self {
            Self::Sha256 => pbkdf2_hmac::<Sha256>(password.as_bytes(), salt, rounds, &mut tag),
            Self::Sha512 => pbkdf2_hmac::<Sha512>(password.as_bytes(), salt, rounds, &mut tag),
        }
        tag
    }
}

impl Pbkdf2 {
    /// `i=600000,l=32$salt$tag`, or passlib's `600000$salt$tag`.
    pub(super) fn parse(rest: &str, digest: Digest) -> Result<Self, FormatFault> {
        let [cost, salt, tag] = parts(rest, '$')?;
        if !cost.starts_with("i=") {
            let rounds = check(decimal(cost)?)?;
            let (salt, tag) = (dotted(salt, SALT_BYTES)?, Tag(dotted(tag, TAG_BYTES)?));
            return Ok(Self { digest, rounds, salt, tag });
        }
        let mut costs = cost.split(',');
        let rounds = check(named(costs.next(), "i=")?)?;
        let length = costs.next().map(|part| named(Some(part), "l=")).transpose()?;
        let tag = Tag(bytes::<Base64Unpadded>(tag, TAG_BYTES)?);
        let told = length.is_none_or(|length| usize::try_from(length) == Ok(tag.len()));
        match told && costs.next().is_none() {
            true => {
                Ok(Self { digest, rounds, salt: bytes::<Base64Unpadded>(salt, SALT_BYTES)?, tag })
            }
            false => Err(FormatFault::Malformed),
        }
    }

    /// `600000$salt$tag`; the salt is used as it is written.
    pub(super) fn parse_django(rest: &str) -> Result<Self, FormatFault> {
        let [rounds, written, tag] = parts(rest, '$')?;
        let rounds = check(decimal(rounds)?)?;
        let salt = salt(written, SALT_BYTES)?;
        Ok(Self {
            digest: Digest::Sha256,
            rounds,
            salt,
            tag: Tag(bytes::<Base64>(tag, TAG_BYTES)?),
        })
    }

    /// `i=600000$salt$tag`
    pub(super) fn parse_hex(rest: &str, digest: Digest) -> Result<Self, FormatFault> {
        let [rounds, written, tag] = parts(rest, '$')?;
        let rounds = check(named(Some(rounds), "i=")?)?;
        let salt = salt(written, SALT_BYTES)?;
        // No longer and no shorter than we write it: an app that takes another length would take none of ours.
        let tag = match digest {
            Digest::Sha256 => unhex::<32>(tag).map(Vec::from),
            Digest::Sha512 => unhex::<64>(tag).map(Vec::from),
        };
        Ok(Self { digest, rounds, salt, tag: Tag(tag.ok_or(FormatFault::Malformed)?) })
    }

    pub(super) fn digest(&self) -> Digest {
        self.digest
    }

    pub(super) fn rounds(&self) -> u32 {
        self.rounds
    }

    pub(super) fn matches(&self, password: &str) -> bool {
        let tag = self.digest.tag(password, &self.salt, self.rounds, self.tag.len());
        self.tag.matches(&tag)
    }
}

/// How a hash in hexadecimal begins.
pub(super) fn hex_beginning(digest: Digest, rounds: u32) -> String {
    format!("$pbkdf2-{}-hex$i={rounds}$", digest.name())
}

/// Within the ceiling.
pub(super) fn check(rounds: u32) -> Result<u32, FormatFault> {
    (rounds <= MAX_ROUNDS).then_some(rounds).ok_or(FormatFault::Costly)
}

pub(super) fn write(
    spelling: Spelling,
    digest: Digest,
    rounds: u32,
    password: &str,
    salt: &Salt,
) -> String {
    let length = match digest {
        Digest::Sha256 => 32,
        Digest::Sha512 => 64,
    };
    let (name, in_hex) = (digest.name(), hex(salt));
    let salted = match spelling {
        Spelling::Django | Spelling::Hex => in_hex.as_bytes(),
        Spelling::Passlib | Spelling::Phc => salt,
    };
    let tag = digest.tag(password, salted, rounds, length);
    match spelling {
        Spelling::Django => {
            format!("pbkdf2_{name}${rounds}${in_hex}${}", Base64::encode_string(&tag))
        }
        Spelling::Hex => format!("{}{in_hex}${}", hex_beginning(digest, rounds), hex(&tag)),
        Spelling::Passlib => {
            format!("$pbkdf2-{name}${rounds}${}${}", to_dotted(salt), to_dotted(&tag))
        }
        Spelling::Phc => {
            let [salt, tag] = [&salt[..], &tag].map(Base64Unpadded::encode_string);
            format!("$pbkdf2-{name}$i={rounds},l={length}${salt}${tag}")
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::password::format::tests::known;
    use crate::password::format::{FormatFault, Stored};

    /// An app that takes another length than we write would take none of ours.
    #[test]
    fn tags_in_hexadecimal_have_one_length() {
        let read = |digest: u32, bytes: usize| {
            let text = format!("$pbkdf2-sha{digest}-hex$i=600000$0a0b0c0d${}", "0f".repeat(bytes));
            Stored::parse(&text).map(|stored| stored.cost())
        };
        for (digest, bytes) in [(256, 32), (512, 64)] {
            assert_eq!(read(digest, bytes).as_deref(), Ok("600000 iterations"));
            assert_eq!(read(digest, 96 - bytes), Err(FormatFault::Malformed));
        }
    }

    #[test]
    fn vectors_match() {
        // RFC 7914, section 11, and its like for SHA-512.
        known(&[
            (
                "passwd",
                "$pbkdf2-sha256$i=1,l=64$c2FsdA$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLxJypzM8Xm2RZkWZLOdd+8xfHG4RbHjC9UJESBB06GXgw",
            ),
            (
                "passwd",
                "$pbkdf2-sha256$i=1$c2FsdA$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLxJypzM8Xm2RZkWZLOdd+8xfHG4RbHjC9UJESBB06GXgw",
            ),
            (
                "Password",
                "pbkdf2_sha256$80000$NaCl$TdzY9guYviGDDO5e8icB+WQaRBjQTAQUrv8Ih2s0q1ah1CWhIlgzVJrbhBtRybMXaicr3ruh0HhHj2Kzl/M8jQ==",
            ),
            (
                "password",
                "$pbkdf2-sha512$1$c2FsdA$hn9wzxreAs/zdSWZo6U9xK80x6ZpgVrl1RNVThyM8lLALUcKKFoFAbrZmb/pQ8CPBQI119aLHaVeY/c7YKV/zg",
            ),
        ]);
    }
}
