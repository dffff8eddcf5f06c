//! Where the accounts live. Invariant: the section of a directory that is not in use is refused, so that nobody believes in it.

mod http;
mod ldap;
mod sql;

use std::ops::RangeInclusive;
use std::time::Duration;

use super::declared::{Key, key};
use super::forms::{self, Formed, Wrong};
use super::reader::Reader;
use crate::password::Recipe;

pub use self::http::HttpConfig;
pub(super) use self::http::KEYS as HTTP;
pub(super) use self::ldap::KEYS as LDAP;
pub use self::ldap::{LdapAttributes, LdapConfig, LdapServer, LdapValue, LdapWrite};
pub(super) use self::sql::KEYS as SQL;
pub use self::sql::{SqlConfig, SqlPlace};

pub(super) const KEYS: &[Key] = &[key(
    "directory",
    "\"embedded\"",
    "embedded, http, ldap or sql",
    "Where the accounts live: in our own store, filled by `rekey account`, or where the section of that name says.",
)];

/// What a database or a server may take. A look-up waits so long for a connection, as long for an answer, and both again
/// where a connection that was kept is stale: 20 s, within the leases of who looks up, and a write within its hold.
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(5);

/// The directory in use.
#[derive(Clone, Debug)]
pub enum DirectoryConfig {
    Embedded,
    Http(Box<HttpConfig>),
    Ldap(Box<LdapConfig>),
    Sql(Box<SqlConfig>),
}

impl DirectoryConfig {
    /// What `directory` calls it, and its section.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Http(_) => "http",
            Self::Ldap(_) => "ldap",
            Self::Sql(_) => "sql",
        }
    }

    /// The password is given to it, and not our hash.
    pub fn hashes_itself(&self) -> bool {
        matches!(self, Self::Ldap(ldap) if ldap.write != LdapWrite::Hash)
    }
}

/// What `directory` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Embedded,
    Http,
    Ldap,
    Sql,
}

/// Which kind reads which section.
const SECTIONS: &[(Kind, &[Key], &str)] = &[
    (Kind::Http, HTTP, "directory = \"http\""),
    (Kind::Ldap, LDAP, "directory = \"ldap\""),
    (Kind::Sql, SQL, "directory = \"sql\""),
];

pub(super) fn read(reader: &mut Reader<'_>) -> Option<DirectoryConfig> {
    let kind = reader.read("directory", kind);
    for (reads, keys, needs) in SECTIONS {
        if kind.is_some_and(|kind| kind != *reads) {
            unused(reader, keys, needs);
        }
    }
    match kind? {
        Kind::Embedded => Some(DirectoryConfig::Embedded),
        Kind::Http => http::read(reader).map(|http| DirectoryConfig::Http(Box::new(http))),
        Kind::Ldap => ldap::read(reader).map(|ldap| DirectoryConfig::Ldap(Box::new(ldap))),
        Kind::Sql => sql::read(reader).map(|sql| DirectoryConfig::Sql(Box::new(sql))),
    }
}

/// Tells the directory how new hashes are written, where it takes them so.
pub(super) fn fit(reader: &mut Reader<'_>, directory: &mut DirectoryConfig, recipe: Recipe) {
    match directory {
        DirectoryConfig::Ldap(config) => ldap::judge_format(reader, config.write, recipe),
        DirectoryConfig::Sql(config) => sql::fit(reader, &mut config.shape, recipe),
        DirectoryConfig::Embedded | DirectoryConfig::Http(_) => {}
    }
}

fn kind(value: &toml::de::DeValue<'_>) -> Formed<Kind> {
    match forms::text(value)? {
        "embedded" => Ok(Kind::Embedded),
        "http" => Ok(Kind::Http),
        "ldap" => Ok(Kind::Ldap),
        "sql" => Ok(Kind::Sql),
        other => Err(Wrong::new(
            format!("\"{other}\" is unknown"),
            "write \"embedded\", \"http\", \"ldap\" or \"sql\"",
        )),
    }
}

/// Refuses the keys of a directory that is not in use.
fn unused(reader: &mut Reader<'_>, keys: &[Key], needs: &str) {
    for key in keys {
        if reader.has(key.path) {
            reader.read(key.path, |_| Ok(()));
            let remedy = format!("write {needs}, or remove the key");
            reader.refuse(key.path, "this directory is not in use", &remedy);
        }
    }
}
