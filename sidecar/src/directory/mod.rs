//! Where the accounts live. Invariant: an account is written only over the revision that was read, and mail goes only to
//! the address that the directory holds, never to the one that was typed.

mod ascii;
mod embedded;

use contract::address::{Address, Email, Phone};
use contract::language::Language;
use thiserror::Error;

use crate::store::{AccountWrite, StoreError};

pub use ascii::ascii;
pub use embedded::{AccountDraft, DraftFault, Embedded, ImportFault};

/// The directory in use.
#[derive(Clone, Debug)]
pub enum Directory {
    /// Our own table, in the store's file.
    Embedded(Embedded),
}

/// Somebody who can reset a password.
#[derive(Clone)]
pub struct Account {
    pub id: String,
    pub user_name: Option<String>,
    pub display_name: Option<String>,
    pub emails: Vec<Email>,
    pub phones: Vec<Phone>,
    pub language: Option<Language>,
    pub status: Status,
    pub second_factor: bool,
    pub revision: Revision,
    pub password_hash: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Active,
    Disabled,
}

/// Opaque; another one means that the account was changed, whoever did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision(pub Vec<u8>);

/// What became of a new hash.
#[derive(Debug)]
pub enum Written {
    /// To be written by the store, in the transaction that spends the proof.
    InFinish(AccountWrite),
    /// It stands there already: the directory is not ours.
    Done,
    /// The account is not what it was.
    Changed,
}

#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DirectoryError {
    #[error("the directory does not answer")]
    Unavailable,
    #[error("an account's row cannot be read")]
    Row,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Directory {
    /// The accounts that have one of the addresses; there may be several of one address, and none.
    pub async fn find(&self, addresses: &[Address]) -> Result<Vec<Account>, DirectoryError> {
        match self {
            Self::Embedded(embedded) => embedded.find_all(addresses).await,
        }
    }

    pub async fn get(&self, id: &str) -> Result<Option<Account>, DirectoryError> {
        match self {
            Self::Embedded(embedded) => embedded.get(id).await,
        }
    }

    /// Writes a new hash over the revision that was read.
    pub async fn write(&self, account: &Account, hash: &str) -> Result<Written, DirectoryError> {
        match self {
            Self::Embedded(_) => Ok(Written::InFinish(AccountWrite {
                account: account.id.clone(),
                revision: account.revision.0.clone(),
                hash: hash.to_owned(),
            })),
        }
    }
}

impl Account {
    /// The account's own spelling of an address.
    pub fn stored(&self, address: &Address) -> Option<Address> {
        self.addresses()
            .find(|own| own.channel() == address.channel() && own.key() == address.key())
    }

    pub fn addresses(&self) -> impl Iterator<Item = Address> + '_ {
        let emails = self.emails.iter().cloned().map(Address::Email);
        emails.chain(self.phones.iter().cloned().map(Address::Phone))
    }
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Disabled].into_iter().find(|status| status.as_str() == text)
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "Account({}, {:?}, {:?}, {:?}, ..)",
            self.id, self.status, self.emails, self.phones
        )
    }
}
