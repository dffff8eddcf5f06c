//! Events: what is told to the team's own systems. Queued with what caused them, told in order for each account.

use sha2::{Digest, Sha256};

use crate::clock::Millis;

/// Also what the receiver tells it apart by, however often it is told.
pub type EventId = [u8; 16];

/// To whom it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Receiver {
    /// The service that the accounts live with.
    Directory,
    /// Whoever wants to hear of resets.
    Events,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    /// A limit refused somebody.
    Exceeded,
    /// An account's wrong codes of the day are used up.
    Frozen,
    /// A challenge was made, or one is sent again.
    Requested,
    Reset,
    /// The account's sessions are to end.
    SessionsEnd,
}

/// An event to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    pub id: EventId,
    pub kind: EventKind,
    /// In whose order it is told; empty: nobody's.
    pub account: String,
    /// JSON. No secret, and no full address.
    pub words: String,
    pub at: Millis,
}

/// An event that is ours to tell until the lease ends.
#[derive(Clone, Debug)]
pub struct LeasedEvent {
    pub id: EventId,
    pub kind: EventKind,
    pub account: String,
    pub words: String,
    pub at: Millis,
    /// Tries so far, this one included.
    pub attempts: u32,
}

/// What became of an attempt. `reply` is a status or our word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventEnd {
    Told,
    Later {
        next: Millis,
        reply: String,
    },
    /// It is too old to be of use.
    Expired {
        reply: String,
    },
}

/// Wrong codes of a day that were used up, wherever that was; the accounts are those whose codes were guessed at there.
#[derive(Clone, Debug)]
pub struct UsedUp {
    pub id: EventId,
    pub at: Millis,
    /// Account, and the address as it stands in the directory; none where nobody has one.
    pub accounts: Vec<(String, contract::address::Address)>,
}

/// How far an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventState {
    Waiting,
    Told,
    Dropped,
}

/// An event as it stands in the table, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    pub place: i64,
    pub id: EventId,
    pub kind: String,
    pub target: String,
    pub account: String,
    pub words: String,
    pub state: EventState,
    pub at: Millis,
    pub attempts: u32,
    /// When it is due, or its lease ends; of one that waits.
    pub next: Millis,
    pub ended: Option<Millis>,
    pub reply: Option<String>,
}

/// An id that follows from what it is of, so that the same is not queued twice.
pub fn event_id(parts: &[&[u8]]) -> EventId {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let mut id = [0; 16];
    id.iter_mut().zip(digest.finalize()).for_each(|(to, from)| *to = from);
    id
}

impl Receiver {
    pub const ALL: [Self; 2] = [Self::Directory, Self::Events];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Events => "events",
        }
    }
}

impl EventKind {
    pub const ALL: [Self; 5] =
        [Self::Exceeded, Self::Frozen, Self::Requested, Self::Reset, Self::SessionsEnd];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exceeded => "limits.exceeded",
            Self::Frozen => "reset.frozen",
            Self::Requested => "reset.requested",
            Self::Reset => "password.reset",
            Self::SessionsEnd => "sessions.end",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    pub fn receiver(self) -> Receiver {
        match self {
            Self::SessionsEnd => Receiver::Directory,
            Self::Exceeded | Self::Frozen | Self::Requested | Self::Reset => Receiver::Events,
        }
    }
}

impl EventState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Told => "told",
            Self::Dropped => "dropped",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Told, Self::Dropped].into_iter().find(|state| state.as_str() == text)
    }
}
