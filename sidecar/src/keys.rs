//! The keys on disk: one line `rekey-<kind> <id> <64 hex>` a file, made with mode 0600 where a default one is missing.
//! Invariant: a key that everybody can read, that nobody drew, or that cannot be read, keeps the program from starting.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use contract::name::Name;
use contract::signature::{EdgeKey, hex, unhex};
use zeroize::Zeroizing;

use crate::config::{KeyFile, KeyFiles};
use crate::entropy::Entropy;
use crate::jwt::JwtKey;

/// What every secret of the sidecar is derived from.
#[derive(Clone)]
pub struct MasterKey {
    pub id: Name,
    pub secret: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "MasterKey({}, ..)", self.id.as_str())
    }
}

/// All keys that the sidecar runs with.
#[derive(Clone, Debug)]
pub struct Keys {
    pub master: MasterKey,
    pub edge: Vec<EdgeKey>,
    pub jwt: JwtKey,
}

/// What a key is for; the first word of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Edge,
    Jwt,
    Master,
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Edge => "rekey-edge",
            Self::Jwt => "rekey-jwt",
            Self::Master => "rekey-master",
        })
    }
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
        "everybody on this machine can read the key: draw a new one, into a file with mode 0600"
    )]
    Exposed,
    #[error("it does not hold one line `{0} <id> <64 hex>`")]
    Malformed(Kind),
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
    /// Absent: the key would be made at the start.
    pub id: Option<Name>,
}

impl Keys {
    /// Reads all keys; default ones that are missing are made.
    pub fn open(files: &KeyFiles, entropy: &Entropy) -> Result<Self, KeyError> {
        let line =
            |file: &KeyFile, kind| open(file, kind, entropy).map_err(|fault| at(file, fault));
        let master = line(&files.master, Kind::Master)?;
        let jwt = line(&files.jwt, Kind::Jwt)?;
        let edge =
            |file: &KeyFile| line(file, Kind::Edge)?.into_edge().map_err(|fault| at(file, fault));
        Ok(Self {
            master: MasterKey { id: master.id, secret: master.secret },
            edge: files.edge.iter().map(edge).collect::<Result<_, _>>()?,
            jwt: JwtKey::new(jwt.id, &jwt.secret)
                .ok_or_else(|| at(&files.jwt, KeyFault::Malformed(Kind::Jwt)))?,
        })
    }
}

/// Looks at every key and makes none.
pub fn inspect(files: &KeyFiles) -> Vec<Result<Found, KeyError>> {
    let edge = files.edge.iter().map(|file| (file, Kind::Edge));
    let all = [(&files.master, Kind::Master), (&files.jwt, Kind::Jwt)].into_iter().chain(edge);
    all.map(|(file, kind)| {
        let path = file.path().to_owned();
        if matches!(file, KeyFile::Default(_)) && !path.exists() {
            return Ok(Found { kind, path, id: None });
        }
        let line = read(&path, kind).map_err(|fault| at(file, fault))?;
        Ok(Found { kind, path, id: Some(line.id) })
    })
    .collect()
}

fn at(file: &KeyFile, fault: KeyFault) -> KeyError {
    KeyError { path: file.path().to_owned(), fault }
}

/// What a key file holds.
struct Line {
    id: Name,
    secret: Zeroizing<[u8; 32]>,
}

impl Line {
    fn parse(text: &str, kind: Kind) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let named = words.next().filter(|word| *word == kind.to_string());
        named?;
        let id = Name::parse(words.next()?)?;
        let secret = Zeroizing::new(unhex(words.next()?)?);
        words.next().is_none().then_some(Self { id, secret })
    }

    fn draw(entropy: &Entropy) -> Result<Self, KeyFault> {
        let id: [u8; 4] = entropy.bytes().map_err(|_| KeyFault::Entropy)?;
        let secret = Zeroizing::new(entropy.bytes().map_err(|_| KeyFault::Entropy)?);
        let id = Name::parse(&hex(&id)).ok_or(KeyFault::Entropy)?;
        Ok(Self { id, secret })
    }

    fn show(&self, kind: Kind) -> Zeroizing<String> {
        let secret = Zeroizing::new(hex(&*self.secret));
        Zeroizing::new(format!("{kind} {} {}\n", self.id.as_str(), *secret))
    }

    fn into_edge(self) -> Result<EdgeKey, KeyFault> {
        EdgeKey::parse(self.id, &Zeroizing::new(hex(&*self.secret)))
            .ok_or(KeyFault::Malformed(Kind::Edge))
    }
}

