//! The baseline of the durable operations: the least that can be remembered of a message. One row a message, found
//! again by its random id; 64 rows a commit, on the same disk.

use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, params};

use crate::chance::Chance;
use crate::fault::Benched;

/// Rows of one commit.
const GROUP: usize = 64;
/// Bytes of a row beside its id and its time.
const BODY: [u8; 100] = [7; 100];

#[derive(Debug)]
pub(crate) struct Raw {
    connection: Connection,
    chance: Chance,
}

impl Raw {
    pub(crate) fn open(dir: &Path) -> Benched<Self> {
        let connection = Connection::open(dir.join("raw.db"))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.execute_batch(
            "CREATE TABLE one (id BLOB PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL)",
        )?;
        Ok(Self { connection, chance: Chance::new() })
    }

    /// Writes so many more; rows a second.
    pub(crate) fn rate(&mut self, rows: usize) -> Benched<f64> {
        let begun = Instant::now();
        for _ in 0..rows.div_ceil(GROUP) {
            self.commit()?;
        }
        Ok(rows as f64 / begun.elapsed().as_secs_f64())
    }

    fn commit(&mut self) -> Benched<()> {
        let run = |statement: &str| self.connection.prepare_cached(statement)?.execute([]);
        run("BEGIN IMMEDIATE")?;
        let mut insert = self.connection.prepare_cached("INSERT INTO one VALUES (?1, ?2, ?3)")?;
        for at in 0..GROUP {
            let id: [u8; 16] = self.chance.bytes();
            insert.execute(params![id, at as i64, BODY])?;
        }
        run("COMMIT")?;
        Ok(())
    }
}
