//! Where an installation's accounts live: in the sidecar's own store, or in a directory of the app's, whose log-in then
//! says whether a password is right. One kind, one file.

mod django;

use std::path::Path;

use serde_json::Value;

use self::django::Users;
use crate::stage::{Fault, Staged};

/// Which directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Home {
    #[default]
    Embedded,
    /// A table of PostgreSQL, whose app is Django.
    Postgres,
}

/// The accounts, and the server that they live on; it ends when this is dropped.
#[derive(Debug)]
pub(super) enum Accounts {
    Embedded,
    Postgres(Users),
}

const HOMES: &[(&str, Home)] = &[("embedded", Home::Embedded), ("postgres", Home::Postgres)];

impl Home {
    /// `directory=postgres`; no setting is the embedded one.
    ///
    /// # Errors
    /// There is no such setting, or no such directory; the fault says which there are.
    pub fn read(settings: &[&str]) -> Staged<Self> {
        let names: Vec<&str> = HOMES.iter().map(|(name, _)| *name).collect();
        let known = |said: String| {
            Fault::new(
                "no such setting",
                format!("{said}: write directory=, and one of {}", names.join(", ")),
            )
        };
        let mut home = Self::default();
        for setting in settings {
            let name = setting
                .strip_prefix("directory=")
                .ok_or_else(|| known(format!("{setting} is none")))?;
            let found = HOMES.iter().find(|(known, _)| *known == name);
            (_, home) = *found.ok_or_else(|| known(format!("there is no directory \"{name}\"")))?;
        }
        Ok(home)
    }
}

impl Accounts {
    /// Starts its server; `dir` is for files of its own.
    pub(super) fn start(home: Home, dir: &Path) -> Staged<Self> {
        Ok(match home {
            Home::Embedded => Self::Embedded,
            Home::Postgres => Self::Postgres(Users::start(dir)?),
        })
    }

    /// The sidecar's keys in front of all sections.
    pub(super) fn top(&self) -> &'static str {
        match self {
            Self::Embedded => "",
            Self::Postgres(_) => "directory = \"sql\"",
        }
    }

    /// The sidecar's section for it.
    pub(super) fn section(&self) -> String {
        match self {
            Self::Embedded => String::new(),
            Self::Postgres(users) => users.section(),
        }
    }

    /// Adds accounts, one JSON object a line; false where `rekey account import` has to.
    pub(super) fn add(&self, lines: &str) -> Staged<bool> {
        let people = lines.lines().map(serde_json::from_str);
        let people: Vec<Value> = people
            .collect::<Result<_, _>>()
            .map_err(|error| Fault::new("accounts", error.to_string()))?;
        match self {
            Self::Embedded => Ok(false),
            Self::Postgres(users) => users.add(&people).map(|()| true),
        }
    }

    /// What the app's log-in says of a password; `None` where `rekey account verify` has to.
    pub(super) fn is_password(&self, email: &str, password: &str) -> Staged<Option<bool>> {
        match self {
            Self::Embedded => Ok(None),
            Self::Postgres(users) => users.is_password(email, password).map(Some),
        }
    }

    /// Who says whether a password is right.
    pub(super) fn judge(&self) -> &'static str {
        match self {
            Self::Embedded => "rekey account verify",
            Self::Postgres(_) => "Django's check_password",
        }
    }

    /// Where they are, for people.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Embedded => "the sidecar's own store".to_owned(),
            Self::Postgres(users) => users.place(),
        }
    }
}

/// Text of a JSON member, as SQL or nothing.
fn quoted(person: &Value, name: &str) -> String {
    person[name]
        .as_str()
        .map_or_else(|| "NULL".to_owned(), |text| format!("'{}'", text.replace('\'', "''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_others_are_taught() {
        assert_eq!(Home::read(&[]).unwrap(), Home::Embedded);
        assert_eq!(Home::read(&["directory=postgres"]).unwrap(), Home::Postgres);
        for wrong in ["directory=oracle", "postgres", "directory="] {
            let told = Home::read(&[wrong]).unwrap_err().to_string();
            assert!(
                told.contains("write directory=") && told.contains("embedded, postgres"),
                "{told}"
            );
        }
    }
}
