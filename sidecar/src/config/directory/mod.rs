//! Where the accounts live. Invariant: the section of a directory that is not in use is refused, so that nobody believes in it.

mod sql;

use super::declared::{Key, key};
use super::forms::{self, Formed, Wrong};
use super::reader::Reader;

pub(super) use self::sql::KEYS as SQL;
pub use self::sql::{SqlConfig, SqlPlace};

pub(super) const KEYS: &[Key] = &[key(
    "directory",
    "\"embedded\"",
    "embedded or sql",
    "Where the accounts live: in our own store, filled by `rekey account`; or in your own database, see `sql`.",
)];

/// The directory in use.
#[derive(Clone, Debug)]
pub enum DirectoryConfig {
    Embedded,
    Sql(Box<SqlConfig>),
}

/// What `directory` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Embedded,
    Sql,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<DirectoryConfig> {
    let kind = reader.read("directory", kind);
    if kind.is_some_and(|kind| kind != Kind::Sql) {
        unused(reader, SQL, "directory = \"sql\"");
    }
    match kind? {
        Kind::Embedded => Some(DirectoryConfig::Embedded),
        Kind::Sql => sql::read(reader).map(|sql| DirectoryConfig::Sql(Box::new(sql))),
    }
}

fn kind(value: &toml::de::DeValue<'_>) -> Formed<Kind> {
    match forms::text(value)? {
        "embedded" => Ok(Kind::Embedded),
        "sql" => Ok(Kind::Sql),
        other => {
            Err(Wrong::new(format!("\"{other}\" is unknown"), "write \"embedded\" or \"sql\""))
        }
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
