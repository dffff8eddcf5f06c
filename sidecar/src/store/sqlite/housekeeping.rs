//! What is deleted, and what is told.

use rusqlite::{Connection, Row, params};

use super::{Broken, Sqlite, pot};
use crate::clock::Millis;
use crate::secret::AddressKey;
use crate::store::{Horizon, StoreError, Story};

/// Rows deleted from one table at a time, so that nobody waits long for the writer.
const BATCH: u32 = 500;

/// Asks that are told of.
const TOLD: u32 = 50;

impl Sqlite {
    pub(in crate::store) async fn purge(&self, horizon: Horizon) -> Result<bool, StoreError> {
        self.write(move |connection| purge(connection, &horizon)).await
    }

    pub(in crate::store) async fn stories(
        &self,
        address: AddressKey,
    ) -> Result<Vec<Story>, StoreError> {
        self.read(move |connection| {
            let query = "SELECT ask.at, ask.dialect, ask.request, ask.state, ask.reason, ask.ended, mail.attempts, \
                 mail.reply FROM ask LEFT JOIN mail ON mail.ask = ask.id WHERE ask.address_key = ?1 \
                 ORDER BY ask.at DESC LIMIT ?2";
            let mut statement = connection.prepare_cached(query)?;
            let rows = statement.query_map(params![address.0, TOLD], story)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Writing is what matters, so writing is what is tried.
    pub(in crate::store) async fn ping(&self) -> Result<(), StoreError> {
        self.write(|connection| {
            connection
                .prepare_cached("UPDATE meta SET value = value WHERE name = 'schema'")?
                .execute([])?;
            Ok(())
        })
        .await
    }
}

fn story(row: &Row<'_>) -> rusqlite::Result<Story> {
    Ok(Story {
        at: Millis(row.get(0)?),
        dialect: row.get(1)?,
        request: row.get(2)?,
        state: row.get(3)?,
        reason: row.get(4)?,
        ended: row.get::<_, Option<i64>>(5)?.map(Millis),
        attempts: row.get::<_, Option<u32>>(6)?.unwrap_or(0),
        reply: row.get(7)?,
    })
}

fn purge(connection: &Connection, horizon: &Horizon) -> Result<bool, Broken> {
    let day = pot::first_day(horizon.now);
    let tables: [(&str, &str, i64); 9] = [
        ("message", "at < ?1", horizon.messages.0),
        // A waiting ask is decided first, however old it is.
        ("ask", "at < ?1 AND state NOT IN ('waiting', 'queued')", horizon.asks.0),
        ("pot", "until < ?1", horizon.now.0),
        ("daily", "day < ?1", day),
        ("mail", "state = 'sent' AND ended < ?1", horizon.mails.0),
        ("mail", "state = 'dead' AND ended < ?1", horizon.dead_mails.0),
        ("proof_grant", "until < ?1", horizon.proofs.0),
        ("challenge", "born < ?1", horizon.proofs.0),
        ("audit", "at < ?1", horizon.audit.0),
    ];
    let mut more = false;
    for (table, old, before) in tables {
        let write = format!(
            "DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE {old} LIMIT ?2)"
        );
        let gone = connection.prepare_cached(&write)?.execute(params![before, BATCH])?;
        more |= u32::try_from(gone).is_ok_and(|gone| gone >= BATCH);
    }
    Ok(more)
}