fn open(file: &KeyFile, kind: Kind, entropy: &Entropy) -> Result<Line, KeyFault> {
    if let KeyFile::Default(path) = file
        && !path.exists()
    {
        make(path, kind, entropy)?;
    }
    read(file.path(), kind)
}

fn read(path: &Path, kind: Kind) -> Result<Line, KeyFault> {
    let mode = fs::metadata(path).map_err(KeyFault::Unreadable)?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(KeyFault::Exposed);
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(KeyFault::Unreadable)?);
    let line = Line::parse(&text, kind).ok_or(KeyFault::Malformed(kind))?;
    let example = EdgeKey::parse(line.id.clone(), &Zeroizing::new(hex(&*line.secret)))
        .is_none_or(|key| key.is_example());
    match example {
        true => Err(KeyFault::Example),
        false => Ok(line),
    }
}

/// Writes a new key beside its place and links it there whole, so that of two starting programs one makes it and
/// neither reads half a line.
fn make(path: &Path, kind: Kind, entropy: &Entropy) -> Result<(), KeyFault> {
    let line = Line::draw(entropy)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let beside = path.with_extension(line.id.as_str());
    let written = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .and_then(|()| write(&beside, &line.show(kind)));
    let placed = written.and_then(|()| match fs::hard_link(&beside, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        done => done,
    });
    let cleared = fs::remove_file(&beside);
    placed.and(cleared).and_then(|()| File::open(folder)?.sync_all()).map_err(KeyFault::Unwritable)
}

fn write(path: &Path, line: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(line.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn files(folder: &Path) -> KeyFiles {
        let preset = |name: &str| KeyFile::Default(folder.join("keys").join(name));
        KeyFiles { master: preset("master"), edge: vec![preset("edge")], jwt: preset("jwt") }
    }

    #[test]
    fn missing_keys_are_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        assert!(inspect(&files).iter().all(|found| found.as_ref().unwrap().id.is_none()));
        let made = Keys::open(&files, &Entropy::System).unwrap();
        let again = Keys::open(&files, &Entropy::System).unwrap();
        assert_eq!(made.master.secret, again.master.secret);
        assert_eq!(made.jwt.jwks(), again.jwt.jwks());
        for found in inspect(&files) {
            let found = found.unwrap();
            assert!(found.id.is_some());
            assert_eq!(fs::metadata(&found.path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let left = fs::read_dir(folder.path().join("keys")).unwrap().count();
        assert_eq!(left, 3);
    }

    #[test]
    fn bad_keys_are_refused() {
        let good = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        let example = "00".repeat(32);
        let table = [
            (format!("rekey-edge e1 {good}\n"), 0o600, "ok"),
            (format!("rekey-edge e1 {good}\n"), 0o640, "ok"),
            (format!("rekey-edge e1 {good}\n"), 0o644, "everybody"),
            (format!("rekey-edge e1 {example}\n"), 0o600, "example"),
            (format!("rekey-jwt e1 {good}\n"), 0o600, "one line"),
            (format!("rekey-edge e1 {good} x\n"), 0o600, "one line"),
            ("rekey-edge e1 abc\n".to_owned(), 0o600, "one line"),
            (String::new(), 0o600, "one line"),
        ];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("edge");
        for (text, mode, expected) in table {
            fs::write(&path, &text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let found = match read(&path, Kind::Edge) {
                Ok(_) => "ok".to_owned(),
                Err(fault) => fault.to_string(),
            };
            assert!(found.contains(expected), "{text:?} {mode:o}: {found}");
        }
    }

    #[test]
    fn a_named_key_is_never_made() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = files(folder.path());
        files.master = KeyFile::Named(folder.path().join("mine"));
        let error = Keys::open(&files, &Entropy::System).unwrap_err();
        assert!(matches!(error.fault, KeyFault::Unreadable(_)), "{error}");
    }
}
