//! A salt that has a column of its own.

use super::rig::*;
use crate::directory::sql::Engine;
use crate::directory::{DirectoryError, Grade, Written};

const SALTED: &str = "table = \"users\"\n[sql.columns]\nid = \"id\"\nemail = \"mail\"\npassword_hash = \"hash\"\nsalt = \"salt\"\n\
     [password]\nformat = \"pbkdf2-sha256-hex\"\n";

const OLD: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const NEW: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn rig() -> Rig {
    let rig = Rig::new();
    rig.ground.say("ALTER TABLE users ADD COLUMN salt VARCHAR(64)");
    rig.ground.say(&format!("UPDATE users SET salt = 'aa11aa11', hash = '{OLD}'"));
    rig
}

fn whole(salt: &str, tag: &str) -> String {
    format!("$pbkdf2-sha256-hex$i=600000${salt}${tag}")
}

fn cells(rig: &Rig) -> [Option<String>; 2] {
    ["hash", "salt"].map(|column| rig.ground.cell(&format!("SELECT {column} FROM users WHERE id = 1")))
}

#[tokio::test]
async fn both_columns_are_read_and_written_as_one_hash() {
    let rig = rig();
    let sql = rig.with(SALTED);
    let ann = account(&sql, "1").await;
    assert_eq!(ann.password_hash, Some(whole("aa11aa11", OLD)));
    assert_eq!(sql.hashes(9).await.unwrap(), [whole("aa11aa11", OLD)]);
    let new = whole("bb22bb22", NEW);
    assert_eq!(write(&sql, &ann, &new).await, Ok(Written::Done));
    assert_eq!(cells(&rig), [NEW, "bb22bb22"].map(|cell| Some(cell.to_owned())));
    assert_eq!(account(&sql, "1").await.password_hash, Some(new));
    assert_eq!(write(&sql, &ann, &whole("cc33cc33", OLD)).await, Ok(Written::Changed));
    assert_eq!(cells(&rig), [NEW, "bb22bb22"].map(|cell| Some(cell.to_owned())));
}

/// As one that carries its salt, from before the column was there.
#[tokio::test]
async fn a_hash_without_a_salt_beside_it_is_itself() {
    let rig = rig();
    rig.ground.say("UPDATE users SET salt = NULL, hash = '$2b$12$old'");
    let sql = rig.with(SALTED);
    let ann = account(&sql, "1").await;
    assert_eq!(ann.password_hash.as_deref(), Some("$2b$12$old"));
    assert_eq!(write(&sql, &ann, &whole("bb22bb22", NEW)).await, Ok(Written::Done));
    assert_eq!(cells(&rig), [NEW, "bb22bb22"].map(|cell| Some(cell.to_owned())));
}

/// An app that changes a password may change both, or the salt alone.
#[tokio::test]
async fn a_salt_that_is_another_is_a_change() {
    let rig = rig();
    let sql = rig.with(SALTED);
    let ann = account(&sql, "1").await;
    rig.ground.say("UPDATE users SET salt = 'dd44dd44'");
    assert_ne!(account(&sql, "1").await.revision, ann.revision);
    assert_eq!(write(&sql, &ann, &whole("bb22bb22", NEW)).await, Ok(Written::Changed));
    assert_eq!(cells(&rig), [OLD, "dd44dd44"].map(|cell| Some(cell.to_owned())));
}

/// Where no salt is configured, a column that is called so is the app's.
#[tokio::test]
async fn a_column_called_salt_is_left_alone() {
    let rig = rig();
    let (blob, bytes) = match Rig::ENGINE {
        Engine::Postgres => ("BYTEA", "'\\xff00'"),
        Engine::Mysql | Engine::Sqlite => ("BLOB", "x'ff00'"),
    };
    rig.ground.say("ALTER TABLE users DROP COLUMN salt");
    rig.ground.say(&format!("ALTER TABLE users ADD COLUMN salt {blob}"));
    rig.ground.say(&format!("UPDATE users SET salt = {bytes}"));
    let sql = rig.with(
        "find = \"SELECT id, mail AS email, hash AS password_hash, salt FROM users WHERE mail = :email OR tel = :phone\"\n\
         get = \"SELECT id, mail AS email, hash AS password_hash, salt FROM users WHERE id = :id\"\n\
         write = \"UPDATE users SET hash = :hash WHERE id = :id AND hash = :password_hash\"\n",
    );
    assert_eq!(account(&sql, "1").await.password_hash.as_deref(), Some(OLD));
}

