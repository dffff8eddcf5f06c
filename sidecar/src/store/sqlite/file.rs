//! The database file: how it is made, opened and brought to our schema.
//! Invariant: nobody but its owner can read it, and a schema newer than ours is left alone.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{Broken, StoreError, judge};

/// Every step of the schema; the number of steps done is in `meta`.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_begin.sql")];

/// How long another program's write (the command line's) is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

const STATEMENTS: usize = 64;

pub(super) fn make(path: &Path) -> Result<(), StoreError> {
    let made = || {
        if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        }
        if !fs::exists(path)? {
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        }
        tighten(path)
    };
    made().map_err(|_| StoreError::Unwritable)
}

/// A file that others may read (a copy put back, mostly) is its owner's alone from now on, with what lies beside it.
fn tighten(path: &Path) -> io::Result<()> {
    for end in ["", "-wal", "-shm"] {
        let mut name = OsString::from(path);
        name.push(end);
        let mode = match fs::metadata(&name) {
            Ok(found) => found.permissions().mode(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if mode & 0o077 != 0 {
            fs::set_permissions(&name, Permissions::from_mode(0o600))?;
            tracing::warn!(event = "database_tightened", file = end);
        }
    }
    Ok(())
}

pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        Ok::<Connection, rusqlite::Error>(connection)
    };
    opened().map_err(|error| judge(&error))
}

/// Safe with several processes starting at once: each step is looked for again inside its transaction.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let steps = MIGRATIONS.len();
    let mut migrated = || {
        let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        change.execute_batch(
            "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
        )?;
        let query = "SELECT COALESCE(MAX(value), 0) FROM meta WHERE name = 'schema'";
        let done: i64 = change.query_row(query, [], |row| row.get(0))?;
        let done = usize::try_from(done).map_err(|_| Broken::Row)?;
        for step in MIGRATIONS.iter().skip(done) {
            change.execute_batch(step)?;
        }
        let write = "INSERT INTO meta (name, value) VALUES ('schema', ?1) ON CONFLICT (name) DO UPDATE SET value = ?1";
        let now = i64::try_from(done.max(steps)).map_err(|_| Broken::Row)?;
        change.execute(write, [now])?;
        change.commit()?;
        Ok::<usize, Broken>(done)
    };
    let found = migrated()?;
    if found > steps { Err(StoreError::Newer) } else { Ok(()) }
}
