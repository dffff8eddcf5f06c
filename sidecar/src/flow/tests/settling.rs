//! Passwords that were announced, and nobody told their end: what a look at the account decides, in a table of the team's own.

use std::time::Duration;

use rekey_tests::stage::Mailbox;
use rusqlite::Connection;
use tempfile::TempDir;

use super::rig::*;
use super::several::linked;
use crate::flow::{deliver, settle};

const REST: Duration = Duration::from_secs(1);

const TABLE: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, mail TEXT, login TEXT, hash TEXT); \
     CREATE INDEX users_mail ON users (lower(mail)); INSERT INTO users VALUES (1, 'ann@example.org', 'ann', 'old');";

/// An engine over the table, with one challenge that somebody announced and left.
struct Left {
    rig: Rig,
    home: TempDir,
    _mailbox: Mailbox,
}

impl Left {
    async fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let table = home.path().join("app.db");
        Connection::open(&table).unwrap().execute_batch(TABLE).unwrap();
        let mailbox = Mailbox::start(&home.path().join("mail")).unwrap();
        let text = format!(
            "directory = \"sql\"\n[sql]\nurl = \"sqlite:{}\"\ntable = \"users\"\nmatch = \"lower\"\n[sql.columns]\n\
             id = \"id\"\nemail = \"mail\"\nuser_name = \"login\"\npassword_hash = \"hash\"\n",
            table.display()
        );
        let left = Self { rig: Rig::bare(&text, mailbox.addr()), home, _mailbox: mailbox };
        assert_eq!(left.rig.ask(linked(), ANN).await.code(), "accepted");
        while deliver::once(&left.rig.engine).await.unwrap() > 0 {}
        let words = format!(
            "{{\"at\":{},\"site\":\"default\",\"language\":\"en\",\"request\":\"r-1\",\"sender\":\"192.0.2.0/24\",\"login\":false}}",
            left.rig.engine.clock.now().0
        );
        let announce = "UPDATE challenge SET state = 'held', held_by = zeroblob(16), held_run = zeroblob(16), \
             held_until = 0, held_revision = x'00', held_digest = zeroblob(32), held_words = ?1";
        assert_eq!(left.store().execute(announce, [words]).unwrap(), 1);
        left
    }

    fn store(&self) -> Connection {
        Connection::open(self.rig.home.path().join("rekey-data/rekey.db")).unwrap()
    }

    fn app(&self, act: &str) {
        Connection::open(self.home.path().join("app.db")).unwrap().execute_batch(act).unwrap();
    }

    /// A look at what is left; how many are announced still, and how many were audited as unknown by then.
    async fn look(&self) -> (u32, u32) {
        settle::once(&self.rig.engine, REST).await.unwrap();
        let count = |of: &str| {
            let query = format!("SELECT COUNT(*) FROM {of}");
            self.store().query_row(&query, [], |row| row.get(0)).unwrap()
        };
        (
            count("challenge WHERE held_revision IS NOT NULL"),
            count("audit WHERE event = 'confirm' AND outcome = 'unknown'"),
        )
    }

    fn unsure(&self) -> u32 {
        let query = "SELECT COUNT(*) FROM mail WHERE kind = 'unsure'";
        self.store().query_row(query, [], |row| row.get(0)).unwrap()
    }
}

#[tokio::test]
async fn an_account_that_changed_meanwhile_is_written_to() {
    let left = Left::new().await;
    assert_eq!(left.look().await, (0, 1));
    assert_eq!(left.unsure(), 1);
}

/// Our password may stand in it all the same.
#[tokio::test]
async fn an_account_that_is_gone_is_audited_as_unknown() {
    let left = Left::new().await;
    left.app("DELETE FROM users");
    assert_eq!(left.look().await, (0, 1));
    assert_eq!(left.unsure(), 0, "there is nobody to write to");
}

/// It is waited for, keeps no other waiting, and has an end.
#[tokio::test]
async fn an_account_that_cannot_be_read_is_settled_in_the_end() {
    let left = Left::new().await;
    left.app("UPDATE users SET hash = char(7)");
    assert_eq!(left.look().await, (1, 0));
    left.rig.pass(61);
    assert_eq!(left.look().await, (1, 0));
    left.rig.pass(3600);
    assert_eq!(left.look().await, (0, 1));
}
