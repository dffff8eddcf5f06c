//! Where an installation's accounts live: in the sidecar's own store, or in a directory of an app's, whose log-in then says
//! whether a password is right. One kind of directory, one file.

mod hook;
mod ldap;
mod scripts;
mod table;

use std::fmt::Debug;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use self::hook::Hook;
use self::ldap::Company;
use self::table::Table;
use crate::stage::{Fault, Staged};

/// Which directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Home {
    #[default]
    Embedded,
    /// A service with web hooks.
    Http,
    Ldap,
    MariaDb,
    Postgres,
}

const HOMES: [(&str, Home); 5] = [
    ("embedded", Home::Embedded),
    ("http", Home::Http),
    ("ldap", Home::Ldap),
    ("mariadb", Home::MariaDb),
    ("postgres", Home::Postgres),
];

/// An app with accounts, and the server that they live on; it ends when this is dropped.
trait App: Debug + Send + Sync {
    /// The sidecar's key `directory`.
    fn kind(&self) -> &'static str;
    /// The sidecar's sections for it.
    fn sections(&self) -> String;
    fn add(&self, people: &[Value]) -> Staged<()>;
    /// What its log-in says.
    fn is_password(&self, email: &str, password: &str) -> Staged<bool>;
    /// Its log-in, for people.
    fn judge(&self) -> &'static str;
    /// Where the accounts are, for people.
    fn place(&self) -> String;
}

/// The accounts; without an app, in the sidecar's own store.
#[derive(Debug)]
pub(super) struct Accounts(Option<Box<dyn App>>);

impl Home {
    /// `directory=postgres`; no setting is the embedded one.
    ///
    /// # Errors
    /// There is no such setting, or no such directory; the fault says which there are.
    pub fn read(settings: &[&str]) -> Staged<Self> {
        let names = HOMES.map(|(name, _)| name).join(", ");
        let wrong = |setting: &str| {
            Fault::new(
                "no such setting",
                format!("{setting}: write directory=, and one of {names}"),
            )
        };
        let mut home = Self::default();
        for setting in settings {
            let name = setting.strip_prefix("directory=").ok_or_else(|| wrong(setting))?;
            let found = HOMES.iter().find(|(known, _)| *known == name);
            (_, home) = *found.ok_or_else(|| wrong(setting))?;
        }
        Ok(home)
    }
}

impl Accounts {
    /// Starts the app's server; `dir` is for files of its own.
    pub(super) fn start(home: Home, dir: &Path) -> Staged<Self> {
        Ok(Self(match home {
            Home::Embedded => None,
            Home::Http => Some(Box::new(Hook::start(dir)?)),
            Home::Ldap => Some(Box::new(Company::start(dir)?)),
            Home::MariaDb => Some(Box::new(Table::maria_db(dir)?)),
            Home::Postgres => Some(Box::new(Table::postgres(dir)?)),
        }))
    }

    /// The sidecar's keys in front of all sections.
    pub(super) fn top(&self) -> String {
        self.0.as_ref().map_or_else(String::new, |app| format!("directory = \"{}\"", app.kind()))
    }

    pub(super) fn sections(&self) -> String {
        self.0.as_ref().map_or_else(String::new, |app| app.sections())
    }

    /// Adds accounts, one JSON object a line; false where `rekey account import` has to.
    pub(super) fn add(&self, lines: &str) -> Staged<bool> {
        let Some(app) = &self.0 else { return Ok(false) };
        let people = lines.lines().map(serde_json::from_str).collect::<Result<Vec<_>, _>>();
        app.add(&people.map_err(|error| Fault::new("accounts", error.to_string()))?)?;
        Ok(true)
    }

    /// What the app's log-in says of a password; `None` where `rekey account verify` has to.
    pub(super) fn is_password(&self, email: &str, password: &str) -> Staged<Option<bool>> {
        self.0.as_ref().map(|app| app.is_password(email, password)).transpose()
    }

    /// Who says whether a password is right.
    pub(super) fn judge(&self) -> &'static str {
        self.0.as_ref().map_or("rekey account verify", |app| app.judge())
    }

    /// Where they are, for people.
    pub(super) fn place(&self) -> String {
        self.0.as_ref().map_or_else(|| "the sidecar's own store".to_owned(), |app| app.place())
    }
}

/// Text of a JSON member, as SQL or nothing.
fn quoted(person: &Value, name: &str) -> String {
    let text = person[name].as_str();
    text.map_or_else(|| "NULL".to_owned(), |text| format!("'{}'", text.replace('\'', "''")))
}

/// A file that only its owner reads.
fn secret(dir: &Path, name: &str, text: &str) -> Staged<PathBuf> {
    let path = dir.join(name);
    let mut options = std::fs::OpenOptions::new();
    writeln!(options.write(true).create_new(true).mode(0o600).open(&path)?, "{text}")?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_others_are_taught() {
        assert_eq!(Home::read(&[]).unwrap(), Home::Embedded);
        assert_eq!(Home::read(&["directory=mariadb"]).unwrap(), Home::MariaDb);
        for wrong in ["directory=oracle", "postgres", "directory="] {
            let told = Home::read(&[wrong]).unwrap_err().to_string();
            assert!(told.contains(wrong) && told.contains("embedded, http, ldap"), "{told}");
        }
    }
}
