//! The rules that a new password can break. Invariant: a broken rule names the rule and its numbers, never anything of the
//! password.

mod texts;
mod weakness;

use alloc::string::String;

use crate::language::Language;

pub use self::texts::composition;
pub use self::weakness::Weakness;

/// One broken rule, in the order in which they are told. Lengths and counts are code points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breach {
    TooShort {
        min: u32,
        max: u32,
    },
    TooLong {
        min: u32,
        max: u32,
    },
    /// More than `bytes` bytes of UTF-8, whatever its length in characters.
    TooManyBytes {
        min: u32,
        max: u32,
        bytes: u32,
    },
    /// The character classes that must all occur.
    Composition(Classes),
    /// One character more than `max` times in a row.
    Repeats {
        max: u32,
    },
    /// The user name spelled backwards.
    Reversed,
    /// The user name, phone, mail prefix or name.
    Personal,
    /// One of the service's own words.
    ServiceWord,
    /// In the list of common passwords.
    Common,
    /// In a list of breached passwords.
    Breached,
    /// Guessed too soon by an estimator, which may know why.
    Guessable(Option<Weakness>),
    /// One of the last passwords.
    History,
}

/// Character classes that a composition rule demands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Classes {
    pub digit: bool,
    pub letter: bool,
    pub mixed_case: bool,
    pub special: bool,
}

impl Classes {
    pub const NONE: Self = Self { digit: false, letter: false, mixed_case: false, special: false };
}

impl Breach {
    /// One sample of each, for tables and tests.
    pub const SAMPLES: [Self; 12] = [
        Self::TooShort { min: 8, max: 128 },
        Self::TooLong { min: 8, max: 128 },
        Self::TooManyBytes { min: 8, max: 128, bytes: 512 },
        Self::Composition(Classes { digit: true, letter: true, ..Classes::NONE }),
        Self::Repeats { max: 3 },
        Self::Reversed,
        Self::Personal,
        Self::ServiceWord,
        Self::Common,
        Self::Breached,
        Self::Guessable(Some(Weakness::Date)),
        Self::History,
    ];

    /// The stable code of the canonical answer.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "too_short",
            Self::TooLong { .. } => "too_long",
            Self::TooManyBytes { .. } => "too_many_bytes",
            Self::Composition(_) => "composition",
            Self::Repeats { .. } => "repeats",
            Self::Reversed => "reversed",
            Self::Personal => "personal",
            Self::ServiceWord => "service_word",
            Self::Common => "common",
            Self::Breached => "breached",
            Self::Guessable(_) => "guessable",
            Self::History => "history",
        }
    }

    /// The rule as a sentence without a full stop.
    pub fn text(&self, language: Language) -> String {
        texts::text(self, language)
    }
}
