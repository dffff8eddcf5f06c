//! What keys are for, and which of them lie in one file. Invariant: a kind stands on one shelf only.

use std::fmt;

/// What a key is for; the first word of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// What filters sign with.
    Edge,
    /// What addresses, senders and places are keyed with; one for ever, so that a new master changes no row.
    Index,
    /// What signs access tokens.
    Jwt,
    /// What links, codes and grants are derived from.
    Master,
    /// What hashes of passwords are keyed with.
    Pepper,
    /// What passwords are decrypted with.
    Rsa,
    /// The same, for clients that speak SM2.
    Sm2,
}

/// A key file, by what stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
    Edge,
    Jwt,
    Master,
    /// May be missing or empty: who needs none of its keys draws none.
    Password,
}

impl Kind {
    pub const ALL: [Self; 7] =
        [Self::Edge, Self::Index, Self::Jwt, Self::Master, Self::Pepper, Self::Rsa, Self::Sm2];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Index => "index",
            Self::Jwt => "jwt",
            Self::Master => "master",
            Self::Pepper => "pepper",
            Self::Rsa => "rsa",
            Self::Sm2 => "sm2",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    pub fn shelf(self) -> Shelf {
        match self {
            Self::Edge => Shelf::Edge,
            Self::Jwt => Shelf::Jwt,
            Self::Index | Self::Master => Shelf::Master,
            Self::Pepper | Self::Rsa | Self::Sm2 => Shelf::Password,
        }
    }

    /// Whether an instance may do without.
    pub fn is_optional(self) -> bool {
        self.shelf() == Shelf::Password
    }
}

impl Shelf {
    /// The kind of which there must be one.
    pub(super) fn needs(self) -> Option<Kind> {
        match self {
            Self::Edge => Some(Kind::Edge),
            Self::Jwt => Some(Kind::Jwt),
            Self::Master => Some(Kind::Master),
            Self::Password => None,
        }
    }

    /// What is drawn when the file is made. No pepper: that binds every hash to this file, and wants to be chosen.
    pub(super) fn first(self) -> &'static [Kind] {
        match self {
            Self::Edge => &[Kind::Edge],
            Self::Jwt => &[Kind::Jwt],
            Self::Master => &[Kind::Index, Kind::Master],
            Self::Password => &[Kind::Rsa, Kind::Sm2],
        }
    }

    /// The last word of the configuration's key.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Jwt => "jwt",
            Self::Master => "master",
            Self::Password => "password",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "rekey-{}", self.as_str())
    }
}

/// How its lines must read.
impl fmt::Display for Shelf {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password => out.write_str(
                "`rekey-rsa <id> <base64 of PKCS#8, 2048 to 4096 bits>`, `rekey-sm2 <id> <64 hex>` or \
                 `rekey-pepper <id> <64 hex>`",
            ),
            other => write!(out, "`rekey-{} <id> <64 hex>`, and there must be one", other.as_str()),
        }
    }
}
