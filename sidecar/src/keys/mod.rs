//! The keys: lines in files (`file`), their states in the store (`state`), and what is used of them now (`ring`).
//! Invariant: a key that everybody can read, that nobody drew, or that cannot be read, keeps the program from starting.

mod file;
mod key;
mod kind;
mod ring;
mod rotation;
mod state;
#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;

use contract::name::Name;

use crate::config::{KeyFile, KeyFiles};
use crate::entropy::Entropy;

pub use self::file::{Marks, add_line, mark, marks, parse as parse_lines, read_lines, replace};
pub use self::key::Key;
pub use self::kind::{Kind, Shelf};
pub use self::ring::{InUse, Ring, RingFault, peppers};
pub use self::rotation::{
    ALIVE, Facts, Instance, PUBLISHED, Refused, SETTLED, Step, Wish, judge, stranger,
};
pub use self::state::{Held, KeyRow, KeyState, KeyStates};

/// All keys that are held, in the order of their files; of the first four kinds at least one.
#[derive(Clone, Debug)]
pub struct Keys {
    pub index: Key,
    pub masters: Vec<Key>,
    pub edge: Vec<Key>,
    pub jwt: Vec<Key>,
    pub peppers: Vec<Key>,
    pub rsa: Vec<Key>,
    pub sm2: Vec<Key>,
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
        "everybody on this machine can read the key: give the file mode 0600, and exchange the keys in it if others may have \
         (`rekey keys add`, activate, retire). A pepper's line stays while hashes name it"
    )]
    Exposed,
    #[error("each of its lines must read {0}")]
    Malformed(Shelf),
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
    #[error(
        "this is no private key of that kind: for rsa give PEM (PKCS#8 or PKCS#1) of 2048 to 4096 bits without a \
         passphrase, for sm2 64 hexadecimal digits or PEM (PKCS#8 or SEC1)"
    )]
    NotAdopted,
    #[error("the system gives no random bytes")]
    Entropy,
}

/// One key file as `check` shows it.
#[derive(Clone, Debug)]
pub struct Found {
    pub shelf: Shelf,
    pub path: PathBuf,
    /// Empty: the key would be made at the start, where there must be one.
    pub ids: Vec<(Kind, Name)>,
}

impl Keys {
    /// Reads all keys. Default files that are missing are made, but not where instances share a store.
    pub fn open(files: &KeyFiles, entropy: &Entropy) -> Result<Self, KeyError> {
        for (file, shelf) in all(files) {
            if let KeyFile::Default(path) = file
                && !path.exists()
            {
                file::make(path, shelf, entropy).map_err(|fault| at(file, fault))?;
            }
        }
        Self::read(files)
    }

    /// Reads all keys and makes none.
    pub fn read(files: &KeyFiles) -> Result<Self, KeyError> {
        let lines = |file: &KeyFile, shelf| read(file, shelf).map_err(|fault| at(file, fault));
        let mut masters = lines(&files.master, Shelf::Master)?;
        let index = file::take_index(&mut masters).map_err(|fault| at(&files.master, fault))?;
        let mut edge = Vec::new();
        for file in &files.edge {
            edge.extend(lines(file, Shelf::Edge)?);
        }
        let jwt = lines(&files.jwt, Shelf::Jwt)?;
        let (peppers, others): (Vec<Key>, Vec<Key>) = lines(&files.password, Shelf::Password)?
            .into_iter()
            .partition(|key| key.kind == Kind::Pepper);
        let (rsa, sm2) = others.into_iter().partition(|key| key.kind == Kind::Rsa);
        Ok(Self { index, masters, edge, jwt, peppers, rsa, sm2 })
    }

    /// All of them, the index first.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        let others = self.masters.iter().chain(&self.jwt).chain(&self.edge);
        let optional = self.peppers.iter().chain(&self.rsa).chain(&self.sm2);
        std::iter::once(&self.index).chain(others).chain(optional)
    }

    pub fn of(&self, kind: Kind) -> &[Key] {
        match kind {
            Kind::Edge => &self.edge,
            Kind::Index => std::slice::from_ref(&self.index),
            Kind::Jwt => &self.jwt,
            Kind::Master => &self.masters,
            Kind::Pepper => &self.peppers,
            Kind::Rsa => &self.rsa,
            Kind::Sm2 => &self.sm2,
        }
    }
}

