//! SQLite, one file: WAL, synchronous FULL, one thread that writes and a few connections that read.
//! Invariant: a write is answered only after its transaction is on the disk.

mod backup;
mod file;
mod queue;
mod reader;
mod writer;

use std::path::Path;
use std::sync::Arc;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Error, ErrorCode, Row};

use super::sql::schema::STEPS;
use super::sql::tx::{Broken, Cell, Tx, Value};
use super::work::Mode;
use super::{Standing, StoreError};
use queue::Queue;

/// Threads that read, each with a connection.
const READERS: usize = 2;

/// One database file; a clone is the same store.
#[derive(Clone, Debug)]
pub struct Sqlite {
    path: Arc<Path>,
    writer: Queue,
    readers: Queue,
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
        let mut reading = Vec::new();
        for _ in 0..READERS {
            reading.push(file::connect(path)?);
        }
        Ok(Self {
            path: path.into(),
            writer: writer::start(connection)?,
            readers: reader::start(reading)?,
        })
    }

    /// Opens nothing that stays open.
    pub(super) fn standing(path: &Path) -> Result<Standing, StoreError> {
        file::standing(path)
    }

    /// Runs `act` in the next transaction of the writing thread, as if in a savepoint of its own; or, to read, on a
    /// connection that sees what was committed and never waits for the writer.
    pub(super) async fn run<T, F>(&self, mode: Mode, act: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, Broken> + Send + 'static,
    {
        match mode {
            Mode::Read | Mode::Survey => self.readers.run(act).await,
            Mode::Write | Mode::Alone => self.writer.run(act).await,
        }
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
