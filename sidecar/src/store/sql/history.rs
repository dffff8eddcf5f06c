//! Former password hashes, whatever directory they come from. Invariant: no more of an account is kept than its policy asks for.

use super::tx::{Broken, Tx, values};
use crate::clock::Millis;
use crate::store::{Former, Store, StoreError};

impl Store {
    /// The last former hashes of an account, the latest first.
    pub async fn history(&self, account: String, most: u32) -> Result<Vec<String>, StoreError> {
        self.read(move |tx| {
            let query = "SELECT password_hash FROM password_history WHERE account = ?1 ORDER BY id DESC LIMIT ?2";
            tx.all(query, values![&account, most], |row| row.get(0))
        })
        .await
    }
}

/// Puts a hash to the former ones before another takes its place; once, however often that is tried. Should it stay in
/// its place after all, the oldest is still there.
pub(super) fn announce(
    tx: &mut Tx<'_>,
    account: &str,
    former: &Former,
    at: Millis,
) -> Result<(), Broken> {
    let Some(hash) = former.hash.as_ref().filter(|_| former.keep > 0) else {
        return Ok(());
    };
    let query = "SELECT 1 FROM password_history WHERE account = ?1 AND password_hash = ?2";
    if tx.one(query, values![account, hash], |row| row.get::<i64>(0))?.is_some() {
        return Ok(());
    }
    let keep = former.keep.saturating_add(1);
    note(tx, account, &Former { hash: Some(hash.clone()), keep }, at)
}

/// Puts a former hash to the others, and forgets those that are too many.
pub(in crate::store) fn note(
    tx: &mut Tx<'_>,
    account: &str,
    former: &Former,
    at: Millis,
) -> Result<(), Broken> {
    if let Some(hash) = former.hash.as_ref().filter(|_| former.keep > 0) {
        let write = "INSERT INTO password_history (account, at, password_hash) VALUES (?1, ?2, ?3)";
        tx.run(write, values![account, at, hash])?;
    }
    let trim = "DELETE FROM password_history WHERE account = ?1 AND id NOT IN \
         (SELECT id FROM password_history WHERE account = ?1 ORDER BY id DESC LIMIT ?2)";
    tx.run(trim, values![account, former.keep]).map(drop)
}
