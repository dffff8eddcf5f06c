//! An account that is watched while its owner logs in: what changes of it, and whether the password did. Invariant: values
//! are compared as digests, and none is told.

use std::collections::BTreeMap;

use contract::address::Address;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::clock::Clock;
use crate::config::Config;
use crate::directory::{Account, Directory, DirectoryError, Finding, Revision, ascii};
use crate::entropy::Entropy;
use crate::store::{Store, StoreError};

/// One account, as it was seen last.
#[derive(Debug)]
pub struct Watch {
    directory: Directory,
    id: String,
    /// Where `revision` is configured.
    section: &'static str,
    last: Snapshot,
    changed: BTreeMap<String, Told>,
}

/// What changed between two looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Columns or attributes, by name.
    pub names: Vec<String>,
    /// None where the hash cannot be read.
    pub password: Option<bool>,
    /// Links that were sent before are dead now.
    pub revision: bool,
}

/// Why nothing can be watched.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum WatchError {
    #[error("no account has this address")]
    Nobody,
    #[error(
        "{0} accounts have this address, and one is watched: give an address that one of them has alone"
    )]
    Several(usize),
    #[error("the account is gone")]
    Gone,
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Debug)]
struct Snapshot {
    aspects: BTreeMap<String, [u8; 8]>,
    revision: Revision,
    hash: Option<Vec<u8>>,
}

/// How a name changed so far.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    /// At least once the password was the same.
    alone: bool,
    /// And the revision was not.
    counted: bool,
    /// The hash could not be read then.
    unknown: bool,
}

impl Watch {
    pub async fn begin(config: &Config, address: &Address) -> Result<Self, WatchError> {
        let directory = match Directory::apart(&config.directory, &Clock::System, &Entropy::System)
        {
            Some(directory) => directory,
            None => {
                let store = Store::open(&config.store)?;
                Directory::new(&config.directory, &store, &Clock::System, &Entropy::System)
            }
        };
        let address = ascii(address.clone()).ok_or(WatchError::Nobody)?;
        let mut found = directory.find(std::slice::from_ref(&address)).await?;
        found.retain(|account| account.stored(&address).is_some());
        let account = match found.len() {
            0 => return Err(WatchError::Nobody),
            1 => found.pop().ok_or(WatchError::Nobody)?,
            several => return Err(WatchError::Several(several)),
        };
        let last = Snapshot::take(&directory, account).await?;
        let section = config.directory.name();
        Ok(Self { directory, id: last.0, section, last: last.1, changed: BTreeMap::new() })
    }

    /// How many columns or attributes are compared.
    pub fn width(&self) -> usize {
        self.last.aspects.len()
    }

    /// Looks again; `None` when all is as it was.
    pub async fn look(&mut self) -> Result<Option<Seen>, WatchError> {
        let account = self.directory.get(&self.id).await?.ok_or(WatchError::Gone)?;
        let (_, now) = Snapshot::take(&self.directory, account).await?;
        let seen = self.last.until(&now);
        self.last = now;
        let is_still = seen.names.is_empty() && !seen.revision && seen.password != Some(true);
        if is_still {
            return Ok(None);
        }
        for name in &seen.names {
            let told = self.changed.entry(name.clone()).or_default();
            told.alone |= seen.password == Some(false);
            told.counted |= seen.password == Some(false) && seen.revision;
            told.unknown |= seen.password.is_none();
        }
        Ok(Some(seen))
    }

    /// What follows from all that was seen.
    pub fn findings(&self) -> Vec<Finding> {
        if self.changed.is_empty() {
            return vec![Finding::good("watched", "nothing changed while it was watched")];
        }
        self.changed.iter().map(|(name, told)| told.finding(name, self.section)).collect()
    }
}

impl Told {
    fn finding(self, name: &str, section: &str) -> Finding {
        match self {
            Self { counted: true, .. } => Finding::warning(
                "counted",
                format!(
                    "{name} changes without a password change, and ended the links that were sent"
                ),
                format!("keep it out of {section}.revision"),
            ),
            Self { alone: true, .. } => Finding::good(
                "alone",
                format!(
                    "{name} changes without a password change: keep it out of {section}.revision, as it is"
                ),
            ),
            Self { unknown: true, .. } => Finding::good(
                "unknown",
                format!(
                    "{name} changed; the hash cannot be read, so you know whether the password did"
                ),
            ),
            Self { .. } => {
                Finding::good("with_password", format!("{name} changed with the password"))
            }
        }
    }
}

impl Snapshot {
    async fn take(directory: &Directory, account: Account) -> Result<(String, Self), WatchError> {
        let aspects = directory.aspects(&account.id).await?.into_iter().collect();
        let hash = account.password_hash.map(|hash| Sha256::digest(hash).to_vec());
        Ok((account.id, Self { aspects, revision: account.revision, hash }))
    }

    fn until(&self, later: &Self) -> Seen {
        let names = self.aspects.keys().chain(later.aspects.keys());
        let mut names: Vec<String> = names
            .filter(|name| self.aspects.get(*name) != later.aspects.get(*name))
            .cloned()
            .collect();
        names.sort_unstable();
        names.dedup();
        let password = match (&self.hash, &later.hash) {
            (None, None) => None,
            (before, after) => Some(before != after),
        };
        Seen { names, password, revision: self.revision != later.revision }
    }
}
