//! For tests: which statements an operation ran. Invariant: a release and a debug build know nothing of it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::thread::ThreadId;

use crate::store::{Store, StoreError};

/// By the thread that ran them; each store has one that writes.
static RAN: Mutex<Option<BTreeMap<String, Vec<String>>>> = Mutex::new(None);

pub(super) fn note(sql: &str) {
    let mut ran = RAN.lock().unwrap_or_else(PoisonError::into_inner);
    let of = ran.get_or_insert_default().entry(name(std::thread::current().id())).or_default();
    of.push(sql.split_whitespace().collect::<Vec<_>>().join(" "));
}

fn name(thread: ThreadId) -> String {
    format!("{thread:?}")
}

impl Store {
    /// The texts of all statements that wrote or could have, since the last call.
    pub(crate) async fn statements(&self) -> Result<Vec<String>, StoreError> {
        let thread = self.write(|_| Ok(name(std::thread::current().id()))).await?;
        let mut ran = RAN.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(ran.get_or_insert_default().remove(&thread).unwrap_or_default())
    }
}
