//! The keys: lines in files (`file`), their states in the store (`state`), and what is used of them now (`ring`).
//! Invariant: a key that everybody can read, that nobody drew, or that cannot be read, keeps the program from starting.

mod file;
mod ring;
mod rotation;
mod state;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::PathBuf;

use contract::name::Name;
use contract::signature::{EdgeKey, hex};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::config::{KeyFile, KeyFiles};
use crate::entropy::Entropy;
use crate::jwt::JwtKey;

pub use self::file::{
    Marks, add_line, as_line, draw, marks, parse as parse_lines, read_lines, replace,
};
pub use self::ring::{InUse, Ring, RingFault};
pub use self::rotation::{ALIVE, Facts, Instance, PUBLISHED, Refused, Step, Wish, judge, stranger};
pub use self::state::{Held, KeyRow, KeyState, KeyStates};

/// What a key is for; the first word of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// What filters sign with.
    Edge,
    /// What addresses, senders and places are keyed with; one for ever, so that a new master changes no row.
    Index,
    /// What signs access tokens.
    Jwt,
    /// What links, codes and grants are derived from.
    Master,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Edge, Self::Index, Self::Jwt, Self::Master];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Index => "index",
            Self::Jwt => "jwt",
            Self::Master => "master",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "rekey-{}", self.as_str())
    }
}

/// One line of a key file.
#[derive(Clone)]
pub struct Key {
    pub kind: Kind,
    pub id: Name,
    pub secret: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Key({}, {}, ..)", self.kind, self.id.as_str())
    }
}

impl Key {
    /// What tells two keys of one id apart, and nothing else: four bytes derived for this alone.
    pub fn check(&self) -> String {
        let mut check = [0; 4];
        match Hkdf::<Sha256>::new(None, &*self.secret).expand(b"check", &mut check) {
            Ok(()) => hex(&check),
            Err(_) => String::new(),
        }
    }

    fn edge(&self) -> Option<EdgeKey> {
        EdgeKey::parse(self.id.clone(), &Zeroizing::new(hex(&*self.secret)))
    }

    fn jwt(&self) -> Option<JwtKey> {
        JwtKey::new(self.id.clone(), &self.secret)
    }
}

/// All keys that are held, in the order of their files; of each kind at least one.
#[derive(Clone, Debug)]
pub struct Keys {
    pub index: Key,
    pub masters: Vec<Key>,
    pub edge: Vec<Key>,
    pub jwt: Vec<Key>,
}

/// Why there are no keys to run with.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {fault}", path = path.display())]
pub struct KeyError {
    pub path: PathBuf,
    pub fault: KeyFault,
}

#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    #[error("the key file cannot be read: {0}")]
    Unreadable(io::Error),
    #[error("the key file cannot be made: {0}")]
    Unwritable(io::Error),
    #[error(
        "the key file is missing, and instances that share a store must share their keys: on the first instance \
         `rekey keys export --out FILE`, here `rekey keys import FILE`; or, if this is the first, `rekey keys add --first`"
    )]
    Missing,
    #[error(
        "everybody on this machine can read the key: draw a new one, into a file with mode 0600"
    )]
    Exposed,
    #[error("each of its lines must read `{0} <id> <64 hex>`, and there must be one")]
    Malformed(Kind),
    #[error("two of its lines have the same id; remove one")]
    Twice,
    #[error(
        "it holds several master keys and no line `rekey-index <id> <64 hex>`: put that of the other instances there"
    )]
    NoIndex,
    #[error(
        "another index or another key under the same id is there already; if no row of the store is keyed with it yet, \
         move this file away and import again"
    )]
    Foreign,
    #[error("it holds more than one rekey-index: keep the line that the other instances have")]
    Indexes,
    #[error(
        "this is an example key: draw one of your own, or remove the line that names it to have one made"
    )]
    Example,
    #[error("the system gives no random bytes")]
    Entropy,
}

/// One key file as `check` shows it.
#[derive(Clone, Debug)]
pub struct Found {
    pub kind: Kind,
    pub path: PathBuf,
    /// Empty: the key would be made at the start.
    pub ids: Vec<Name>,
}

impl Keys {
    /// Reads all keys. Default files that are missing are made, but not where instances share a store.
    pub fn open(files: &KeyFiles, entropy: &Entropy) -> Result<Self, KeyError> {
        for (file, kind) in all(files) {
            if let KeyFile::Default(path) = file
                && !path.exists()
            {
                file::make(path, kind, entropy).map_err(|fault| at(file, fault))?;
            }
        }
        Self::read(files)
    }

