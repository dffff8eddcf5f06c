//! The outbox: what is to be sent, without a token or a code; those are derived at the moment of sending.

use contract::address::{Address, Channel};
use contract::language::Language;
use contract::name::Name;

use super::ask::AskId;
use super::challenge::Challenge;
use crate::clock::Millis;
use crate::secret::{AddressKey, ChallengeId};

/// Also the stable part of the Message-ID.
pub type MailId = [u8; 16];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailKind {
    /// Carries a link, a code, or both.
    Reset,
    /// Tells that the password was changed.
    Changed,
    /// Tells that nobody knows whether it was.
    Unsure,
}

impl MailKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Changed => "changed",
            Self::Unsure => "unsure",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Reset, Self::Changed, Self::Unsure].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A mail to be sent.
#[derive(Clone, Debug)]
pub struct NewMail {
    pub id: MailId,
    pub kind: MailKind,
    pub site: Name,
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
    /// `None`: the program that queued it knew one site.
    pub site: Option<Name>,
    pub challenges: Vec<Challenge>,
    /// Several accounts have the mailbox: it has to say whose challenges these are.
    pub shared: bool,
    /// The first one's, where there are several.
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
    Later {
        next: Millis,
        reply: String,
    },
    Dead {
        reply: String,
    },
    /// Dead, and its address with it for 7 days: the mailbox does not exist.
    Bounced {
        reply: String,
        address: AddressKey,
    },
}

/// How far a mail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailState {
    Waiting,
    Sent,
    Dead,
}

impl MailState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Dead => "dead",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Sent, Self::Dead].into_iter().find(|state| state.as_str() == text)
    }
}

/// A mail as it stands in the outbox, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailRow {
    pub id: MailId,
    pub kind: String,
    pub state: MailState,
    pub account: String,
    /// How many accounts it tells of.
    pub accounts: u32,
    pub channel: Channel,
    /// Masked.
    pub to: String,
    pub at: Millis,
    pub attempts: u32,
    /// When it is due, or its lease ends; of a mail that waits.
    pub next: Millis,
    pub ended: Option<Millis>,
    /// What the relay, or our own word, said last.
    pub reply: Option<String>,
}

/// The outbox in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outbox {
    pub waiting: u64,
    pub sent: u64,
    pub dead: u64,
    /// Of those that wait; the others are put off, or being sent.
    pub due: u64,
    pub ended_since: u64,
    /// Addresses that nothing is sent to.
    pub suppressed: u64,
}

impl Outbox {
    /// Mails of one state, or all.
    pub fn of(&self, state: Option<MailState>) -> u64 {
        match state {
            Some(MailState::Waiting) => self.waiting,
            Some(MailState::Sent) => self.sent,
            Some(MailState::Dead) => self.dead,
            None => self.waiting.saturating_add(self.sent).saturating_add(self.dead),
        }
    }

    pub(super) fn count(&mut self, state: MailState) -> &mut u64 {
        match state {
            MailState::Waiting => &mut self.waiting,
            MailState::Sent => &mut self.sent,
            MailState::Dead => &mut self.dead,
        }
    }
}
