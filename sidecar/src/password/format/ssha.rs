//! `{SSHA}` and `{SSHA512}`: a digest over password and salt, once (RFC 2307 and its descendants). Both are cracked as fast
//! as a card can count; written only where a directory knows nothing else.

use base64ct::{Base64, Encoding};
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA512};

use super::tag::Tag;
use super::text::bytes;
use super::{FormatFault, Salt};

/// The longest salt that is read.
const MAX_SALT: usize = 64;

/// How a hash is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Ssha,
    Ssha512,
}

/// A stored hash, read.
#[derive(Clone, Debug)]
pub struct Ssha {
    scheme: Scheme,
    tag: Tag,
    salt: Vec<u8>,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Ssha => "SSHA",
            Self::Ssha512 => "SSHA512",
        }
    }

    fn length(self) -> usize {
        match self {
            Self::Ssha => 20,
            Self::Ssha512 => 64,
        }
    }

    fn tag(self, password: &str, salt: &[u8]) -> Vec<u8> {
        let mut context = Context::new(match self {
            Self::Ssha => &SHA1_FOR_LEGACY_USE_ONLY,
            Self::Ssha512 => &SHA512,
        });
        context.update(password.as_bytes());
        context.update(salt);
        context.finish().as_ref().to_vec()
    }
}

impl Ssha {
    /// Base64 of the digest with the salt behind it.
    pub(super) fn parse(rest: &str, scheme: Scheme) -> Result<Self, FormatFault> {
        let length = scheme.length();
        let mut tag = bytes::<Base64>(rest, length + 1..=length + MAX_SALT)?;
        let salt = tag.split_off(length);
        Ok(Self { scheme, tag: Tag(tag), salt })
    }

    pub(super) fn matches(&self, password: &str) -> bool {
        self.tag.matches(&self.scheme.tag(password, &self.salt))
    }
}

pub(super) fn write(scheme: Scheme, password: &str, salt: &Salt) -> String {
    let mut tag = scheme.tag(password, salt);
    tag.extend_from_slice(salt);
    format!("{{{}}}{}", scheme.name(), Base64::encode_string(&tag))
}

#[cfg(test)]
mod tests {
    use crate::password::format::tests::known;

    #[test]
    fn salted_digests_match() {
        // Made by Python's hashlib.
        known(&[
            ("password", "{SSHA}2D7DXcHaxkWxjlTTFhTzbi4Z/sdhYmNk"),
            ("password", "{ssha}2D7DXcHaxkWxjlTTFhTzbi4Z/sdhYmNk"),
            (
                "password",
                "{SSHA512}+3owCEwuGKEqKwste7Gwb1+S9h9DxevSz000K29XMBh6hKjuw+5Sean/66sIYN6DtUFodvACU1KlPUeFVb6yzGFiY2RlZmdo",
            ),
        ]);
    }
}
