//! Accounts as the service writes them. Invariant: members that we know have their type and stay in their bounds, or the
//! account cannot be read; those that we do not know are the service's own business.

use contract::address::{Address, Channel};
use contract::language::Language;
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

use crate::directory::{Account, Revision, Status, ascii};

/// Bytes of an id.
const ID: usize = 200;

/// Bytes of any other text.
const TEXT: usize = 1024;

/// Addresses of one account.
const ADDRESSES: usize = 32;

/// Accounts that were found, and how many could not be read.
pub(super) struct Found {
    pub(super) accounts: Vec<Account>,
    pub(super) unreadable: usize,
}

#[derive(Deserialize)]
struct Listed {
    accounts: Vec<Item>,
}

/// What stands where an account should.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Item {
    Account(Box<Raw>),
    Nobody(()),
    Other(IgnoredAny),
}

/// An account before it is judged.
#[derive(Deserialize)]
pub(super) struct Raw {
    id: String,
    etag: String,
    addresses: Vec<RawAddress>,
    #[serde(default)]
    user_name: Option<String>,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    language: Option<String>,
    status: String,
    second_factor: bool,
    #[serde(default)]
    password_hash: Option<String>,
}

#[derive(Deserialize)]
struct RawAddress {
    channel: String,
    address: String,
}

/// The accounts of an answer; `None` where it is none.
pub(super) fn list(body: &[u8]) -> Option<Found> {
    let listed: Listed = serde_json::from_slice(body).ok()?;
    let all = listed.accounts.len();
    let readable = |item| match item {
        Item::Account(raw) => read(*raw),
        Item::Nobody(()) | Item::Other(_) => None,
    };
    let accounts: Vec<Account> = listed.accounts.into_iter().filter_map(readable).collect();
    let unreadable = all.saturating_sub(accounts.len());
    Some(Found { accounts, unreadable })
}

pub(super) fn read(raw: Raw) -> Option<Account> {
    let texts = [&raw.user_name, &raw.display_name, &raw.language, &raw.password_hash];
    let fits = texts.into_iter().flatten().all(|text| text.len() <= TEXT);
    let is_name = |text: &str, most: usize| {
        !text.is_empty() && text.len() <= most && !text.chars().any(char::is_control)
    };
    if !fits
        || !is_name(&raw.id, ID)
        || !is_name(&raw.etag, TEXT)
        || raw.addresses.len() > ADDRESSES
    {
        return None;
    }
    let (mut emails, mut phones) = (Vec::new(), Vec::new());
    for one in raw.addresses {
        let channel = Channel::parse(&one.channel)?;
        match Address::parse(channel, &one.address, None).ok().and_then(ascii)? {
            Address::Email(email) => emails.push(email),
            Address::Phone(phone) => phones.push(phone),
        }
    }
    Some(Account {
        id: raw.id,
        user_name: raw.user_name,
        display_name: raw.display_name,
        emails,
        phones,
        language: raw.language.as_deref().and_then(Language::parse),
        status: Status::parse(&raw.status)?,
        second_factor: raw.second_factor,
        revision: Revision(raw.etag.into_bytes()),
        password_hash: raw.password_hash.filter(|hash| !hash.is_empty()),
    })
}

/// What there is of an account, by name.
pub(super) fn aspects(account: &Account) -> Vec<(String, [u8; 8])> {
    let addresses: Vec<String> =
        account.addresses().map(|address| address.as_str().to_owned()).collect();
    let texts = [
        ("etag", Some(String::from_utf8_lossy(&account.revision.0).into_owned())),
        ("addresses", Some(addresses.join("\n"))),
        ("user_name", account.user_name.clone()),
        ("display_name", account.display_name.clone()),
        ("language", account.language.map(|language| language.tag().to_owned())),
        ("status", Some(account.status.as_str().to_owned())),
        ("second_factor", Some(account.second_factor.to_string())),
        ("password_hash", account.password_hash.clone()),
    ];
    texts.into_iter().map(|(name, text)| (name.to_owned(), digest(text.as_deref()))).collect()
}

