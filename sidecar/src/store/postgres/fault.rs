//! What the server's errors mean to us; the only place that looks into one.

use std::error::Error as _;

use postgres::Error;
use postgres::error::SqlState;

use crate::store::StoreError;
use crate::store::sql::tx::Broken;

/// Of a statement.
pub(super) fn judge(error: &Error) -> Broken {
    let Some(code) = error.code() else {
        return lost(error);
    };
    let broken = match code {
        &SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED => Broken::Again,
        &SqlState::UNIQUE_VIOLATION => Broken::Conflict,
        &SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN | &SqlState::CANNOT_CONNECT_NOW => {
            Broken::Lost
        }
        &SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => Broken::Lost,
        &SqlState::LOCK_NOT_AVAILABLE => Broken::Again,
        // A server that was demoted: the name leads to another one by now.
        &SqlState::READ_ONLY_SQL_TRANSACTION => Broken::Lost,
        other => Broken::Store(meaning(other)),
    };
    if matches!(broken, Broken::Store(_) | Broken::Lost) {
        tracing::error!(event = "store_failed", kind = ?broken, code = code.code());
    }
    broken
}

/// Of a connection that did not come about.
pub(super) fn unconnected(error: &Error) -> StoreError {
    let kind = match error.code() {
        Some(&SqlState::CANNOT_CONNECT_NOW) => StoreError::Unreachable,
        Some(code) => meaning(code),
        None if is_tls(error) => StoreError::Tls,
        None if error.as_db_error().is_none() && is_config(error) => StoreError::Refused,
        None => StoreError::Unreachable,
    };
    tracing::error!(event = "store_unconnected", kind = %kind, code = error.code().map_or("-", SqlState::code));
    kind
}

fn meaning(code: &SqlState) -> StoreError {
    match code {
        &SqlState::QUERY_CANCELED | &SqlState::TOO_MANY_CONNECTIONS => StoreError::Busy,
        &SqlState::DISK_FULL | &SqlState::OUT_OF_MEMORY => StoreError::Full,
        &SqlState::INSUFFICIENT_PRIVILEGE
        | &SqlState::INVALID_PASSWORD
        | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION
        | &SqlState::INVALID_CATALOG_NAME => StoreError::Refused,
        &SqlState::DATA_CORRUPTED | &SqlState::INDEX_CORRUPTED => StoreError::Corrupt,
        _ => StoreError::Failed,
    }
}

/// No answer of the server's: the connection, or a column that is not what we read.
fn lost(error: &Error) -> Broken {
    let is_io = std::iter::successors(error.source(), |&error| error.source())
        .any(|source| source.is::<std::io::Error>());
    match error.is_closed() || is_io {
        true => Broken::Lost,
        false => {
            tracing::error!(event = "store_failed", kind = "unexpected", error = %error);
            Broken::Store(StoreError::Failed)
        }
    }
}

/// A handshake that failed shows as invalid data.
fn is_tls(error: &Error) -> bool {
    std::iter::successors(error.source(), |&error| error.source()).any(|source| {
        source.is::<rustls::Error>()
            || source
                .downcast_ref::<std::io::Error>()
                .is_some_and(|error| error.kind() == std::io::ErrorKind::InvalidData)
    }) || error.to_string().contains("TLS")
}

/// The client itself gave up: no password for a server that wants one, mostly.
fn is_config(error: &Error) -> bool {
    let text = error.to_string();
    text.contains("authentication") || text.contains("configuration")
}
