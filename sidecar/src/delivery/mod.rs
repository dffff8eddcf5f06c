//! From a letter to the relay: words, MIME, SMTP, or a text on the spool. Invariant: nothing here decides who gets a
//! letter or keeps one; a link or code exists in it only while it is being handed over, and is never logged.

pub(crate) mod breaker;
mod courier;
mod device;
#[cfg(test)]
mod failover_tests;
mod listing;
mod mime;
mod rehearsal;
mod relay;
#[cfg(test)]
mod relay_tests;
mod relays;
mod render;
mod spool;
mod template;
mod texts;

use std::fmt;
use std::sync::Arc;

use contract::address::Address;
use contract::language::Language;
use thiserror::Error;

use crate::clock::Millis;
use crate::config::Sender;

pub use courier::Courier;
pub use rehearsal::{Rehearsed, rehearse};
pub use render::{Rendered, render};

/// One message to one address.
#[derive(Clone)]
pub struct Letter {
    /// The same on every attempt, so that a doubled mail shows as one (Message-ID).
    pub id: [u8; 16],
    pub sender: Arc<Sender>,
    /// The stored address, its domain in A-labels.
    pub to: Address,
    pub language: Language,
    pub kind: LetterKind,
}

/// What the letter says. `name` is the account's; it greets.
#[derive(Clone)]
pub enum LetterKind {
    /// A reset was asked for. The minutes are those that are left when the letter is written.
    Reset {
        link: Option<String>,
        code: Option<String>,
        link_minutes: u32,
        code_minutes: u32,
        name: Option<String>,
    },
    /// The same, to a mailbox that several accounts share.
    Several { accounts: Vec<Listed> },
    /// A password was reset, by a device that says of itself that it is `agent`.
    Changed { at: Millis, name: Option<String>, agent: Option<String> },
    /// A password was sent to the directory, and whether it is in force cannot be told.
    Unsure { at: Millis, name: Option<String> },
}

/// What a letter to a shared mailbox says of one account. `name` says which one it is.
#[derive(Clone)]
pub struct Listed {
    pub name: Option<String>,
    pub link: Option<String>,
    pub code: Option<String>,
    pub link_minutes: u32,
    pub code_minutes: u32,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The relay took it.
    Sent,
    /// Another attempt can succeed.
    Later(Reason),
    /// None can.
    Dead(Reason),
}

/// Why a letter was not taken; fit for a log.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Reason {
    #[error("no envelope can carry the address")]
    Address,
    #[error("the letter cannot be written")]
    Content,
    #[error("the relay does not speak SMTP, or closed the connection")]
    Garbled,
    #[error("the relay offers no way that is safe")]
    Insecure,
    #[error("nothing is set up for this channel")]
    NotServed,
    /// The mailbox is not there, says the relay.
    #[error("the relay refused the recipient with {0}")]
    Recipient(u16),
    #[error("the relay answered {0}")]
    Reply(u16),
    /// Every relay failed so often that none was asked.
    #[error("the relays are given a rest")]
    Resting,
    #[error("the spool cannot be written")]
    Spool,
    #[error("the relay did not answer in time")]
    Timeout,
    #[error("no TLS with the relay")]
    Tls,
    #[error("the relay cannot be reached")]
    Unreachable,
}

impl Reason {
    /// Out of a closed list, for the metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Content => "content",
            Self::Garbled => "garbled",
            Self::Insecure => "insecure",
            Self::NotServed => "channel_not_served",
            Self::Recipient(_) => "bounced",
            Self::Reply(_) => "refused",
            Self::Resting => "resting",
            Self::Spool => "spool",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::Unreachable => "unreachable",
        }
    }
}

/// Why no courier could be set up.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CourierFault {
    #[error(
        "no TLS can be made to the relay of [mail]: is its host a name, and are the system's root certificates there?"
    )]
    Tls,
}

impl fmt::Debug for Letter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Letter({:?}, {:?})", self.kind, self.to)
    }
}

impl fmt::Debug for LetterKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Reset { .. } => "Reset(..)",
            Self::Several { .. } => "Several(..)",
            Self::Changed { .. } => "Changed(..)",
            Self::Unsure { .. } => "Unsure(..)",
        })
    }
}

impl fmt::Debug for Listed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Listed(..)")
    }
}
