//! SQLite, one file: WAL, synchronous FULL, one thread that writes and a few connections that read.
//! Invariant: a write is answered only after its transaction is on the disk.

mod file;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex};

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Error, ErrorCode, Row};

use super::StoreError;
use super::sql::schema::STEPS;
use super::sql::tx::{Broken, Cell, Tx, Value};
use super::work::work;
use writer::Writer;

/// Connections for reading that are kept open.
const READERS: usize = 4;

/// Handles to one database file; a clone is the same store.
#[derive(Clone, Debug)]
pub struct Sqlite {
    writer: Writer,
    readers: Arc<Readers>,
}

#[derive(Debug)]
struct Readers {
    path: Box<Path>,
    idle: Mutex<Vec<Connection>>,
}

impl Sqlite {
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_at(path, STEPS.len())
    }

    /// As a program does that knows these steps of the schema only.
    pub(super) fn open_at(path: &Path, steps: usize) -> Result<Self, StoreError> {
        file::make(path)?;
        let mut connection = file::connect(path)?;
        file::migrate(&mut connection, steps)?;
        let readers = Readers { path: path.into(), idle: Mutex::new(Vec::new()) };
        Ok(Self { writer: Writer::start(connection)?, readers: Arc::new(readers) })
    }

    /// Runs `act` in the next transaction of the writing thread, in a savepoint of its own.
    pub(super) async fn write<T, F>(&self, act: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, Broken> + Send + 'static,
    {
        let (work, answer) = work(act);
        self.writer.submit(work)?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Runs `act` on a connection that sees what was committed; never waits for the writer.
    pub(super) async fn read<T, F>(&self, act: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, Broken> + Send + 'static,
    {
        let readers = Arc::clone(&self.readers);
        let done = tokio::task::spawn_blocking(move || readers.run(act)).await;
        done.map_err(|_| StoreError::Failed)?
    }
}

impl Readers {
    fn run<T>(&self, act: impl Fn(&mut Tx<'_>) -> Result<T, Broken>) -> Result<T, StoreError> {
        let idle = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        let connection = idle.map_or_else(|| file::connect(&self.path), Ok)?;
        let done = act(&mut Tx::sqlite(&connection)).map_err(StoreError::from);
        if let Ok(mut idle) = self.idle.lock()
            && idle.len() < READERS
        {
            idle.push(connection);
        }
        done
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// What a column holds.
pub(super) fn cell(row: &Row<'_>, at: usize) -> Result<Cell, Broken> {
    Ok(match row.get_ref(at)? {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Int(number),
        ValueRef::Text(text) => {
            Cell::Text(std::str::from_utf8(text).map_err(|_| Broken::Row)?.to_owned())
        }
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
        ValueRef::Real(_) => return Err(Broken::Row),
    })
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => Self::Conflict,
            Some(_) => Self::Store(judge(&error)),
            // What is no error of the database is one of a column that we asked for.
            None => Self::Row,
        }
    }
}

/// What an engine's error means to the flows; the only place that looks into one.
fn judge(error: &rusqlite::Error) -> StoreError {
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
        Some(ErrorCode::DiskFull) => StoreError::Full,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt,
        Some(
            ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::SystemIoFailure,
        ) => StoreError::Unwritable,
        _ => StoreError::Failed,
    };
    tracing::error!(event = "store_failed", kind = %kind, code = ?error.sqlite_error().map(|inner| inner.extended_code));
    kind
}
