//! What the engines' errors mean to us; the only place that looks into one. Invariant: nothing of an error's text is logged,
//! for a server quotes values in it.

use rusqlite::ErrorCode;
use tokio_postgres::error::SqlState;

use crate::directory::DirectoryError;
use crate::silence::Silence;

/// What became of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// The connection is gone.
    Lost,
    /// It was stopped, here or there, because the time was over.
    Cut,
    /// Another one is in the way, or too many are there; it was undone.
    Busy,
    /// The text that was given cannot be a value of the column: no row has it.
    Nobody,
    Is(DirectoryError),
}

impl From<Broken> for DirectoryError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Lost | Broken::Cut | Broken::Busy => Self::Unavailable,
            Broken::Nobody => Self::Failed,
            Broken::Is(error) => error,
        }
    }
}

pub(super) fn postgres(error: &tokio_postgres::Error) -> Broken {
    let Some(code) = error.code() else {
        return told(silent_postgres(error), "-");
    };
    let broken = match code.code() {
        "57P01" | "57P02" | "25P03" => Broken::Lost,
        // The last two: characters that the database has no bytes for.
        "22P02" | "22003" | "22007" | "22008" | "22021" | "22P05" => Broken::Nobody,
        "25006" => Broken::Is(DirectoryError::ReadOnly),
        "42501" => Broken::Is(DirectoryError::Forbidden),
        "42P01" | "42703" | "42883" | "3F000" | "3D000" => Broken::Is(DirectoryError::Missing),
        "57014" => Broken::Cut,
        "57P03" | "55P03" | "40001" | "40P01" => Broken::Busy,
        code if code.starts_with("08") => Broken::Lost,
        code if code.starts_with("28") => Broken::Is(DirectoryError::Login),
        code if code.starts_with("53") => Broken::Busy,
        _ => Broken::Is(DirectoryError::Failed),
    };
    told(broken, SqlState::code(code))
}

/// No answer of the server's.
fn silent_postgres(error: &tokio_postgres::Error) -> Broken {
    match Silence::of(error) {
        Silence::Lost => Broken::Lost,
        Silence::Tls => Broken::Is(DirectoryError::Tls),
        Silence::Unfit => Broken::Is(DirectoryError::Login),
        Silence::Strange => Broken::Is(DirectoryError::Failed),
    }
}

pub(super) fn mysql(error: &mysql_async::Error) -> Broken {
    use mysql_async::{DriverError, Error, IoError};
    let broken = match error {
        Error::Server(said) => return told(said_by_mysql(said.code), &said.code.to_string()),
        Error::Io(IoError::Tls(_)) | Error::Driver(DriverError::NoClientSslFlagFromServer) => {
            Broken::Is(DirectoryError::Tls)
        }
        Error::Io(IoError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
            Broken::Is(DirectoryError::Tls)
        }
        Error::Io(_) => Broken::Lost,
        Error::Driver(DriverError::ConnectionClosed | DriverError::PacketOutOfOrder) => {
            Broken::Lost
        }
        Error::Driver(
            DriverError::UnknownAuthPlugin { .. }
            | DriverError::CleartextPluginDisabled
            | DriverError::MysqlOldPasswordDisabled,
        ) => Broken::Is(DirectoryError::Login),
        _ => Broken::Is(DirectoryError::Failed),
    };
    told(broken, "-")
}

fn said_by_mysql(code: u16) -> Broken {
    match code {
        // Shutdown, killed, idle for too long.
        1053 | 1927 | 4031 => Broken::Lost,
        // Interrupted, or its time was over.
        1317 | 1969 | 3024 => Broken::Cut,
        // Too many connections, a lock, a deadlock.
        1040 | 1203 | 1205 | 1213 | 1226 => Broken::Busy,
        1045 | 1130 | 1698 => Broken::Is(DirectoryError::Login),
        // A letter that the column's character set has not, a value that its type has not.
        1267 | 1300 | 1366 | 3988 => Broken::Nobody,
        1044 | 1142 | 1143 | 1227 | 1370 => Broken::Is(DirectoryError::Forbidden),
        1049 | 1051 | 1054 | 1146 | 1305 => Broken::Is(DirectoryError::Missing),
        1290 | 1792 | 1836 | 3100 => Broken::Is(DirectoryError::ReadOnly),
        _ => Broken::Is(DirectoryError::Failed),
    }
}

pub(super) fn sqlite(error: &rusqlite::Error) -> Broken {
    let rusqlite::Error::SqliteFailure(inner, text) = error else {
        let missing = matches!(error, rusqlite::Error::SqlInputError { .. })
            && is_missing(&error.to_string());
        let kind = if missing { DirectoryError::Missing } else { DirectoryError::Failed };
        return told(Broken::Is(kind), "-");
    };
    let kind = match inner.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => return told(Broken::Busy, "busy"),
        ErrorCode::OperationInterrupted => return told(Broken::Cut, "interrupted"),
        ErrorCode::ReadOnly => DirectoryError::ReadOnly,
        ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied => {
            DirectoryError::Forbidden
        }
        ErrorCode::CannotOpen => DirectoryError::Missing,
        ErrorCode::SystemIoFailure => return told(Broken::Lost, "io"),
        _ if text.as_deref().is_some_and(is_missing) => DirectoryError::Missing,
        _ => DirectoryError::Failed,
    };
    told(Broken::Is(kind), &inner.extended_code.to_string())
}

/// It has one code for everything that a statement can be wrong in.
fn is_missing(text: &str) -> bool {
    text.contains("no such table") || text.contains("no such column")
}

fn told(broken: Broken, code: &str) -> Broken {
    tracing::warn!(event = "directory_failed", kind = ?broken, code);
    broken
}
