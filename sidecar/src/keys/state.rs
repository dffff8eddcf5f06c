//! The life of a key: pending -> active -> retiring -> retired. Invariant: at most one key of a kind makes; every held
//! one that is not retired is believed.

use std::fmt;

use contract::name::Name;

use super::{Key, Keys, Kind};
use crate::clock::Millis;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Believed, makes nothing yet.
    Pending,
    /// What is made, is made with it.
    Active,
    /// What it made is believed still.
    Retiring,
    /// Nothing of it is believed, wherever it still lies.
    Retired,
}

impl KeyState {
    const ALL: [Self; 4] = [Self::Pending, Self::Active, Self::Retiring, Self::Retired];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// What the store knows of a key; never the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    pub kind: Kind,
    pub id: Name,
    pub state: KeyState,
    pub since: Millis,
}

/// What the store knows of all keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyStates(pub Vec<KeyRow>);

impl KeyStates {
    pub fn of(&self, kind: Kind, id: &Name) -> Option<&KeyRow> {
        self.0.iter().find(|row| row.kind == kind && row.id == *id)
    }

    /// The key that makes; the one that was activated last, should there be several.
    pub fn active(&self, kind: Kind) -> Option<&KeyRow> {
        let active = |row: &&KeyRow| row.kind == kind && row.state == KeyState::Active;
        self.0.iter().filter(active).max_by_key(|row| row.since)
    }

    pub fn is_retired(&self, key: &Key) -> bool {
        self.of(key.kind, &key.id).is_some_and(|row| row.state == KeyState::Retired)
    }
}

/// A key that an instance holds, as it tells the others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    pub kind: Kind,
    pub id: Name,
    /// Tells two keys of one id apart.
    pub check: String,
}

impl Held {
    pub fn of(key: &Key) -> Self {
        Self { kind: key.kind, id: key.id.clone(), check: key.check() }
    }

    pub fn all(keys: &Keys) -> Vec<Self> {
        keys.iter().map(Self::of).collect()
    }

    /// One word: `<kind>:<id>:<check>`.
    pub fn parse(word: &str) -> Option<Self> {
        let mut parts = word.split(':');
        let kind = Kind::parse(parts.next()?)?;
        let id = Name::parse(parts.next()?)?;
        let check = parts.next()?.to_owned();
        parts.next().is_none().then_some(Self { kind, id, check })
    }

    pub fn is_same_key(&self, kind: Kind, id: &Name) -> bool {
        self.kind == kind && self.id == *id
    }
}

impl fmt::Display for Held {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}:{}", self.kind.as_str(), self.id.as_str(), self.check)
    }
}
