//! What stands where the store is to be, seen from outside. Invariant: nothing is made, migrated or written.

use std::thread;

use tokio::sync::oneshot;

use super::{Postgres, Sqlite, Store, StoreError};
use crate::config::StoreConfig;

/// What is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No file.
    Missing,
    /// A database without a table of ours.
    Empty,
    /// So many steps of the schema are done, and so many are ours.
    Older { done: usize, ours: usize },
    /// A store that this program works on.
    Ready,
}

impl Store {
    /// Looks without opening it: what is missing stays missing, and an older schema stays as it is.
    pub async fn standing(config: &StoreConfig) -> Result<Standing, StoreError> {
        let (answer, answered) = oneshot::channel();
        let config = config.clone();
        // The drivers block their thread, which must not be one of the runtime's.
        thread::spawn(move || {
            let found = match &config {
                StoreConfig::Sqlite(path) => Sqlite::standing(path),
                StoreConfig::Postgres(server) => Postgres::standing(server),
            };
            // Whoever left needs no answer.
            let _left = answer.send(found);
        });
        answered.await.unwrap_or(Err(StoreError::Failed))
    }
}
