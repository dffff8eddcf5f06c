//! The baseline of the durable operations: rows of one small table, 64 a commit, on the same disk.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use crate::fault::Benched;

/// Rows of one commit.
const GROUP: i64 = 64;
/// Bytes of a row beside its numbers.
const BODY: [u8; 100] = [7; 100];

#[derive(Debug)]
pub(crate) struct Raw {
    connection: Connection,
    next: i64,
}

impl Raw {
    pub(crate) fn open(dir: &Path) -> Benched<Self> {
        let connection = Connection::open(dir.join("raw.db"))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.execute_batch(
            "CREATE TABLE one (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL)",
        )?;
        Ok(Self { connection, next: 0 })
    }

    /// Commits for about `span`; rows a second.
    pub(crate) fn rate(&mut self, span: Duration) -> Benched<f64> {
        let begun = Instant::now();
        let first = self.next;
        while begun.elapsed() < span {
            self.commit()?;
        }
        let rows = self.next.saturating_sub(first);
        Ok(rows as f64 / begun.elapsed().as_secs_f64())
    }

    fn commit(&mut self) -> Benched<()> {
        let run = |statement: &str| self.connection.prepare_cached(statement)?.execute([]);
        run("BEGIN IMMEDIATE")?;
        let mut insert = self.connection.prepare_cached("INSERT INTO one VALUES (?1, ?2, ?3)")?;
        for row in self.next..self.next.saturating_add(GROUP) {
            insert.execute(params![row, row, BODY])?;
        }
        run("COMMIT")?;
        self.next = self.next.saturating_add(GROUP);
        Ok(())
    }
}
