//! Our own tables, spoken to in the domain's words: one method is one use and one transaction.
//! Invariant: no SQL outside an engine's own room; what a method answered is on the disk.

mod account;
mod ask;
mod attempt;
mod challenge;
mod mail;
mod message;
mod sqlite;
#[cfg(test)]
mod tests;

use std::path::Path;

use thiserror::Error;

use crate::clock::Millis;
use crate::secret::AddressKey;

pub use account::{AccountKey, AccountRow, AccountWrite, Adding};
pub use ask::{
    Ask, AskId, Asked, Birth, CodeForm, Form, NewAsk, Resolution, Resolved, Suppression,
};
pub use attempt::{Attempt, Guess, Issuer, Opened};
pub use challenge::{Audit, Challenge, Finish, Finished, Grant, Hold, Release, Target};
pub use mail::{Leased, MailEnd, MailId, MailKind, NewMail};
pub use message::{Kept, LoggedIn, MessageKey};
pub use sqlite::Sqlite;

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
    #[error("the store failed")]
    Failed,
}

/// What became of an ask, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    pub at: Millis,
    pub dialect: String,
    pub request: String,
    /// waiting, queued, sent, dead, suppressed or stale.
    pub state: String,
    pub reason: Option<String>,
    pub ended: Option<Millis>,
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
    Sqlite(Sqlite),
}

/// Each use once, for whichever engine it is.
macro_rules! uses {
    ($($(#[$doc:meta])* $name:ident($($given:ident: $kind:ty),*) -> $answer:ty;)*) => {
        impl Store {
            $($(#[$doc])* pub async fn $name(&self, $($given: $kind),*) -> Result<$answer, StoreError> {
                match self {
                    Self::Sqlite(store) => store.$name($($given),*).await,
                }
            })*
        }
    };
}

uses! {
    /// Takes an ask down, unless its sender has to wait.
    take_ask(ask: NewAsk) -> Asked;
    /// The oldest asks that wait. What cannot be read ends here as stale, so that nobody waits behind it.
    waiting_asks(now: Millis, most: u32) -> Vec<Ask>;
    /// Decides an ask: a challenge and a mail, or the reason why not.
    resolve_ask(ask: AskId, at: Millis, resolution: Resolution) -> Resolved;
    /// Takes a message down and counts its guess, before anything is compared.
    open_attempt(attempt: Attempt) -> Opened;
    /// Keeps the outcome of a message; the first one stays, and is what comes back.
    conclude(message: [u8; 16], kept: Kept) -> Kept;
    /// Uses a code up and makes a grant; `None` when the code cannot be used any more.
    grant(grant: Grant) -> Option<Kept>;
    /// Holds a challenge for one message; `None` when it cannot be had.
    hold(hold: Hold) -> Option<Challenge>;
    /// Gives a held challenge back, or ends it; with the outcome that the message has now.
    release(message: [u8; 16], release: Release) -> Option<Kept>;
    /// The end of a confirm: all of it, or nothing.
    finish(finish: Finish) -> Finished;
    /// Frees what a process that is gone held; only at start, and only where one process uses the store.
    free_held() -> u32;
    /// Takes due mails for one delivery attempt; whose challenge's life begins with it. What cannot be read ends as dead.
    lease_mails(now: Millis, until: Millis, most: u32) -> Vec<Leased>;
    /// What became of a delivery attempt.
    end_mail(mail: MailId, at: Millis, end: MailEnd) -> ();
    /// When the next mail is due.
    next_mail() -> Option<Millis>;
    /// The asks of an address that are still known, the latest first.
    stories(address: AddressKey) -> Vec<Story>;
    /// Deletes one batch of what is too old; true when there may be more.
    purge(horizon: Horizon) -> bool;
    /// Whether the store answers.
    ping() -> ();
    add_accounts(accounts: Vec<AccountRow>) -> Adding;
    find_accounts(key: AccountKey) -> Vec<AccountRow>;
    /// Accounts by id, after the given one.
    list_accounts(after: String, most: u32) -> Vec<AccountRow>;
    /// Replaces a row that still has the counter it was read with; false when it has not, or a key is taken.
    set_account(account: AccountRow) -> bool;
}

impl Store {
    /// Opens the database file, made with mode 0600 in a directory of mode 0700 where it is missing.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Sqlite::open(path).map(Self::Sqlite)
    }
}
