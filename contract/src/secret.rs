//! Values that must never be seen in a log: passwords, codes, tokens. Their `Debug` is silent and they are wiped when
//! dropped. Invariant: none is empty, none holds a control character where a proof is meant.

use alloc::string::String;
use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A password as it was typed: 1 byte or more, never changed on its way to the hash. Its upper limits are the body's
/// (16 KiB) and the policy's.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    pub fn parse(text: String) -> Option<Self> {
        (!text.is_empty()).then(|| Self(Zeroizing::new(text)))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// A code as it was typed: 1 to 64 bytes without controls. Whether it is one of ours, the sidecar says.
#[derive(Clone)]
pub struct Code(Zeroizing<String>);

impl Code {
    pub const MAX_BYTES: usize = 64;

    pub fn parse(text: String) -> Option<Self> {
        is_proof(&text, Self::MAX_BYTES).then(|| Self(Zeroizing::new(text)))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Compares in constant time; only the lengths can be learnt.
    pub fn matches(&self, expected: &str) -> bool {
        self.0.as_bytes().ct_eq(expected.as_bytes()).into()
    }
}

/// A link token, a grant or an access token: 1 to 2048 bytes without controls.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

impl Token {
    pub const MAX_BYTES: usize = 2048;

    pub fn parse(text: String) -> Option<Self> {
        is_proof(&text, Self::MAX_BYTES).then(|| Self(Zeroizing::new(text)))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Compares in constant time; only the lengths can be learnt.
    pub fn matches(&self, expected: &str) -> bool {
        self.0.as_bytes().ct_eq(expected.as_bytes()).into()
    }
}

fn is_proof(text: &str, max: usize) -> bool {
    !text.is_empty() && text.len() <= max && !text.chars().any(char::is_control)
}

impl fmt::Debug for Password {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Password(..)")
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Code(..)")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token(..)")
    }
}
