//! Accounts in a directory that speaks LDAP: OpenLDAP, Active Directory and others. Invariant: nothing that somebody typed
//! is more than a value in a filter, and every entry is judged again by us.

mod entry;
mod examine;
mod filter;
mod guid;
mod outcome;
mod pool;
mod rights;
mod schema;
mod session;
mod write;

use std::sync::Arc;

use contract::address::Address;
use ldap3::Scope;

use self::entry::Entry;
use self::pool::Pool;
use self::session::{Found, Query, Session};
use super::{Account, DirectoryError};
use crate::clock::Clock;
use crate::config::LdapConfig;

/// The directory, with its connections.
#[derive(Clone, Debug)]
pub struct Ldap {
    config: Arc<LdapConfig>,
    pool: Arc<Pool>,
    clock: Clock,
}

impl Ldap {
    /// Connects to nothing yet.
    pub fn new(config: &LdapConfig, clock: &Clock) -> Self {
        let pool = Arc::new(Pool::new(config));
        Self { config: Arc::new(config.clone()), pool, clock: clock.clone() }
    }

    /// One search, whatever is there; where the server does not give all of it, one an address.
    pub async fn find(&self, addresses: &[Address]) -> Result<Vec<Account>, DirectoryError> {
        if addresses.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.search(&filter::with_addresses(&self.config, addresses)).await?;
        if found.is_whole {
            return Ok(self.accounts(&found));
        }
        let mut accounts: Vec<Account> = Vec::new();
        for address in addresses {
            let one = filter::with_addresses(&self.config, std::slice::from_ref(address));
            let found = self.search(&one).await?;
            if !found.is_whole {
                // So many have this address that the server does not give them: nobody is reset by it.
                tracing::error!(event = "rows_unreadable", reason = "size limit");
                continue;
            }
            for account in self.accounts(&found) {
                if accounts.iter().all(|known| known.id != account.id) {
                    accounts.push(account);
                }
            }
        }
        Ok(accounts)
    }

    pub async fn get(&self, id: &str) -> Result<Option<Account>, DirectoryError> {
        let Some(filter) = filter::with_id(&self.config, id) else { return Ok(None) };
        let found = self.search(&filter).await?;
        let Some(entry) = only(found, &self.config, id)? else { return Ok(None) };
        entry.account(&self.config).map(Some).ok_or(DirectoryError::Row)
    }

    pub async fn hashes(&self, most: u32) -> Result<Vec<String>, DirectoryError> {
        let most = i32::try_from(most).unwrap_or(i32::MAX);
        let (filter, attributes) = (filter::all(&self.config), entry::attributes(&self.config));
        let query = Query { most: Some(most), ..self.query(&filter, &attributes) };
        let found = self.pool.search(&self.config, query).await?;
        Ok(self.accounts(&found).into_iter().filter_map(|account| account.password_hash).collect())
    }

    pub async fn aspects(&self, id: &str) -> Result<Vec<(String, [u8; 8])>, DirectoryError> {
        let Some(filter) = filter::with_id(&self.config, id) else { return Ok(Vec::new()) };
        let attributes = ["*".to_owned(), "+".to_owned()];
        let found = self.pool.search(&self.config, self.query(&filter, &attributes)).await?;
        let entry = only(found, &self.config, id)?;
        Ok(entry.map(|entry| entry.aspects()).unwrap_or_default())
    }

    async fn search(&self, filter: &str) -> Result<Found, DirectoryError> {
        let attributes = entry::attributes(&self.config);
        self.pool.search(&self.config, self.query(filter, &attributes)).await
    }

    /// The entry of an account, over a connection of the caller's.
    async fn entry(
        &self,
        session: &mut Session,
        id: &str,
    ) -> Result<Option<Entry>, DirectoryError> {
        let Some(filter) = filter::with_id(&self.config, id) else { return Ok(None) };
        let attributes = entry::attributes(&self.config);
        only(session.search(self.query(&filter, &attributes)).await?, &self.config, id)
    }

    fn query<'q>(&'q self, filter: &'q str, attributes: &'q [String]) -> Query<'q> {
        let scope = if self.config.one_level { Scope::OneLevel } else { Scope::Subtree };
        Query { base: &self.config.base, scope, filter, attributes, most: None }
    }

    /// One that cannot be read is nobody; the others do not wait for it.
    fn accounts(&self, found: &Found) -> Vec<Account> {
        let all = found.entries.len().saturating_add(found.broken);
        let read = found.entries.iter().filter_map(|entry| entry.account(&self.config));
        let accounts: Vec<Account> = read.collect();
        let unreadable = all.saturating_sub(accounts.len());
        if unreadable > 0 {
            tracing::error!(event = "rows_unreadable", table = "ldap", count = unreadable);
        }
        accounts
    }
}

/// The entry with an id; an id that two have is nobody's.
fn only(found: Found, config: &LdapConfig, id: &str) -> Result<Option<Entry>, DirectoryError> {
    let mut entries = found.entries.into_iter();
    match (entries.next(), entries.next(), found.broken) {
        (None, _, 0) => Ok(None),
        (Some(entry), None, 0) => match entry.id(&config.attributes.id).as_deref() == Some(id) {
            true => Ok(Some(entry)),
            false => Ok(None),
        },
        _ => Err(DirectoryError::Row),
    }
}
