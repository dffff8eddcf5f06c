//! The database file: how it is made, opened and brought to our schema.
//! Invariant: nobody but its owner can read it, and a schema newer than ours is left alone.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::super::sql::schema::{self, Found, META, STEPS};
use super::{Broken, Standing, StoreError, Tx, judge};

/// How long another program's write (the command line's) is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

const STATEMENTS: usize = 128;

/// KiB of pages that one connection keeps.
const CACHE: i64 = 32 * 1024;

/// Pages (of 4 KiB) that the log may hold before they go into the file; a longer log writes a page less often.
const LOG: i64 = 16_000;

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
    open(path).map_err(|error| judge(&error))
}

pub(super) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "cache_size", -CACHE)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG)?;
    // A plan that does not depend on values is made once; otherwise partial indexes have it made anew at each run.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// Opens an existing file for reading only, and looks at its schema.
pub(super) fn standing(path: &Path) -> Result<Standing, StoreError> {
    if !path.exists() {
        return Ok(Standing::Missing);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let looked = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        let mut tx = Tx::sqlite(&connection);
        let known = "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = 'meta'";
        match tx.only::<i64>(known, &[])? {
            0 => Ok(Standing::Empty),
            _ => schema::standing(&mut tx),
        }
    };
    looked().map_err(|broken: Broken| StoreError::from(broken))
}

/// Safe with several processes starting at once: each step is looked for again inside its transaction.
pub(super) fn migrate(connection: &mut Connection, steps: usize) -> Result<(), StoreError> {
    let mut migrated = || {
        let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        change.execute_batch(META)?;
        let mut tx = Tx::sqlite(&change);
        if let Found::Older(done) = schema::look(&mut tx, steps)? {
            for step in STEPS.iter().take(steps).skip(done) {
                change.execute_batch(step.sqlite)?;
                if done == 0 {
                    change.execute_batch(step.contraction)?;
                }
            }
            schema::note(&mut tx, done, steps)?;
        }
        Ok::<(), Broken>(change.commit()?)
    };
    migrated().map_err(StoreError::from)
}
