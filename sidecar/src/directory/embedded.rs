//! The directory for teams that have none: a table in the store's file, filled from the command line.
//! Invariant: an address, a user name and an id belong to one account at most.

use contract::address::{Address, Channel, Email, Phone};
use contract::language::Language;
use contract::signature::hex;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{Account, DirectoryError, Finding, Revision, Status, ascii};
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::store::{AccountKey, AccountRow, Adding, Store, StoreError};

/// The table, with what it needs to add to it.
#[derive(Clone, Debug)]
pub struct Embedded {
    store: Store,
    clock: Clock,
    entropy: Entropy,
}

/// An account to be added.
#[derive(Clone)]
pub struct AccountDraft {
    /// Drawn where there is none.
    pub id: Option<String>,
    pub email: Option<Email>,
    pub phone: Option<Phone>,
    pub user_name: Option<String>,
    pub display_name: Option<String>,
    pub language: Option<Language>,
    /// As the app verifies it.
    pub password_hash: Option<String>,
    pub second_factor: bool,
    pub status: Status,
}

impl std::fmt::Debug for AccountDraft {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "AccountDraft({:?}, {:?}, {:?}, ..)", self.id, self.email, self.phone)
    }
}

/// Why an account is not taken.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DraftFault {
    #[error("neither an e-mail address nor a phone number is given, so nothing could be sent")]
    NoAddress,
    #[error("the domain of the e-mail address does not exist as a name")]
    Domain,
    #[error("the id is longer than 200 bytes, empty, or holds control characters")]
    Id,
    #[error("the id, e-mail address, phone number or user name belongs to another account")]
    Taken,
    #[error("the account was changed meanwhile; look at it and try again")]
    Meanwhile,
    #[error("there is no such account")]
    Unknown,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the system gives no random bytes")]
    Entropy,
}

/// Which one of a list is not taken; none of the list was added.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("account {}: {fault}", place + 1)]
pub struct ImportFault {
    /// From 0.
    pub place: usize,
    pub fault: DraftFault,
}

impl Embedded {
    pub fn new(store: Store, clock: Clock, entropy: Entropy) -> Self {
        Self { store, clock, entropy }
    }

    pub async fn find(&self, address: &Address) -> Result<Vec<Account>, DirectoryError> {
        let key = match address {
            Address::Email(email) => AccountKey::EmailKey(email.key()),
            Address::Phone(phone) => AccountKey::Phone(phone.as_str().to_owned()),
        };
        self.read(key).await
    }

    /// By many addresses in as few questions as may be.
    pub async fn find_all(&self, addresses: &[Address]) -> Result<Vec<Account>, DirectoryError> {
        let (mut emails, mut phones) = (Vec::new(), Vec::new());
        for address in addresses {
            match address {
                Address::Email(email) => emails.push(email.key()),
                Address::Phone(phone) => phones.push(phone.as_str().to_owned()),
            }
        }
        let rows = self.store.find_many_accounts(emails, phones).await?;
        let readable = |row: AccountRow| {
            // One that cannot be read is nobody; the others do not wait for it.
            let read = account(row);
            if read.is_err() {
                tracing::error!(event = "rows_unreadable", table = "account", count = 1);
            }
            read.ok()
        };
        Ok(rows.into_iter().filter_map(readable).collect())
    }

    pub async fn get(&self, id: &str) -> Result<Option<Account>, DirectoryError> {
        Ok(self.read(AccountKey::Id(id.to_owned())).await?.into_iter().next())
    }

    /// By e-mail address, phone number in international form, id or user name, whichever the text is.
    pub async fn show(&self, who: &str) -> Result<Vec<Account>, DirectoryError> {
        let channel = if who.contains('@') { Channel::Email } else { Channel::Sms };
        let address = Address::parse(channel, who, None).ok().and_then(ascii);
        let mut found = match address {
            Some(address) => self.find(&address).await?,
            None => Vec::new(),
        };
        for key in [AccountKey::Id(who.to_owned()), AccountKey::UserName(who.to_owned())] {
            let more = self.read(key).await?;
            found.extend(
                more.into_iter()
                    .filter(|more| found.iter().all(|known| known.id != more.id))
                    .collect::<Vec<_>>(),
            );
        }
        Ok(found)
    }

    /// Accounts by id, after the given one (`""`: from the first).
    pub async fn list(&self, after: String, most: u32) -> Result<Vec<Account>, DirectoryError> {
        let rows = self.store.list_accounts(after, most).await?;
        rows.into_iter().map(account).collect()
    }

    pub async fn add(&self, draft: AccountDraft) -> Result<Account, DraftFault> {
        let mut added = self.import(vec![draft]).await.map_err(|fault| fault.fault)?;
        added.pop().ok_or(DraftFault::Unknown)
    }

    /// All of them, or none.
    pub async fn import(&self, drafts: Vec<AccountDraft>) -> Result<Vec<Account>, ImportFault> {
        let at = |place: usize| move |fault| ImportFault { place, fault };
        let drawn = |(place, draft)| self.row(draft).map_err(at(place));
        let rows: Vec<AccountRow> =
            drafts.into_iter().enumerate().map(drawn).collect::<Result<_, _>>()?;
        let added =
            self.store.add_accounts(rows.clone()).await.map_err(|error| at(0)(error.into()))?;
        if let Adding::Taken(place) = added {
            return Err(at(place)(DraftFault::Taken));
        }
        let read = |(place, row)| account(row).map_err(|_| at(place)(StoreError::Row.into()));
        rows.into_iter().enumerate().map(read).collect()
    }

