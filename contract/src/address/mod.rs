//! Where a link or a code can be sent: mail addresses and telephone numbers, as types that only
//! their parsers build.
//! Invariant: nothing here shows a full address by `Debug`; what is logged is `masked`.

mod email;
mod phone;
#[cfg(test)]
mod tests;

use alloc::string::String;
use core::fmt;

pub use email::Email;
pub use phone::{Country, Phone};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    Email,
    Sms,
}

/// An address of either channel.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Address {
    Email(Email),
    Phone(Phone),
}

/// Why a text is not an address. Carries nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// Not exactly one `@`.
    #[error("not exactly one @")]
    At,
    /// A calling code that does not exist, or none given and none configured.
    #[error("calling code missing or unknown")]
    Country,
    #[error("malformed domain")]
    Domain,
    #[error("empty address")]
    Empty,
    #[error("address too long")]
    Length,
    #[error("malformed local part")]
    Local,
    /// Digits that the country's rule does not allow.
    #[error("not a number of that country")]
    Number,
    /// A character that no telephone number is written with, or a misplaced one.
    #[error("character that a telephone number cannot hold there")]
    Separator,
}

impl Channel {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "email" => Some(Self::Email),
            "sms" => Some(Self::Sms),
            _ => None,
        }
    }
}

impl Address {
    /// `country` is the default for telephone numbers in national form.
    pub fn parse(
        channel: Channel,
        text: &str,
        country: Option<Country>,
    ) -> Result<Self, AddressFault> {
        match channel {
            Channel::Email => Email::parse(text).map(Self::Email),
            Channel::Sms => Phone::parse(text, country).map(Self::Phone),
        }
    }

    #[must_use]
    pub fn channel(&self) -> Channel {
        match self {
            Self::Email(_) => Channel::Email,
            Self::Phone(_) => Channel::Sms,
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(email) => email.as_str(),
            Self::Phone(phone) => phone.as_str(),
        }
    }

    /// What two spellings of one address have in common; for look-ups and limits, never for sending.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Email(email) => email.key(),
            Self::Phone(phone) => phone.as_str().into(),
        }
    }

    /// For logs: `a***@e***.com`, `+86*******00`.
    #[must_use]
    pub fn masked(&self) -> String {
        match self {
            Self::Email(email) => email.masked(),
            Self::Phone(phone) => phone.masked(),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}
