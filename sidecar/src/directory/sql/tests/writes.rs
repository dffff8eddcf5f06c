//! What is written, and what is not.

use super::rig::*;
use crate::directory::{DirectoryError, Written};

#[tokio::test]
async fn a_hash_is_written_once_over_what_was_read() {
    let rig = Rig::new();
    rig.add(2, "bob@example.org", "old");
    let sql = rig.directory();
    let ann = account(&sql, "1").await;
    assert_eq!(write(&sql, &ann, "new").await, Ok(Written::Done));
    assert_eq!(rig.ground.cell("SELECT hash FROM users WHERE id = 1").as_deref(), Some("new"));
    assert_eq!(rig.ground.cell("SELECT version FROM users WHERE id = 1").as_deref(), Some("2"));
    assert_eq!(rig.ground.cell("SELECT must_change FROM users WHERE id = 1").as_deref(), Some("0"));
    assert_eq!(rig.ground.cell("SELECT hash FROM users WHERE id = 2").as_deref(), Some("old"));
    assert_eq!(write(&sql, &ann, "newer").await, Ok(Written::Changed));
    assert_eq!(rig.ground.cell("SELECT hash FROM users WHERE id = 1").as_deref(), Some("new"));
    assert_ne!(account(&sql, "1").await.revision, ann.revision);
}

#[tokio::test]
async fn a_missing_column_is_told_and_nothing_is_written() {
    let rig = Rig::new();
    let sql = rig.with(&KEYS.replace("must_change = 0", "mustchange = 0"));
    let ann = account(&sql, "1").await;
    assert_eq!(write(&sql, &ann, "new").await, Err(DirectoryError::Missing));
    assert_eq!(rig.ground.cell("SELECT hash FROM users WHERE id = 1").as_deref(), Some("old"));
}