/// Nothing and an empty text differ.
fn digest(text: Option<&str>) -> [u8; 8] {
    let mut digest = [0; 8];
    if let Some(text) = text {
        digest.iter_mut().zip(Sha256::digest(text)).for_each(|(to, from)| *to = from);
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A good account, with one member changed.
    fn with(name: &str, value: &str) -> String {
        let members = [
            ("id", "\"u1\""),
            ("etag", "\"7\""),
            ("addresses", "[{\"channel\":\"email\",\"address\":\"Ann@Example.org\"}]"),
            ("status", "\"active\""),
            ("second_factor", "false"),
            ("user_name", "\"ann\""),
            ("display_name", "null"),
            ("language", "\"ja-JP\""),
            ("password_hash", "\"$2b$12$x\""),
        ];
        let mut texts: Vec<String> = members
            .into_iter()
            .filter(|(known, _)| *known != name)
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        if !value.is_empty() {
            texts.push(format!("\"{name}\":{value}"));
        }
        format!("{{{}}}", texts.join(","))
    }

    fn accounts(items: &[String]) -> Found {
        list(format!("{{\"accounts\":[{}]}}", items.join(",")).as_bytes()).unwrap()
    }

    #[test]
    fn accounts_are_read() {
        let found = accounts(&[with("team", "{\"more\":[1,2]}")]);
        let [account] = found.accounts.as_slice() else { panic!("one account") };
        assert_eq!((account.id.as_str(), account.revision.0.as_slice()), ("u1", &b"7"[..]));
        assert_eq!(account.emails[0].as_str(), "Ann@example.org");
        assert_eq!(account.language, Some(Language::Japanese));
        assert_eq!(account.password_hash.as_deref(), Some("$2b$12$x"));
        assert_eq!(aspects(account).len(), 8);
        for name in ["user_name", "display_name", "language", "password_hash"] {
            assert_eq!(accounts(&[with(name, "")]).accounts.len(), 1, "{name}");
            assert_eq!(accounts(&[with(name, "null")]).accounts.len(), 1, "{name}");
        }
    }

    #[test]
    fn one_that_cannot_be_read_keeps_no_other_from_being_found() {
        let long = format!("\"{}\"", "x".repeat(1025));
        let many = vec!["{\"channel\":\"email\",\"address\":\"a@example.org\"}"; 33].join(",");
        let table = [
            ("id", ""),
            ("id", "7"),
            ("id", "\"\""),
            ("id", "\"a\\u0000\""),
            ("id", "\"a\",\"id\":\"b\""),
            ("etag", ""),
            ("etag", "null"),
            ("etag", "\"\""),
            ("etag", "\"a\\nb\""),
            ("status", ""),
            ("status", "\"ACTIVE\""),
            ("second_factor", ""),
            ("second_factor", "\"no\""),
            ("addresses", ""),
            ("addresses", "[\"a@example.org\"]"),
            ("addresses", "[{\"channel\":\"email\",\"address\":\"no address\"}]"),
            ("addresses", "[{\"channel\":\"fax\",\"address\":\"a@example.org\"}]"),
            ("user_name", "[]"),
            ("display_name", &long),
            ("password_hash", &long),
        ];
        for (name, value) in table {
            let found = accounts(&[with(name, value), with("id", "\"other\"")]);
            assert_eq!((found.accounts.len(), found.unreadable), (1, 1), "{name} {value}");
            assert_eq!(found.accounts[0].id, "other");
        }
        let found = accounts(&[with("addresses", &format!("[{many}]")), "null".into(), "7".into()]);
        assert_eq!((found.accounts.len(), found.unreadable), (0, 3));
    }

    #[test]
    fn what_is_no_list_is_none() {
        for body in ["", "{}", "[]", "{\"accounts\":{}}", "{\"accounts\":[]} x", "<html>"] {
            assert!(list(body.as_bytes()).is_none(), "{body}");
        }
        let deep = format!("{{\"accounts\":[],\"x\":{}", "[".repeat(100_000));
        assert!(list(deep.as_bytes()).is_none());
    }
}
