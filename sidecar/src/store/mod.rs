//! Our own tables, spoken to in the domain's words: one method is one use and one transaction.
//! Invariant: no SQL outside an engine's own room; what a method answered is on the disk.

mod account;
mod announce;
mod ask;
mod attempt;
mod challenge;
mod event;
mod instance;
mod mail;
mod message;
mod postgres;
mod sql;
mod sqlite;
mod standing;
#[cfg(test)]
mod tests;
mod work;

use std::path::PathBuf;

use thiserror::Error;

use crate::clock::Millis;
use crate::config::StoreConfig;

pub use account::{AccountKey, AccountRow, AccountWrite, Adding};
pub use announce::{Announce, Announced, Former, Unsettled};
pub use ask::{
    ACCOUNTS, Ask, AskId, Asked, Birth, CodeForm, Form, Mailbox, NewAsk, Resolved, Suppression,
};
pub use attempt::{Attempt, Candidate, Guess, Issuer, Judge, Opened};
pub use challenge::{
    Audit, Challenge, Ending, Finish, Finished, Grant, Held, Hold, Release, Target, Unfit,
};
pub use event::{
    EventEnd, EventId, EventKind, EventRow, EventState, LeasedEvent, NewEvent, Receiver, UsedUp,
    event_id,
};
pub use instance::{Beat, Beaten};
pub use mail::{Leased, MailEnd, MailId, MailKind, MailRow, MailState, NewMail, Outbox};
pub use message::{Kept, LoggedIn, MessageKey};
pub use postgres::Postgres;
pub use sql::ask::Backlog;
pub use sql::forget::Forgotten;
pub use sql::housekeeping::Record;
pub use sqlite::Sqlite;
pub use standing::Standing;

use sql::tx::{Broken, Tx};
use work::Mode;

/// Why the store could not do it. Nothing was done, or what was done is not known: a repeat of the message is safe.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum StoreError {
    #[error("the store is busy")]
    Busy,
    #[error("the store is closed")]
    Closed,
    #[error("the store's file is damaged or of another program")]
    Corrupt,
    #[error("a row cannot be read")]
    Row,
    #[error("the disk is full")]
    Full,
    #[error("the store's file or directory cannot be opened or written")]
    Unwritable,
    #[error("the store was made by a newer version of Rekey")]
    Newer,
    #[error("the store does not answer")]
    Unreachable,
    #[error("the store refuses our user or password, or gives no right to what we need")]
    Refused,
    #[error("the store was lost in mid-commit: what was done is not known")]
    Unknown,
    #[error("no TLS can be made to the store: its certificate is not one that we trust")]
    Tls,
    #[error("the store failed")]
    Failed,
}

/// What became of an ask, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    pub at: Millis,
    pub dialect: String,
    pub site: String,
    pub request: String,
    /// waiting, queued, sent, dead, suppressed or stale.
    pub state: String,
    pub reason: Option<String>,
    pub ended: Option<Millis>,
    /// Mails that it led to: one for each mailbox.
    pub mails: u32,
    /// Deliveries tried, and what the relay said last.
    pub attempts: u32,
    pub reply: Option<String>,
}

/// How long rows are kept; all in the past of `now`.
#[derive(Clone, Copy, Debug)]
pub struct Horizon {
    pub now: Millis,
    pub messages: Millis,
    pub asks: Millis,
    pub mails: Millis,
    pub dead_mails: Millis,
    pub proofs: Millis,
    pub audit: Millis,
}

/// Where the rows lie.
#[derive(Clone, Debug)]
pub enum Store {
    /// A file of this program alone.
    Sqlite(Sqlite),
    /// Shared by several.
    Postgres(Postgres),
}

impl Store {
    /// Opens what the configuration names and brings it to our schema. A file is made with mode 0600 in a directory of
    /// mode 0700 where it is missing; a database must exist.
    pub fn open(config: &StoreConfig) -> Result<Self, StoreError> {
        match config {
            StoreConfig::Sqlite(path) => Sqlite::open(path).map(Self::Sqlite),
            StoreConfig::Postgres(server) => Postgres::open(server).map(Self::Postgres),
        }
    }

    /// Whether other instances may be using it.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Copies a database file into a new one, which knows that it is a copy; a server's is refused.
    pub async fn backup(&self, to: PathBuf) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.backup(to).await,
            Self::Postgres(_) => Err(StoreError::Failed),
        }
    }

    /// One transaction. It may run more than once before its commit.
    async fn write<T, F>(&self, act: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, Broken> + Send + 'static,
    {
        self.run(Mode::Write, act).await
    }

    /// Statements that change nothing; each sees what was committed before it.
    async fn read<T, F>(&self, act: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, Broken> + Send + 'static,
    {
        self.run(Mode::Read, act).await
    }

    async fn run<T, F>(&self, mode: Mode, act: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, Broken> + Send + 'static,
    {
        match self {
            Self::Sqlite(store) => store.run(mode, act).await,
            Self::Postgres(store) => store.run(mode, act).await,
        }
    }
}
