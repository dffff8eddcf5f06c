//! Key files: lines `rekey-<kind> <id> <secret>`, mode 0600. Invariant: a file is replaced whole or not at all, keeps its
//! owner, and nobody else can read it at any moment.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::Path;

use zeroize::Zeroizing;

use super::{Key, KeyFault, Kind, Shelf, all};
use crate::config::KeyFiles;
use crate::entropy::Entropy;

/// What tells whether any of the files changed since they were looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks(Vec<Option<[i64; 5]>>);

/// Looks at the files, not into them.
pub fn marks(files: &KeyFiles) -> Marks {
    Marks(all(files).into_iter().map(|(file, _)| look(file.path())).collect())
}

/// The same of one file.
pub fn mark(path: &Path) -> Marks {
    Marks(vec![look(path)])
}

fn look(path: &Path) -> Option<[i64; 5]> {
    let found = fs::metadata(path).ok()?;
    let inode = i64::from_ne_bytes(found.ino().to_ne_bytes());
    let size = i64::try_from(found.size()).unwrap_or(i64::MAX);
    Some([inode, size, found.mtime(), found.mtime_nsec(), found.ctime_nsec()])
}

/// The lines of a file.
pub fn read_lines(path: &Path, shelf: Shelf) -> Result<Vec<Key>, KeyFault> {
    let mode = fs::metadata(path).map_err(KeyFault::Unreadable)?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(KeyFault::Exposed);
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(KeyFault::Unreadable)?);
    let lines = parse(&text).ok_or(KeyFault::Malformed(shelf))?;
    let belong = lines.iter().all(|key| key.kind.shelf() == shelf);
    let suffice = shelf.needs().is_none_or(|kind| lines.iter().any(|key| key.kind == kind));
    if !belong || !suffice {
        return Err(KeyFault::Malformed(shelf));
    }
    judge(&lines)?;
    Ok(lines)
}

/// Every line that is not empty; `None` when one is no key.
pub fn parse(text: &str) -> Option<Vec<Key>> {
    text.lines().filter(|line| !line.trim().is_empty()).map(Key::parse).collect()
}

/// Example keys and ids that stand twice.
fn judge(lines: &[Key]) -> Result<(), KeyFault> {
    if lines.iter().any(Key::is_example) {
        return Err(KeyFault::Example);
    }
    let same = |left: &Key, right: &Key| left.kind == right.kind && left.id == right.id;
    let twice = |(at, key): (usize, &Key)| lines.iter().skip(at + 1).any(|other| same(key, other));
    match lines.iter().enumerate().any(twice) {
        true => Err(KeyFault::Twice),
        false => Ok(()),
    }
}

/// Takes the index out of a master file's lines. In a file of the first version, which has none, the only master is it.
pub(super) fn take_index(lines: &mut Vec<Key>) -> Result<Key, KeyFault> {
    let (mut index, masters): (Vec<Key>, Vec<Key>) =
        lines.drain(..).partition(|key| key.kind == Kind::Index);
    *lines = masters;
    match (index.pop(), index.is_empty(), lines.as_slice()) {
        (Some(index), true, _) => Ok(index),
        (Some(_), false, _) => Err(KeyFault::Indexes),
        (None, _, [only]) => Ok(Key { kind: Kind::Index, ..only.clone() }),
        (None, ..) => Err(KeyFault::NoIndex),
    }
}

fn show(keys: &[Key]) -> Zeroizing<String> {
    let lines: Vec<Zeroizing<String>> = keys.iter().map(Key::as_line).collect();
    let length = lines.iter().map(|line| line.len()).fold(0, usize::saturating_add);
    // As long as it becomes, so that no copy of it is left behind.
    let mut text = Zeroizing::new(String::with_capacity(length));
    lines.iter().for_each(|line| text.push_str(line));
    text
}

/// Draws the first keys of a file, and links them to their place whole, so that of two starting programs one makes the file
/// and neither reads half of it.
pub(super) fn make(path: &Path, shelf: Shelf, entropy: &Entropy) -> Result<(), KeyFault> {
    let draw = |kind: &Kind| Key::draw(*kind, entropy);
    let keys: Vec<Key> = shelf.first().iter().map(draw).collect::<Result<_, _>>()?;
    let beside = path.with_extension(keys.first().map_or("first", |key| key.id.as_str()));
    let placed = write(path, &beside, &show(&keys)).and_then(|folder| {
        let placed = match fs::hard_link(&beside, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            done => done,
        };
        placed.and(fs::remove_file(&beside)).and_then(|()| folder.sync_all())
    });
    placed.map_err(KeyFault::Unwritable)
}

/// Puts a key at the end of its file, which may be missing. The index of a file that has none yet is written down.
pub fn add_line(path: &Path, key: &Key) -> Result<(), KeyFault> {
    let mut lines = match path.exists() {
        true => read_lines(path, key.kind.shelf())?,
        false => Vec::new(),
    };
    if key.kind == Kind::Master && !lines.is_empty() {
        let index = take_index(&mut lines)?;
        lines.insert(0, index);
    }
    lines.push(key.clone());
    replace(path, &lines)
}

/// What a file would hold with these keys too, each with whether it is new there.
pub(super) fn merge<'k>(
    path: &Path,
    shelf: Shelf,
    given: impl Iterator<Item = &'k Key>,
) -> Result<Vec<(Key, bool)>, KeyFault> {
    let mut lines = Vec::new();
    if path.exists() {
        lines = read_lines(path, shelf)?;
        if shelf == Shelf::Master {
            let index = take_index(&mut lines)?;
            lines.insert(0, index);
        }
    }
    let had_index = !lines.is_empty();
    let mut merged: Vec<(Key, bool)> = lines.into_iter().map(|key| (key, false)).collect();
    for key in given {
        let same = merged.iter().find(|(other, _)| other.kind == key.kind && other.id == key.id);
        match same {
            Some((other, _)) if other.secret == key.secret => {}
            Some(_) => return Err(KeyFault::Foreign),
            None if key.kind == Kind::Index && had_index => return Err(KeyFault::Foreign),
            None => merged.push((key.clone(), true)),
        }
    }
    Ok(merged)
}

/// Writes a whole key file over the old one, whose owner and group it gets.
pub fn replace(path: &Path, keys: &[Key]) -> Result<(), KeyFault> {
    judge(keys)?;
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let beside = path.with_extension("new");
    let placed = write(&path, &beside, &show(keys)).and_then(|folder| {
        if let Ok(old) = fs::metadata(&path) {
            let new = fs::metadata(&beside)?;
            if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
                chown(&beside, Some(old.uid()), Some(old.gid()))?;
            }
            fs::set_permissions(&beside, Permissions::from_mode(old.mode() & 0o640))?;
        }
        fs::rename(&beside, &path)?;
        folder.sync_all()
    });
    placed.map_err(|error| {
        // What cannot be removed either has mode 0600.
        drop(fs::remove_file(&beside));
        KeyFault::Unwritable(error)
    })
}

/// Writes the text beside its place, on the disk; gives the folder, for what is done in it next.
fn write(path: &Path, beside: &Path, text: &str) -> io::Result<File> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    File::open(folder)
}
