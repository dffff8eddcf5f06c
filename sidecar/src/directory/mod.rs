//! Where the accounts live. Invariant: an account is written only over the revision that was read, and mail goes only to
//! the address that the directory holds, never to the one that was typed.

mod ascii;
mod embedded;
mod finding;
mod http;
mod ldap;
pub mod sql;

use contract::address::{Address, Email, Phone};
use contract::language::Language;
use contract::secret::Password;
use thiserror::Error;

use crate::clock::Clock;
use crate::config::DirectoryConfig;
use crate::entropy::Entropy;
use crate::store::{AccountWrite, Store, StoreError};

pub use ascii::ascii;
pub use embedded::{AccountDraft, DraftFault, Embedded, ImportFault};
pub use finding::{Finding, Grade};
pub use http::HttpDirectory;
pub use ldap::Ldap;
pub use sql::Sql;

/// The directory in use.
#[derive(Clone, Debug)]
pub enum Directory {
    /// Our own table, in the store's file.
    Embedded(Embedded),
    /// The team's own database.
    Sql(Sql),
    /// A server, or several that hold the same.
    Ldap(Ldap),
    /// A service of the team's own.
    Http(HttpDirectory),
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

/// A new password, in the forms that directories take.
#[derive(Clone, Copy, Debug)]
pub struct NewPassword<'p> {
    /// As the app verifies it.
    pub hash: &'p str,
    /// In the form that it is judged and hashed in, for directories that hash themselves.
    pub password: &'p Password,
}

/// When a new password is written.
#[derive(Debug)]
pub enum Writing {
    /// By the store, in the transaction that spends the proof.
    InFinish(AccountWrite),
    /// By `Directory::write`, after it was announced to the store and before the proof is spent.
    Elsewhere,
}

/// What became of a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It stands there.
    Done,
    /// The account is not what it was; nothing was written.
    Changed,
}

/// Why a directory did not do it. Only after `Unknown` may anything have been written.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DirectoryError {
    #[error("the directory cannot be reached, or does not answer in time")]
    Unavailable,
    #[error("the directory was lost after a write was sent: whether it was done is not known")]
    Unknown,
    #[error(
        "no TLS can be made to the directory: it offers none, or its certificate is not one that we trust"
    )]
    Tls,
    #[error("the directory refuses our user or password")]
    Login,
    #[error("the directory gives no right to what we need: `rekey doctor` shows which")]
    Forbidden,
    #[error("a table, column, attribute or path of the configuration does not exist there")]
    Missing,
    #[error("the directory cannot be written now, it is read-only")]
    ReadOnly,
    #[error("an account cannot be read as the configuration says")]
    Row,
    #[error("the directory refused the new password by a rule of its own")]
    Rule,
    #[error("the directory failed, or answered what we do not understand")]
    Failed,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Directory {
    /// Connects to nothing yet.
    pub fn new(config: &DirectoryConfig, store: &Store, clock: &Clock, entropy: &Entropy) -> Self {
        let ours = || Embedded::new(store.clone(), clock.clone(), entropy.clone());
        Self::apart(config, clock, entropy).unwrap_or_else(|| Self::Embedded(ours()))
    }

    /// The same without a store; `None` for our own table, which lies in it.
    pub fn apart(config: &DirectoryConfig, clock: &Clock, entropy: &Entropy) -> Option<Self> {
        match config {
            DirectoryConfig::Embedded => None,
            DirectoryConfig::Sql(config) => Some(Self::Sql(Sql::new(config))),
            DirectoryConfig::Ldap(config) => Some(Self::Ldap(Ldap::new(config, clock))),
            DirectoryConfig::Http(config) => {
                Some(Self::Http(HttpDirectory::new(config, clock.clone(), entropy.clone())))
            }
        }
    }

    /// The accounts that have one of the addresses; there may be several of one address, and none. The work does not
    /// depend on how many there are. One that cannot be read is nobody, and told in the log: others do not wait for it.
    pub async fn find(&self, addresses: &[Address]) -> Result<Vec<Account>, DirectoryError> {
        match self {
            Self::Embedded(embedded) => embedded.find_all(addresses).await,
            Self::Sql(sql) => sql.find(addresses).await,
            Self::Ldap(ldap) => ldap.find(addresses).await,
            Self::Http(http) => http.find(addresses).await,
        }
    }

    pub async fn get(&self, id: &str) -> Result<Option<Account>, DirectoryError> {
        match self {
            Self::Embedded(embedded) => embedded.get(id).await,
            Self::Sql(sql) => sql.get(id).await,
            Self::Ldap(ldap) => ldap.get(id).await,
            Self::Http(http) => http.get(id).await,
        }
    }

    /// Where the new hash of an account is to be written, over the revision that was read.
    pub fn writing(&self, account: &Account, hash: &str) -> Writing {
        match self {
            Self::Embedded(_) => Writing::InFinish(AccountWrite {
                account: account.id.clone(),
                revision: account.revision.0.clone(),
                hash: hash.to_owned(),
            }),
            Self::Sql(_) | Self::Ldap(_) | Self::Http(_) => Writing::Elsewhere,
        }
    }

    /// Writes a new password over the revision that was read, where `writing` says `Elsewhere`.
    pub async fn write(
        &self,
        account: &Account,
        new: NewPassword<'_>,
    ) -> Result<Written, DirectoryError> {
        match self {
            Self::Embedded(_) => Err(DirectoryError::Failed),
            Self::Sql(sql) => sql.write(account, new).await,
            Self::Ldap(ldap) => ldap.write(account, new).await,
            Self::Http(http) => http.write(account, new).await,
        }
    }

    /// Connects, looks at what may be done and what may not, looks the address up where one is given, and writes in a way
    /// that leaves nothing behind. Every fault is a finding, with its remedy.
    pub async fn examine(&self, sample: Option<&Address>) -> Vec<Finding> {
        match self {
            Self::Embedded(embedded) => embedded.examine(sample).await,
            Self::Sql(sql) => sql.examine(sample).await,
            Self::Ldap(ldap) => ldap.examine(sample).await,
            Self::Http(http) => http.examine(sample).await,
        }
    }

    /// Some of the password hashes that are there, for proposing a format; none where they cannot be read.
    pub async fn hashes(&self, most: u32) -> Result<Vec<String>, DirectoryError> {
        match self {
            Self::Embedded(embedded) => embedded.hashes(most).await,
            Self::Sql(sql) => sql.hashes(most).await,
            Self::Ldap(ldap) => ldap.hashes(most).await,
            // It gives accounts to who knows one, and lists none.
            Self::Http(_) => Ok(Vec::new()),
        }
    }

    /// Everything that the directory holds of an account, by name, each as a digest: to see what changes and when.
    pub async fn aspects(&self, id: &str) -> Result<Vec<(String, [u8; 8])>, DirectoryError> {
        match self {
            Self::Embedded(embedded) => embedded.aspects(id).await,
            Self::Sql(sql) => sql.aspects(id).await,
            Self::Ldap(ldap) => ldap.aspects(id).await,
            Self::Http(http) => http.aspects(id).await,
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

    /// An active one of which nothing else is known; tests say what it has.
    pub fn bare(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            user_name: None,
            display_name: None,
            emails: Vec::new(),
            phones: Vec::new(),
            language: None,
            status: Status::Active,
            second_factor: false,
            revision: Revision(Vec::new()),
            password_hash: None,
        }
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
