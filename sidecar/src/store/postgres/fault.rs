//! What the server's errors mean to us; the only place that looks into one.

use postgres::Error;
use postgres::error::SqlState;

use crate::silence::Silence;
use crate::store::StoreError;
use crate::store::sql::tx::Broken;

/// Of a statement.
pub(super) fn judge(error: &Error) -> Broken {
    let Some(code) = error.code() else {
        return silent(error);
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
        None => match Silence::of(error) {
            Silence::Tls => StoreError::Tls,
            Silence::Unfit => StoreError::Refused,
            Silence::Lost | Silence::Strange => StoreError::Unreachable,
        },
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
fn silent(error: &Error) -> Broken {
    match Silence::of(error) {
        Silence::Lost | Silence::Tls => Broken::Lost,
        Silence::Unfit | Silence::Strange => {
            tracing::error!(event = "store_failed", kind = "unexpected", error = %error);
            Broken::Store(StoreError::Failed)
        }
    }
}