#[tokio::test]
async fn own_statements_have_it_as_well() {
    let rig = rig();
    let read = "SELECT id, mail AS email, hash AS password_hash, salt FROM users WHERE";
    let keys = format!(
        "find = \"{read} mail = :email OR tel = :phone\"\nget = \"{read} id = :id\"\n\
         write = \"UPDATE users SET hash = :hash, salt = :salt WHERE id = :id AND hash = :password_hash\"\n\
         [password]\nformat = \"pbkdf2-sha256-hex\"\n"
    );
    let sql = rig.with(&keys);
    let ann = account(&sql, "1").await;
    assert_eq!(write(&sql, &ann, &whole("bb22bb22", NEW)).await, Ok(Written::Done));
    assert_eq!(cells(&rig), [NEW, "bb22bb22"].map(|cell| Some(cell.to_owned())));
}

#[tokio::test]
async fn the_trial_writes_both_and_takes_them_back() {
    let rig = rig();
    let findings = rig.with(SALTED).examine(Some(&mail("ann@example.org"))).await;
    let write = findings.iter().find(|finding| finding.of == "write").unwrap();
    assert_eq!(write.grade, Grade::Good, "{findings:#?}");
    assert_eq!(cells(&rig), [OLD, "aa11aa11"].map(|cell| Some(cell.to_owned())));
}

/// As by a trigger.
#[tokio::test]
async fn letters_that_are_made_greater_are_told() {
    let rig = rig();
    let greater = "sessions = \"UPDATE users SET hash = upper(hash) WHERE id = :id\"\n";
    is_told(&rig, &format!("{greater}{SALTED}"), "not what is read back").await;
}

#[tokio::test]
async fn spaces_after_a_salt_are_told() {
    let rig = rig();
    if Rig::ENGINE != Engine::Postgres {
        return;
    }
    rig.ground.say("ALTER TABLE users ALTER COLUMN salt TYPE CHAR(64)");
    rig.ground.say("UPDATE users SET salt = repeat('ab', 32)");
    is_told(&rig, SALTED, "fills salt up with spaces").await;
    rig.ground.say("ALTER TABLE users ALTER COLUMN salt TYPE CHAR(32) USING left(salt, 32)");
    let findings = rig.with(SALTED).examine(Some(&mail("ann@example.org"))).await;
    let write = findings.iter().find(|finding| finding.of == "write").unwrap();
    assert_eq!(write.grade, Grade::Good, "{findings:#?}");
}

async fn is_told(rig: &Rig, keys: &str, expected: &str) {
    let findings = rig.with(keys).examine(Some(&mail("ann@example.org"))).await;
    let write = findings.iter().find(|finding| finding.of == "write").unwrap();
    assert!(write.grade == Grade::Fault && write.said.contains(expected), "{findings:#?}");
}

#[tokio::test]
async fn a_column_that_is_too_short_is_told() {
    let rig = rig();
    rig.ground.say("ALTER TABLE users DROP COLUMN salt");
    let sql = rig.with(SALTED);
    assert_eq!(sql.get("1").await.unwrap_err(), DirectoryError::Missing);
    if Rig::ENGINE != Engine::Sqlite {
        rig.ground.say("ALTER TABLE users ADD COLUMN salt VARCHAR(8)");
        let findings = sql.examine(Some(&mail("ann@example.org"))).await;
        let write = findings.iter().find(|finding| finding.of == "write").unwrap();
        assert_eq!(write.grade, Grade::Fault, "{findings:#?}");
    }
}
