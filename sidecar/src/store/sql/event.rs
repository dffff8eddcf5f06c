//! Events: queued with what caused them, leased for one attempt, the first of an account before its next.
//! Invariant: of what one receiver is to hear of one account, one event at most is under way, and it is the oldest.

use contract::address::Address;

use super::row;
use super::tx::{Broken, Row, Tx, values};
use crate::clock::Millis;
use crate::store::{
    EventEnd, EventId, EventKind, LeasedEvent, NewEvent, Receiver, Store, StoreError, UsedUp,
};

/// The oldest that waits, of its receiver and account.
macro_rules! first {
    ($receiver:literal) => {
        concat!(
            "one.state = 'waiting' AND one.target = ",
            $receiver,
            " AND NOT EXISTS (SELECT 1 FROM event AS other WHERE other.target = one.target AND other.account = one.account \
             AND other.state = 'waiting' AND other.place < one.place)"
        )
    };
}
impl Store {
    /// Takes due events of one receiver for one attempt.
    pub async fn lease_events(
        &self,
        receiver: Receiver,
        now: Millis,
        until: Millis,
        most: u32,
    ) -> Result<Vec<LeasedEvent>, StoreError> {
        self.write(move |tx| lease(tx, receiver, now, until, most)).await
    }

    /// What became of the attempt of this number.
    pub async fn end_event(
        &self,
        id: EventId,
        attempt: u32,
        at: Millis,
        end: EventEnd,
    ) -> Result<(), StoreError> {
        self.write(move |tx| match &end {
            EventEnd::Told => finish(tx, id, at, "told", None).map(drop),
            EventEnd::Expired { reply } => finish(tx, id, at, "dropped", Some(reply)).map(drop),
            EventEnd::Later { next, reply } => {
                // Another worker may have taken it up since.
                let write = "UPDATE event SET next_at = ?3, reply = ?4 \
                     WHERE id = ?1 AND attempts = ?2 AND state = 'waiting'";
                tx.run(write, values![&id, attempt, *next, reply]).map(drop)
            }
        })
        .await
    }

    /// When the next event of a receiver is due that waits for no other.
    pub async fn next_event(&self, receiver: Receiver) -> Result<Option<Millis>, StoreError> {
        self.read(move |tx| {
            let query = concat!("SELECT MIN(next_at) FROM event AS one WHERE ", first!("?1"));
            tx.only(query, values![receiver.as_str()])
        })
        .await
    }

    /// Events that wait.
    pub async fn waiting_events(&self) -> Result<u32, StoreError> {
        self.read(|tx| tx.only("SELECT COUNT(*) FROM event WHERE state = 'waiting'", &[])).await
    }

    /// Queues events that nothing else is written with.
    pub async fn queue_events(&self, events: Vec<NewEvent>) -> Result<(), StoreError> {
        self.write(move |tx| events.iter().try_for_each(|event| queue(tx, event))).await
    }

    /// Days' wrong codes that were used up, and of whom nobody has said so yet.
    pub async fn used_up(&self, most: u32) -> Result<Vec<UsedUp>, StoreError> {
        self.read(move |tx| used_up(tx, most)).await
    }

    /// Says so, once.
    pub async fn tell_used_up(
        &self,
        noted: EventId,
        events: Vec<NewEvent>,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            let delete = "DELETE FROM event WHERE id = ?1 AND state = 'noted'";
            match tx.run(delete, values![&noted])? {
                0 => Ok(()),
                _ => events.iter().try_for_each(|event| queue(tx, event)),
            }
        })
        .await
    }
}

/// What is queued already is not queued twice.
pub(super) fn queue(tx: &mut Tx<'_>, event: &NewEvent) -> Result<(), Broken> {
    let NewEvent { id, kind, account, words, at } = event;
    insert(tx, *id, *kind, account, words, *at, "waiting")
}

