//! A copy of the database file. Invariant: it is whole before it has its name for good, nobody but its owner can read it,
//! and it says of itself that it is a copy, so that a start on it revokes what lived.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags};

use super::{Sqlite, StoreError, file, judge};

impl Sqlite {
    pub(in crate::store) async fn backup(&self, to: PathBuf) -> Result<(), StoreError> {
        let from = Arc::clone(&self.path);
        let done = tokio::task::spawn_blocking(move || copy(&from, &to)).await;
        done.map_err(|_| StoreError::Failed)?
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let unwritable = |_| StoreError::Unwritable;
    let path = to.to_str().ok_or(StoreError::Unwritable)?;
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    drop(made.map_err(unwritable)?);
    let copied = fill(from, path).map_err(|error| judge(&error)).and_then(|()| {
        File::open(to).and_then(|file| file.sync_all()).map_err(unwritable)?;
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))
            .and_then(|file| file.sync_all())
            .map_err(unwritable)
    });
    if copied.is_err() {
        // Half a copy is none.
        drop(fs::remove_file(to));
    }
    copied
}

fn fill(from: &Path, to: &str) -> rusqlite::Result<()> {
    let source = file::open(from)?;
    source.execute("VACUUM INTO ?1", [to])?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let copy = Connection::open_with_flags(to, flags)?;
    let mark =
        "INSERT INTO meta (name, value) VALUES ('restored_copy', 1) ON CONFLICT (name) DO NOTHING";
    copy.execute(mark, [])?;
    copy.close().map_err(|(_, error)| error)
}
