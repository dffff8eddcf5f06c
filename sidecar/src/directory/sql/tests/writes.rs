//! What is written, and what is not.

use super::rig::*;
use crate::directory::{DirectoryError, Grade, Written};

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

/// As by a trigger.
#[tokio::test]
async fn what_is_altered_on_its_way_is_not_written() {
    let rig = Rig::new();
    let altering = "sessions = \"UPDATE users SET hash = NULL WHERE id = :id\"\n".to_owned() + KEYS;
    let sql = rig.with(&altering);
    let ann = account(&sql, "1").await;
    assert_eq!(write(&sql, &ann, "new").await, Err(DirectoryError::Failed));
    assert_eq!(rig.hash(1), "old");
    let findings = sql.examine(Some(&mail("ann@example.org"))).await;
    let told = findings.iter().find(|finding| finding.of == "write").unwrap();
    assert!(told.grade == Grade::Fault && told.said.contains("not what is read back"), "{told:?}");
    assert_eq!(rig.hash(1), "old");
}

/// The usual table, through the team's own statements.
const OWN: &str = "find = \"SELECT id, mail AS email, hash AS password_hash FROM users WHERE mail = :email OR tel = :phone\"\n\
     get = \"SELECT id, mail AS email, hash AS password_hash FROM users WHERE id = :id\"\n\
     write = \"UPDATE users SET hash = :hash WHERE id = :id AND hash = :password_hash\"\n";

#[tokio::test]
async fn own_statements_do_the_same() {
    let rig = Rig::new();
    rig.ground.say("UPDATE users SET tel = '+12125550100' WHERE id = 1");
    let sql = rig.with(OWN);
    assert_eq!(ids(&sql, &[mail("ann@example.org"), mail("bob@example.org")]).await, ["1"]);
    let ann = account(&sql, "1").await;
    assert_eq!(write(&sql, &ann, "new").await, Ok(Written::Done));
    assert_eq!(write(&sql, &ann, "newer").await, Ok(Written::Changed));
    assert_eq!(rig.hash(1), "new");
}

#[tokio::test]
async fn what_the_app_changes_meanwhile_is_not_written_over() {
    let rig = Rig::new();
    let sql = rig.directory();
    let ann = account(&sql, "1").await;
    rig.ground.say("UPDATE users SET hash = 'OLD' WHERE id = 1");
    assert_eq!(write(&sql, &ann, "new").await, Ok(Written::Changed));
    assert_eq!(rig.hash(1), "OLD");
    let ann = account(&sql, "1").await;
    rig.ground.say("UPDATE users SET mail = 'other@example.org' WHERE id = 1");
    assert_eq!(write(&sql, &ann, "new").await, Ok(Written::Done));
    let sql = rig.with(&format!("revision = [\"hash\", \"mail\"]\n{KEYS}"));
    let ann = account(&sql, "1").await;
    rig.ground.say("UPDATE users SET mail = NULL WHERE id = 1");
    assert_eq!(write(&sql, &ann, "newer").await, Ok(Written::Changed));
    let ann = account(&sql, "1").await;
    assert_eq!(write(&sql, &ann, "newer").await, Ok(Written::Done));
    rig.ground.say("DELETE FROM users");
    assert_eq!(write(&sql, &ann, "newest").await, Ok(Written::Changed));
}

#[tokio::test]
async fn an_account_without_a_hash_gets_its_first() {
    let rig = Rig::new();
    rig.ground.say("UPDATE users SET hash = NULL WHERE id = 1");
    let sql = rig.directory();
    let ann = account(&sql, "1").await;
    assert!(ann.password_hash.is_none());
    assert_eq!(write(&sql, &ann, "first").await, Ok(Written::Done));
    assert_eq!(write(&sql, &ann, "second").await, Ok(Written::Changed));
    // The same once more is a write as well.
    let ann = account(&sql, "1").await;
    assert_eq!(write(&rig.with(&KEYS.replace("set = ", "#")), &ann, "first").await, Ok(Written::Done));
}

#[tokio::test]
async fn sessions_end_with_the_write_or_nothing_is_done() {
    let rig = Rig::new();
    rig.ground.say("CREATE TABLE sessions (user_id INTEGER, token VARCHAR(9))");
    rig.ground.say("INSERT INTO sessions VALUES (1, 'a'), (1, 'b'), (2, 'c')");
    let sessions = |text: &str| rig.with(&format!("sessions = \"{text}\"\n{KEYS}"));
    let sql = sessions("DELETE FROM session WHERE user_id = :id");
    assert_eq!(write(&sql, &account(&sql, "1").await, "new").await, Err(DirectoryError::Missing));
    assert_eq!(rig.hash(1), "old");
    let sql = sessions("DELETE FROM sessions WHERE user_id = :id");
    assert_eq!(write(&sql, &account(&sql, "1").await, "new").await, Ok(Written::Done));
    assert_eq!(rig.ground.cell("SELECT COUNT(*) FROM sessions").as_deref(), Some("1"));
    assert_eq!(rig.hash(1), "new");
}

#[tokio::test]
async fn an_id_of_several_rows_writes_none() {
    let rig = Rig::new();
    rig.ground.say("CREATE TABLE people (id INTEGER, mail VARCHAR(254), hash VARCHAR(255))");
    rig.ground.say("INSERT INTO people VALUES (1, 'ann@example.org', 'a'), (1, 'ann@example.org', 'a')");
    let sql = rig.with("table = \"people\"\n[sql.columns]\nemail = \"mail\"\npassword_hash = \"hash\"\n");
    assert_eq!(sql.get("1").await.unwrap_err(), DirectoryError::Row);
    let mut ann = sql.find(&[mail("ann@example.org")]).await.unwrap();
    let ann = ann.pop().unwrap();
    assert!(write(&sql, &ann, "b").await.is_err());
    assert_eq!(rig.ground.cell("SELECT COUNT(*) FROM people WHERE hash = 'a'").as_deref(), Some("2"));
}

#[tokio::test]
async fn a_lock_is_waited_for_so_long_and_no_longer() {
    let rig = Rig::new();
    let sql = rig.with(&format!("timeout = \"300ms\"\n{KEYS}"));
    let ann = account(&sql, "1").await;
    let holder = rig.holder().await;
    let begun = std::time::Instant::now();
    assert_eq!(write(&sql, &ann, "new").await, Err(DirectoryError::Unavailable));
    assert!(begun.elapsed() < std::time::Duration::from_secs(5));
    assert_eq!(ids(&sql, &[mail("ann@example.org")]).await, ["1"]);
    drop(holder);
    assert_eq!(rig.hash(1), "old");
    // What was given up may hold the row until the server finds out.
    while let Err(error) = write(&sql, &ann, "new").await {
        assert_eq!(error, DirectoryError::Unavailable);
        assert!(begun.elapsed() < std::time::Duration::from_secs(30));
    }
    assert_eq!(rig.hash(1), "new");
}

#[tokio::test]
async fn connections_that_were_lost_are_made_anew() {
    let rig = Rig::new();
    let sql = rig.directory();
    let ann = account(&sql, "1").await;
    for round in 0..3 {
        rig.ground.cut();
        assert_eq!(ids(&sql, &[mail("ann@example.org")]).await, ["1"], "{round}");
    }
    rig.ground.cut();
    assert_eq!(write(&sql, &ann, "new").await, Ok(Written::Done));
}
