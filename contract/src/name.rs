//! Short names that travel in messages: site, audience, client id, key id, request id.

use alloc::string::String;

/// A `Name` is 1 to 64 bytes of `A-Z a-z 0-9 . _ -`; it can be logged, put into a header and into JSON as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    pub const MAX_BYTES: usize = 64;

    pub fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= Self::MAX_BYTES;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        (fits && text.bytes().all(plain)).then(|| Self(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
