//! Where the accounts live. Invariant: the section of a directory that is not in use is refused, so that nobody believes in it.

use super::declared::{Key, key};
use super::forms::{self, Formed, Wrong};
use super::reader::Reader;

pub(super) const KEYS: &[Key] = &[key(
    "directory",
    "\"embedded\"",
    "embedded",
    "Where the accounts live: in our own store, filled by `rekey account`.",
)];

/// The directory in use.
#[derive(Clone, Debug)]
pub enum DirectoryConfig {
    Embedded,
}

/// What `directory` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Embedded,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<DirectoryConfig> {
    match reader.read("directory", kind)? {
        Kind::Embedded => Some(DirectoryConfig::Embedded),
    }
}

fn kind(value: &toml::de::DeValue<'_>) -> Formed<Kind> {
    match forms::text(value)? {
        "embedded" => Ok(Kind::Embedded),
        other => Err(Wrong::new(format!("\"{other}\" is unknown"), "write \"embedded\"")),
    }
}