    /// Sets what is given; the rest stays.
    pub async fn set(
        &self,
        id: &str,
        status: Option<Status>,
        second_factor: Option<bool>,
    ) -> Result<Account, DraftFault> {
        let found =
            self.store.find_accounts(AccountKey::Id(id.to_owned())).await?.into_iter().next();
        let mut row = found.ok_or(DraftFault::Unknown)?;
        row.active = status.map_or(row.active, |status| status == Status::Active);
        row.second_factor = second_factor.unwrap_or(row.second_factor);
        row.changed = self.clock.now();
        if !self.store.set_account(row).await? {
            return Err(DraftFault::Meanwhile);
        }
        self.get(id).await.ok().flatten().ok_or(DraftFault::Unknown)
    }

    /// The table stands in the store, which was opened with it; so there is little to find.
    pub async fn examine(&self, sample: Option<&Address>) -> Vec<Finding> {
        let found = match sample {
            Some(address) => self.find(address).await.map(|found| Some(found.len())),
            None => self.list(String::new(), 1).await.map(|_| None),
        };
        vec![match found {
            Ok(None) => Finding::good("table", "the embedded directory can be read"),
            Ok(Some(count)) => {
                Finding::good("table", format!("accounts with this address: {count}"))
            }
            Err(error) => {
                Finding::fault("table", error.to_string(), "`rekey check` shows the store in use")
            }
        }]
    }

    pub async fn hashes(&self, most: u32) -> Result<Vec<String>, DirectoryError> {
        let listed = self.list(String::new(), most).await?;
        Ok(listed.into_iter().filter_map(|account| account.password_hash).collect())
    }

    pub async fn aspects(&self, id: &str) -> Result<Vec<(String, [u8; 8])>, DirectoryError> {
        let found = self.store.find_accounts(AccountKey::Id(id.to_owned())).await?;
        let Some(row) = found.into_iter().next() else {
            return Ok(Vec::new());
        };
        let texts = [
            ("user_name", row.user_name),
            ("display_name", row.display_name),
            ("email", row.email),
            ("phone", row.phone),
            ("language", row.language),
            ("active", Some(row.active.to_string())),
            ("password_hash", row.password_hash),
        ];
        Ok(texts
            .into_iter()
            .map(|(name, text)| (name.to_owned(), digest(text.as_deref())))
            .collect())
    }

    async fn read(&self, key: AccountKey) -> Result<Vec<Account>, DirectoryError> {
        let rows = self.store.find_accounts(key).await?;
        rows.into_iter().map(account).collect()
    }

    fn row(&self, draft: AccountDraft) -> Result<AccountRow, DraftFault> {
        if draft.email.is_none() && draft.phone.is_none() {
            return Err(DraftFault::NoAddress);
        }
        let id = match draft.id {
            Some(id) if id.is_empty() || id.len() > 200 || id.chars().any(char::is_control) => {
                return Err(DraftFault::Id);
            }
            Some(id) => id,
            None => hex(&self.entropy.bytes::<8>().map_err(|_| DraftFault::Entropy)?),
        };
        let (email, email_key) = keyed(draft.email)?;
        Ok(AccountRow {
            id,
            user_name: draft.user_name,
            display_name: draft.display_name,
            email,
            email_key,
            phone: draft.phone.map(|phone| phone.as_str().to_owned()),
            language: draft.language.map(|language| language.tag().to_owned()),
            active: draft.status == Status::Active,
            second_factor: draft.second_factor,
            password_hash: draft.password_hash,
            counter: 0,
            changed: self.clock.now(),
        })
    }
}

/// Nothing and an empty text differ.
fn digest(text: Option<&str>) -> [u8; 8] {
    let mut digest = [0; 8];
    if let Some(text) = text {
        let full = Sha256::digest(text);
        digest.iter_mut().zip(full).for_each(|(to, from)| *to = from);
    }
    digest
}

/// An address as it is stored, and as it is found.
fn keyed(email: Option<Email>) -> Result<(Option<String>, Option<String>), DraftFault> {
    let Some(email) = email else {
        return Ok((None, None));
    };
    let address = ascii(Address::Email(email)).ok_or(DraftFault::Domain)?;
    Ok((Some(address.as_str().to_owned()), Some(address.key())))
}

fn account(row: AccountRow) -> Result<Account, DirectoryError> {
    let revision = Revision(row.revision());
    let email =
        row.email.map(|text| Email::parse(&text)).transpose().map_err(|_| DirectoryError::Row)?;
    let phone = row
        .phone
        .map(|text| Phone::parse(&text, None))
        .transpose()
        .map_err(|_| DirectoryError::Row)?;
    Ok(Account {
        id: row.id,
        user_name: row.user_name,
        display_name: row.display_name,
        emails: email.into_iter().collect(),
        phones: phone.into_iter().collect(),
        language: row.language.as_deref().and_then(Language::parse),
        status: if row.active { Status::Active } else { Status::Disabled },
        second_factor: row.second_factor,
        revision,
        password_hash: row.password_hash,
    })
}
