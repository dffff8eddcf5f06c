//! Why a measurement could not be made. Invariant: a number is printed only when nothing went wrong on the way to it.

use std::io;

/// The text says what to do about it, where we know.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    System(#[from] rustix::io::Errno),
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("{0}")]
    Told(String),
}

pub(crate) type Benched<T> = Result<T, Fault>;

pub(crate) fn fault(text: impl Into<String>) -> Fault {
    Fault::Told(text.into())
}
