//! The store on one SQLite file: WAL, synchronous FULL, one thread that writes and a few connections that read.
//! Invariant: a write is answered only after its transaction is on the disk.

mod account;
mod ask;
mod attempt;
mod confirm;
mod file;
mod housekeeping;
mod mail;
mod message;
mod pot;
mod resolve;
mod row;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, Error, ErrorCode};

use super::StoreError;
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
        file::make(path)?;
        let mut connection = file::connect(path)?;
        file::migrate(&mut connection)?;
        let readers = Readers { path: path.into(), idle: Mutex::new(Vec::new()) };
        Ok(Self { writer: Writer::start(connection)?, readers: Arc::new(readers) })
    }

    /// Runs `act` in the next transaction of the writing thread, in a savepoint of its own.
    async fn write<T, F>(&self, act: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Broken> + Send + 'static,
    {
        self.writer.submit(act).await
    }

    /// Runs `act` on a connection that sees what was committed; never waits for the writer.
    async fn read<T, F>(&self, act: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Broken> + Send + 'static,
    {
        let readers = Arc::clone(&self.readers);
        let done = tokio::task::spawn_blocking(move || readers.run(act)).await;
        done.map_err(|_| StoreError::Failed)?
    }
}

impl Readers {
    fn run<T>(&self, act: impl FnOnce(&Connection) -> Result<T, Broken>) -> Result<T, StoreError> {
        let idle = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        let connection = idle.map_or_else(|| file::connect(&self.path), Ok)?;
        let done = act(&connection).map_err(StoreError::from);
        if let Ok(mut idle) = self.idle.lock()
            && idle.len() < READERS
        {
            idle.push(connection);
        }
        done
    }
}

/// What goes wrong inside one operation: it is undone.
#[derive(Debug)]
enum Broken {
    Sql(rusqlite::Error),
    /// A column holds what we never write.
    Row,
}

impl From<rusqlite::Error> for Broken {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::Utf8Error(..) => Self::Row,
            error => Self::Sql(error),
        }
    }
}

impl From<Broken> for StoreError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Sql(error) => judge(&error),
            Broken::Row => Self::Row,
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