    /// Reads all keys and makes none.
    pub fn read(files: &KeyFiles) -> Result<Self, KeyError> {
        let lines = |file: &KeyFile, kind| read(file, kind).map_err(|fault| at(file, fault));
        let mut masters = lines(&files.master, Kind::Master)?;
        let index = file::take_index(&mut masters).map_err(|fault| at(&files.master, fault))?;
        let mut edge = Vec::new();
        for file in &files.edge {
            edge.extend(lines(file, Kind::Edge)?);
        }
        let jwt = lines(&files.jwt, Kind::Jwt)?;
        Ok(Self { index, masters, edge, jwt })
    }

    /// All of them, the index first.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        let others = self.masters.iter().chain(&self.jwt).chain(&self.edge);
        std::iter::once(&self.index).chain(others)
    }

    pub fn of(&self, kind: Kind) -> &[Key] {
        match kind {
            Kind::Edge => &self.edge,
            Kind::Index => std::slice::from_ref(&self.index),
            Kind::Jwt => &self.jwt,
            Kind::Master => &self.masters,
        }
    }
}

/// Looks at every key and makes none.
pub fn inspect(files: &KeyFiles) -> Vec<Result<Found, KeyError>> {
    let found = |(file, kind): (&KeyFile, Kind)| {
        let path = file.path().to_owned();
        if matches!(file, KeyFile::Default(_)) && !path.exists() {
            return Ok(Found { kind, path, ids: Vec::new() });
        }
        let mut lines = read(file, kind).map_err(|fault| at(file, fault))?;
        if kind == Kind::Master {
            file::take_index(&mut lines).map_err(|fault| at(file, fault))?;
        }
        Ok(Found { kind, path, ids: lines.into_iter().map(|line| line.id).collect() })
    };
    all(files).into_iter().map(found).collect()
}

/// Draws every key whose file is missing, also where instances share a store; the files that were made.
pub fn make_first(files: &KeyFiles, entropy: &Entropy) -> Result<Vec<PathBuf>, KeyError> {
    let missing = all(files).into_iter().filter(|(file, _)| !file.path().exists());
    let make = |(file, kind): (&KeyFile, Kind)| {
        file::make(file.path(), kind, entropy).map_err(|fault| at(file, fault))?;
        Ok(file.path().to_owned())
    };
    missing.map(make).collect()
}

/// Where keys of a kind are put; the first file where there are several.
pub fn file_of(files: &KeyFiles, kind: Kind) -> Option<&KeyFile> {
    match kind {
        Kind::Edge => files.edge.first(),
        Kind::Index | Kind::Master => Some(&files.master),
        Kind::Jwt => Some(&files.jwt),
    }
}

/// Puts keys of another instance into the files; those that were not there already. Nothing is written when one of them
/// does not fit to what is there.
pub fn import(files: &KeyFiles, given: &[Key]) -> Result<Vec<Key>, KeyError> {
    let mut taken = Vec::new();
    let mut plans = Vec::new();
    for kind in [Kind::Master, Kind::Jwt, Kind::Edge] {
        let Some(file) = file_of(files, kind) else {
            continue;
        };
        let given = given.iter().filter(|key| file_of(files, key.kind) == Some(file));
        let plan = file::merge(file.path(), kind, given).map_err(|fault| at(file, fault))?;
        taken.extend(plan.iter().filter(|(_, is_new)| *is_new).map(|(key, _)| key.clone()));
        plans.push((file, plan));
    }
    for (file, plan) in plans {
        if plan.iter().any(|(_, is_new)| *is_new) {
            let lines: Vec<Key> = plan.into_iter().map(|(key, _)| key).collect();
            replace(file.path(), &lines).map_err(|fault| at(file, fault))?;
        }
    }
    Ok(taken)
}

/// Every file with the kind of its keys.
fn all(files: &KeyFiles) -> Vec<(&KeyFile, Kind)> {
    let edge = files.edge.iter().map(|file| (file, Kind::Edge));
    [(&files.master, Kind::Master), (&files.jwt, Kind::Jwt)].into_iter().chain(edge).collect()
}

fn read(file: &KeyFile, kind: Kind) -> Result<Vec<Key>, KeyFault> {
    match file {
        KeyFile::Shared(path) if !path.exists() => Err(KeyFault::Missing),
        file => read_lines(file.path(), kind),
    }
}

fn at(file: &KeyFile, fault: KeyFault) -> KeyError {
    KeyError { path: file.path().to_owned(), fault }
}