/// The peppers that are held, whatever became of them.
pub fn held_peppers(files: &KeyFiles) -> Result<Vec<Key>, KeyError> {
    let held =
        read(&files.password, Shelf::Password).map_err(|fault| at(&files.password, fault))?;
    Ok(held.into_iter().filter(|key| key.kind == Kind::Pepper).collect())
}

/// Looks at every key and makes none.
pub fn inspect(files: &KeyFiles) -> Vec<Result<Found, KeyError>> {
    let found = |(file, shelf): (&KeyFile, Shelf)| {
        let path = file.path().to_owned();
        if matches!(file, KeyFile::Default(_)) && !path.exists() {
            return Ok(Found { shelf, path, ids: Vec::new() });
        }
        let mut lines = read(file, shelf).map_err(|fault| at(file, fault))?;
        if shelf == Shelf::Master {
            file::take_index(&mut lines).map_err(|fault| at(file, fault))?;
        }
        Ok(Found { shelf, path, ids: lines.into_iter().map(|line| (line.kind, line.id)).collect() })
    };
    all(files).into_iter().map(found).collect()
}

/// Draws every key whose file is missing, also where instances share a store; the files that were made.
pub fn make_first(files: &KeyFiles, entropy: &Entropy) -> Result<Vec<PathBuf>, KeyError> {
    let missing = all(files).into_iter().filter(|(file, _)| !file.path().exists());
    let make = |(file, shelf): (&KeyFile, Shelf)| {
        file::make(file.path(), shelf, entropy).map_err(|fault| at(file, fault))?;
        Ok(file.path().to_owned())
    };
    missing.map(make).collect()
}

/// Where keys of a kind are put; the first file where there are several.
pub fn file_of(files: &KeyFiles, kind: Kind) -> Option<&KeyFile> {
    file_on(files, kind.shelf())
}

/// Puts keys of another instance into the files; those that were not there already. Nothing is written when one of them
/// does not fit to what is there.
pub fn import(files: &KeyFiles, given: &[Key]) -> Result<Vec<Key>, KeyError> {
    let mut taken = Vec::new();
    let mut plans = Vec::new();
    for shelf in [Shelf::Master, Shelf::Jwt, Shelf::Edge, Shelf::Password] {
        let Some(file) = file_on(files, shelf) else {
            continue;
        };
        let given = given.iter().filter(|key| key.kind.shelf() == shelf);
        let plan = file::merge(file.path(), shelf, given).map_err(|fault| at(file, fault))?;
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

/// Every file with what stands in it.
fn all(files: &KeyFiles) -> Vec<(&KeyFile, Shelf)> {
    let edge = files.edge.iter().map(|file| (file, Shelf::Edge));
    let first = [(&files.master, Shelf::Master), (&files.jwt, Shelf::Jwt)].into_iter();
    first.chain(edge).chain([(&files.password, Shelf::Password)]).collect()
}

fn file_on(files: &KeyFiles, shelf: Shelf) -> Option<&KeyFile> {
    match shelf {
        Shelf::Edge => files.edge.first(),
        Shelf::Jwt => Some(&files.jwt),
        Shelf::Master => Some(&files.master),
        Shelf::Password => Some(&files.password),
    }
}

fn read(file: &KeyFile, shelf: Shelf) -> Result<Vec<Key>, KeyFault> {
    match file {
        KeyFile::Optional(path) if !path.exists() => Ok(Vec::new()),
        KeyFile::Shared(path) if !path.exists() => Err(KeyFault::Missing),
        file => read_lines(file.path(), shelf),
    }
}

fn at(file: &KeyFile, fault: KeyFault) -> KeyError {
    KeyError { path: file.path().to_owned(), fault }
}
