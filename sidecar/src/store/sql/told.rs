//! Events as people look at them. Invariant: one that ended waits again only on an operator's word.

use super::event;
use super::tx::{Broken, Row, values};
use crate::clock::Millis;
use crate::store::{EventId, EventRow, EventState, Store, StoreError};

/// The columns that `read` reads, in its order.
macro_rules! columns {
    () => {
        "place, id, kind, target, account, params, state, at, attempts, next_at, ended, reply"
    };
}

impl Store {
    /// How many events there are of each state.
    pub async fn count_events(&self) -> Result<Vec<(EventState, u32)>, StoreError> {
        self.read(|tx| {
            let query =
                "SELECT state, COUNT(*) FROM event WHERE state <> 'noted' GROUP BY state ORDER BY state";
            tx.all(query, &[], |row| {
                let state = EventState::parse(&row.get::<String>(0)?).ok_or(Broken::Row)?;
                Ok((state, row.get(1)?))
            })
        })
        .await
    }

    /// Events of one state or of all, the latest first, before the given place.
    pub async fn list_events(
        &self,
        state: Option<EventState>,
        before: Option<i64>,
        most: u32,
    ) -> Result<Vec<EventRow>, StoreError> {
        self.read(move |tx| {
            let query = concat!(
                "SELECT ",
                columns!(),
                " FROM event WHERE state <> 'noted' AND (?1 = '' OR state = ?1) AND place < ?2 ORDER BY place DESC LIMIT ?3"
            );
            let state = state.map_or("", EventState::as_str);
            tx.all(query, values![state, before.unwrap_or(i64::MAX), most], read)
        })
        .await
    }

    pub async fn show_event(&self, id: EventId) -> Result<Option<EventRow>, StoreError> {
        self.read(move |tx| {
            let query =
                concat!("SELECT ", columns!(), " FROM event WHERE id = ?1 AND state <> 'noted'");
            tx.one(query, values![&id], read)
        })
        .await
    }

    /// Has an event due now: one that waits at once, one that was dropped again. False when it was told.
    pub async fn retry_event(&self, id: EventId, at: Millis) -> Result<bool, StoreError> {
        self.write(move |tx| {
            let write = "UPDATE event SET state = 'waiting', next_at = ?2, attempts = 0, ended = NULL \
                 WHERE id = ?1 AND state IN ('waiting', 'dropped')";
            Ok(tx.run(write, values![&id, at])? > 0)
        })
        .await
    }

    /// The same for all that wait; how many there were.
    pub async fn retry_events(&self, at: Millis) -> Result<u64, StoreError> {
        self.write(move |tx| {
            let write = "UPDATE event SET next_at = ?1 WHERE state = 'waiting' AND next_at > ?1";
            tx.run(write, values![at])
        })
        .await
    }

    /// Ends a waiting event untold; false when it does not wait.
    pub async fn drop_event(&self, id: EventId, at: Millis) -> Result<bool, StoreError> {
        self.write(move |tx| event::finish(tx, id, at, "dropped", Some("dropped"))).await
    }
}

fn read(row: &Row<'_>) -> Result<EventRow, Broken> {
    Ok(EventRow {
        place: row.get(0)?,
        id: row.get(1)?,
        kind: row.get(2)?,
        target: row.get(3)?,
        account: row.get(4)?,
        words: row.get(5)?,
        state: EventState::parse(&row.get::<String>(6)?).ok_or(Broken::Row)?,
        at: row.get(7)?,
        attempts: row.get(8)?,
        next: row.get(9)?,
        ended: row.get(10)?,
        reply: row.get(11)?,
    })
}