/// A day's wrong codes were used up. Whether anybody has an account there, is looked up by a worker, later: here nothing
/// may depend on it.
pub(super) fn note_used_up(
    tx: &mut Tx<'_>,
    id: EventId,
    pots: &[(i64, bool)],
    at: Millis,
) -> Result<(), Broken> {
    let pots: Vec<String> = pots.iter().map(|(id, _)| id.to_string()).collect();
    insert(tx, id, EventKind::Frozen, "", &pots.join(" "), at, "noted")
}

fn insert(
    tx: &mut Tx<'_>,
    id: EventId,
    kind: EventKind,
    account: &str,
    words: &str,
    at: Millis,
    state: &str,
) -> Result<(), Broken> {
    let write = "INSERT INTO event (id, target, kind, account, params, at, next_at, state) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7) ON CONFLICT (id) DO NOTHING";
    let receiver = kind.receiver().as_str();
    let values = values![&id, receiver, kind.as_str(), account, words, at, state];
    tx.run(write, values).map(drop)
}

fn lease(
    tx: &mut Tx<'_>,
    receiver: Receiver,
    now: Millis,
    until: Millis,
    most: u32,
) -> Result<Vec<LeasedEvent>, Broken> {
    let write = concat!(
        "UPDATE event SET next_at = ?2, attempts = attempts + 1 WHERE place IN \
         (SELECT place FROM event AS one WHERE next_at <= ?1 AND ",
        first!("?4"),
        " ORDER BY next_at, place LIMIT ?3 /* skip locked */) RETURNING id, kind, account, params, at, attempts"
    );
    let leased =
        tx.all(write, values![now, until, most, receiver.as_str()], |row| match read(row) {
            // Of a newer program, it may be: that one will tell it. Others do not wait for it.
            Err(Broken::Row) => {
                tracing::error!(event = "rows_unreadable", table = "event", count = 1);
                Ok(None)
            }
            read => read.map(Some),
        })?;
    Ok(leased.into_iter().flatten().collect())
}

fn read(row: &Row<'_>) -> Result<LeasedEvent, Broken> {
    Ok(LeasedEvent {
        id: row.get(0)?,
        kind: EventKind::parse(&row.get::<String>(1)?).ok_or(Broken::Row)?,
        account: row.get(2)?,
        words: row.get(3)?,
        at: row.get(4)?,
        attempts: row.get(5)?,
    })
}

/// False when it did not wait.
pub(super) fn finish(
    tx: &mut Tx<'_>,
    id: EventId,
    at: Millis,
    state: &str,
    reply: Option<&str>,
) -> Result<bool, Broken> {
    let write =
        "UPDATE event SET state = ?2, ended = ?3, reply = ?4 WHERE id = ?1 AND state = 'waiting'";
    Ok(tx.run(write, values![&id, state, at, reply])? > 0)
}

/// `None` where nobody can be read of it.
fn owner(row: &Row<'_>) -> Result<Option<(String, Address)>, Broken> {
    let (account, channel) = (row.get::<String>(0)?, row.get::<String>(1)?);
    let text: String = row.get(2)?;
    let address = row::channel(&channel).and_then(|channel| row::address(channel, &text));
    Ok(address.ok().map(|address| (account, address)))
}

fn used_up(tx: &mut Tx<'_>, most: u32) -> Result<Vec<UsedUp>, Broken> {
    let query = "SELECT id, params, at FROM event WHERE state = 'noted' ORDER BY place LIMIT ?1";
    let noted = tx.all(query, values![most], |row| {
        Ok((row.get::<EventId>(0)?, row.get::<String>(1)?, row.get::<Millis>(2)?))
    })?;
    let mut found = Vec::new();
    for (id, pots, at) in noted {
        let mut accounts = Vec::new();
        for pot in pots.split_whitespace().filter_map(|pot| pot.parse::<i64>().ok()) {
            let query = "SELECT DISTINCT account, channel, address FROM challenge WHERE pot = ?1 ORDER BY account";
            accounts.extend(tx.all(query, values![pot], owner)?.into_iter().flatten());
        }
        accounts.sort_by(|(one, _), (other, _)| one.cmp(other));
        accounts.dedup_by(|(one, _), (other, _)| one == other);
        found.push(UsedUp { id, at, accounts });
    }
    Ok(found)
}
