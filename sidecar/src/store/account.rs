//! The rows of the embedded directory.

use sha2::{Digest, Sha256};

use crate::clock::Millis;

/// One account. Addresses are canonical texts; `email_key` is what two spellings have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    pub id: String,
    pub user_name: Option<String>,
    pub display_name: Option<String>,
    pub email: Option<String>,
    pub email_key: Option<String>,
    pub phone: Option<String>,
    pub language: Option<String>,
    pub active: bool,
    pub second_factor: bool,
    pub password_hash: Option<String>,
    /// Moves with every write.
    pub counter: i64,
    pub changed: Millis,
}

impl AccountRow {
    /// Changes with the hash, whoever writes it, and with every write of ours.
    pub fn revision(&self) -> Vec<u8> {
        let hash = self.password_hash.as_deref().unwrap_or("");
        let mut revision = Sha256::digest(hash).to_vec();
        revision.truncate(16);
        revision.extend(self.counter.to_be_bytes());
        revision
    }
}

/// By what an account is found.
#[derive(Clone, Debug)]
pub enum AccountKey {
    Id(String),
    EmailKey(String),
    Phone(String),
    UserName(String),
}

/// A new hash, written only if the account is what it was.
#[derive(Clone, Debug)]
pub struct AccountWrite {
    pub account: String,
    /// What `AccountRow::revision` gave when it was read.
    pub revision: Vec<u8>,
    pub hash: String,
}

/// What became of accounts to be added: all of them, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adding {
    Added,
    /// The one at this place has an id, address or user name that is taken.
    Taken(usize),
}
