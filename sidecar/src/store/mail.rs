//! The outbox: what is to be sent, without a token or a code; those are derived at the moment of sending.

use contract::address::Address;
use contract::language::Language;

use super::ask::AskId;
use super::challenge::Challenge;
use crate::clock::Millis;
use crate::secret::ChallengeId;

/// Also the stable part of the Message-ID.
pub type MailId = [u8; 16];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailKind {
    /// Carries a link, a code, or both.
    Reset,
    /// Tells that the password was changed.
    Changed,
}

impl MailKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Changed => "changed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Reset, Self::Changed].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A mail to be sent.
#[derive(Clone, Debug)]
pub struct NewMail {
    pub id: MailId,
    pub kind: MailKind,
    pub challenge: Option<ChallengeId>,
    pub ask: Option<AskId>,
    pub account: String,
    pub address: Address,
    pub language: Language,
    /// A caller's claim of its device, for `Changed`.
    pub agent: Option<String>,
    pub at: Millis,
}

/// A mail that is ours to send until the lease ends.
#[derive(Clone, Debug)]
pub struct Leased {
    pub id: MailId,
    pub kind: MailKind,
    pub challenge: Option<Challenge>,
    pub account: String,
    pub address: Address,
    pub language: Language,
    pub agent: Option<String>,
    pub at: Millis,
    pub leased: Millis,
    /// Tries so far, this one included.
    pub attempts: u32,
}

/// What became of a delivery attempt. `reply` is the relay's code or our word; never an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailEnd {
    Sent,
    Later { next: Millis, reply: String },
    Dead { reply: String },
}
