//! Passwords that are written in another system, from their announcement to their end.
//! Invariant: what is announced is ended by nobody but its own confirm and whoever leased it, and of an account one is
//! announced at a time.

use super::confirm::held_by_nobody;
use super::history;
use super::row::{self, challenge_columns};
use super::tx::{Broken, Row, Tx, values};
use crate::clock::Millis;
use crate::secret::ChallengeId;
use crate::store::{Announce, Announced, Store, StoreError, Unsettled};

/// Columns of a challenge, before those that were announced.
const OWN: usize = 16;

impl Store {
    /// Tells what is about to be written. From now on the challenge is free only when it is known what became of it.
    pub async fn announce(&self, announce: Announce) -> Result<Announced, StoreError> {
        self.write(move |tx| tell(tx, &announce)).await
    }

    /// Takes what is left for one attempt to settle it, in the name of `lease`, which takes the place of the run that
    /// announced. What cannot be read is left, and told in the log.
    pub async fn lease_announced(
        &self,
        lease: [u8; 16],
        now: Millis,
        until: Millis,
        most: u32,
    ) -> Result<Vec<Unsettled>, StoreError> {
        self.write(move |tx| take(tx, lease, now, until, most)).await
    }

    /// Nothing was written: the challenge lives on. False when it is not ours to settle any more.
    pub async fn take_back(
        &self,
        challenge: ChallengeId,
        lease: [u8; 16],
    ) -> Result<bool, StoreError> {
        self.write(move |tx| {
            let write = concat!(
                "UPDATE challenge SET state = CASE state WHEN 'held' THEN 'live' ELSE state END, ",
                held_by_nobody!(),
                " WHERE id = ?1 AND held_run = ?2 AND held_revision IS NOT NULL"
            );
            Ok(tx.run(write, values![&challenge.0, &lease])? > 0)
        })
        .await
    }

    /// What still is ours to settle is left alone until another moment.
    pub async fn put_off_announced(
        &self,
        challenge: ChallengeId,
        lease: [u8; 16],
        next: Millis,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            let write = "UPDATE challenge SET held_until = ?3 WHERE id = ?1 AND held_run = ?2 AND held_revision IS NOT NULL";
            tx.run(write, values![&challenge.0, &lease, next]).map(drop)
        })
        .await
    }

    /// How many are announced and have no end yet.
    pub async fn announced(&self) -> Result<u32, StoreError> {
        self.read(|tx| {
            tx.only("SELECT COUNT(*) FROM challenge WHERE held_revision IS NOT NULL", &[])
        })
        .await
    }
}

fn tell(tx: &mut Tx<'_>, announce: &Announce) -> Result<Announced, Broken> {
    tx.alone(&announce.account)?;
    let query = "SELECT 1 FROM challenge WHERE account = ?1 AND held_revision IS NOT NULL";
    if tx.one(query, values![&announce.account], |row| row.get::<i64>(0))?.is_some() {
        return Ok(Announced::Busy);
    }
    let write = "UPDATE challenge SET held_revision = ?4, held_digest = ?5, held_words = ?6, held_until = ?7 \
         WHERE id = ?1 AND state = 'held' AND held_by = ?2 AND held_run = ?3";
    let values = values![
        &announce.challenge.0,
        &announce.message,
        &announce.run,
        announce.revision.as_slice(),
        &announce.digest,
        &announce.words,
        announce.until,
    ];
    if tx.run(write, values)? == 0 {
        return Ok(Announced::Busy);
    }
    history::announce(tx, &announce.account, &announce.former, announce.at)?;
    Ok(Announced::Done)
}

/// A lease is an end in the future: whoever dies with it loses it.
fn take(
    tx: &mut Tx<'_>,
    lease: [u8; 16],
    now: Millis,
    until: Millis,
    most: u32,
) -> Result<Vec<Unsettled>, Broken> {
    let write = concat!(
        "UPDATE challenge SET held_until = ?2, held_run = ?4 WHERE id IN (SELECT id FROM challenge \
         WHERE held_revision IS NOT NULL AND held_until <= ?1 ORDER BY held_until LIMIT ?3 /* skip locked */) RETURNING ",
        challenge_columns!(),
        ", held_by, held_revision, held_digest, held_words, held_run"
    );
    let rows = tx.all(write, values![now, until, most, &lease], |row| match read(row) {
        Err(Broken::Row) => Ok(None),
        read => read.map(Some),
    })?;
    let unreadable = rows.iter().filter(|row| row.is_none()).count();
    if unreadable > 0 {
        tracing::error!(event = "rows_unreadable", table = "challenge", count = unreadable);
    }
    Ok(rows.into_iter().flatten().collect())
}

fn read(row: &Row<'_>) -> Result<Unsettled, Broken> {
    Ok(Unsettled {
        challenge: row::challenge(row)?,
        message: row.get(OWN)?,
        revision: row.get(OWN + 1)?,
        digest: row.get(OWN + 2)?,
        words: row.get(OWN + 3)?,
        lease: row.get(OWN + 4)?,
    })
}
