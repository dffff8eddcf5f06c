//! Asks: taken down on the request's path without looking anybody up, decided by the worker.

use std::sync::Arc;
use std::time::Duration;

use contract::address::Address;
use contract::language::Language;
use contract::name::Name;

use super::attempt::Issuer;
use super::event::NewEvent;
use super::mail::MailId;
use super::message::MessageKey;
use crate::clock::Millis;
use crate::limits::{BudgetKey, Spent, Take};
use crate::secret::{AddressKey, ChallengeId, Fingerprint, Masters, Place, Sender};

/// The id of the message that asked.
pub type AskId = [u8; 16];

/// An ask that arrives, with the rules it is taken down by.
#[derive(Clone, Debug)]
pub struct NewAsk {
    pub message: MessageKey,
    pub at: Millis,
    pub address: Address,
    pub address_key: AddressKey,
    pub sender: Sender,
    pub place: Place,
    /// The place is a cookie's: nobody else can be in it.
    pub place_owned: bool,
    pub issuer: Issuer,
    pub language: Language,
    pub request: Name,
    /// What wrong codes are counted by.
    pub scope: [u8; 16],
    /// Wrong codes per pot.
    pub tries: u8,
    /// Life of a code; a pot is renewed after half of it.
    pub code_life: Duration,
    /// How long after this ask a code of it may still live.
    pub pot_life: Duration,
    /// Wrong codes a day; when they are used up, no new pot is made.
    pub daily_wrong_codes: u32,
    pub cool_down: Duration,
    /// Taken with the ask, all or none, in the order of their keys.
    pub budgets: Vec<Take>,
    /// The budget that says when it is this ask's turn: its sender's. Without one, the order of arrival does.
    pub turn_by: Option<BudgetKey>,
}

/// What became of an ask that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Taken down, now or by an earlier message of the same id.
    Taken,
    /// Taken down and ended: another ask for the address waits already.
    Merged,
    /// The sender asked for this address a moment ago.
    Throttled(Duration),
    /// A budget is spent. Nothing was written.
    Spent(Spent),
    /// The message's id was used with another MAC.
    Forged,
}

/// An ask that waits for the worker.
#[derive(Clone, Debug)]
pub struct Ask {
    pub id: AskId,
    pub at: Millis,
    pub address: Address,
    pub address_key: AddressKey,
    pub issuer: Issuer,
    pub language: Language,
    pub request: Name,
}

/// The accounts of one address that an ask serves at a time. Their codes share one pot, two at a time of each account, and
/// each that a guess is compared with counts for the day: with 8 that live and 20 wrong codes a day, two guesses are
/// compared, with 16 one, and the day's chance stays at 20 in a million.
pub const ACCOUNTS: usize = 8;

/// The accounts of one mailbox, told of by one mail, in its order.
#[derive(Clone, Debug)]
pub struct Mailbox {
    pub mail: MailId,
    pub births: Vec<Birth>,
}

/// A challenge for an account that was found; made only if no living one serves.
#[derive(Clone, Debug)]
pub struct Birth {
    pub id: ChallengeId,
    pub account: String,
    /// As it stands in the directory.
    pub address: Address,
    pub language: Language,
    pub fingerprint: Fingerprint,
    /// The active one makes the challenge; all derive the codes that it must differ from.
    pub masters: Arc<Masters>,
    pub usual: Form,
    /// For an account whose guesses of the day are used up; `None` where nothing remains.
    pub frozen: Option<Form>,
    pub cool_down: Duration,
    /// How often one secret is sent.
    pub sends: u32,
    pub daily_wrong_codes: u32,
    /// Told with the mail, if anybody wants to hear of it.
    pub event: Option<NewEvent>,
}

/// What a message will carry.
#[derive(Clone, Debug)]
pub struct Form {
    pub dialect: &'static str,
    /// Whether the client that asked is the one that confirms; not where another dialect's page stands in.
    pub keeps_client: bool,
    pub link_life: Option<Duration>,
    pub code: Option<CodeForm>,
}

#[derive(Clone, Copy, Debug)]
pub struct CodeForm {
    pub digits: u8,
    pub life: Duration,
    /// Wrong codes per pot.
    pub tries: u8,
    /// Good in the place where it was asked for, without an address.
    pub placed: bool,
}

/// What became of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// Mails wait to be sent.
    Queued,
    Suppressed(Suppression),
    /// Somebody else had decided it.
    Gone,
}

/// Why an accepted ask led to no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suppression {
    /// A relay said lately that the mailbox does not exist.
    Bounced,
    ChannelNotServed,
    CoolDown,
    Disabled,
    /// Too many wrong codes today, and no link to send instead.
    Frozen,
    /// Another ask for the address was waiting already.
    Merged,
    NoAccount,
    /// The same secret was sent often enough.
    Resends,
    /// For as long as it could be decided, nobody knew its site.
    SiteUnknown,
    /// The directory answers for other addresses, and not for this one.
    Unreadable,
}

impl Suppression {
    pub const ALL: [Self; 10] = [
        Self::Bounced,
        Self::ChannelNotServed,
        Self::CoolDown,
        Self::Disabled,
        Self::Frozen,
        Self::Merged,
        Self::NoAccount,
        Self::Resends,
        Self::SiteUnknown,
        Self::Unreadable,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bounced => "bounced",
            Self::ChannelNotServed => "channel_not_served",
            Self::CoolDown => "cool_down",
            Self::Disabled => "disabled",
            Self::Frozen => "frozen",
            Self::Merged => "merged",
            Self::NoAccount => "no_account",
            Self::Resends => "resends",
            Self::SiteUnknown => "site_unknown",
            Self::Unreadable => "unreadable",
        }
    }
}
