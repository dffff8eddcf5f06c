//! Where PostgreSQL's programs are: Debian keeps them out of the PATH, one directory a version.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::stage::{Fault, Staged};

const DEBIAN: &str = "/usr/lib/postgresql";
const OLDEST: u32 = 15;

/// The directory of the newest version, or the one that `REKEY_POSTGRES_BIN` names.
pub(super) fn find() -> Staged<PathBuf> {
    let found = match std::env::var_os("REKEY_POSTGRES_BIN") {
        Some(named) => vec![PathBuf::from(named)],
        None => versions(Path::new(DEBIAN)),
    };
    let missing = || {
        let advice = format!(
            "PostgreSQL {OLDEST} or newer is missing: run ./just setup, or name its programs' directory in REKEY_POSTGRES_BIN"
        );
        Fault::new("no PostgreSQL", advice)
    };
    let has_all = |bin: &PathBuf| {
        ["initdb", "postgres", "psql"].iter().all(|program| bin.join(program).exists())
    };
    let bin = found.into_iter().find(has_all).ok_or_else(missing)?;
    if version(&bin)? < OLDEST { Err(missing()) } else { Ok(bin) }
}

/// Newest first.
fn versions(root: &Path) -> Vec<PathBuf> {
    let number = |path: &PathBuf| -> Option<u32> { path.file_name()?.to_str()?.parse().ok() };
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| number(path).is_some()).collect();
    found.sort_by_key(|path| std::cmp::Reverse(number(path)));
    found.into_iter().map(|path| path.join("bin")).collect()
}

fn version(bin: &Path) -> Staged<u32> {
    let output = Command::new(bin.join("postgres")).arg("--version").output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let word = said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let major = word.and_then(|word| word.split(['.', 'b', 'r', 'd']).next()?.parse().ok());
    major.ok_or_else(|| Fault::new("PostgreSQL tells no version", said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["9", "17", "15", "share"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let names: Vec<PathBuf> =
            ["17/bin", "15/bin", "9/bin"].iter().map(|name| dir.path().join(name)).collect();
        assert_eq!(versions(dir.path()), names);
    }

    #[test]
    fn the_installed_one_is_new_enough() {
        assert!(version(&find().unwrap()).unwrap() >= OLDEST);
    }
}
