//! The outbox as people look at it, and the addresses that nothing is sent to because a relay said that they do not exist.
//! Invariant: a mail that ended waits again only on an operator's word.

use std::time::Duration;

use contract::address::Channel;

use super::tx::{Broken, Row, Tx, values};
use super::{mail, row};
use crate::clock::Millis;
use crate::secret::AddressKey;
use crate::store::{AskId, MailId, MailRow, MailState, Outbox, Store, StoreError};

/// How long a bounce is remembered.
pub(super) const BOUNCED: Duration = Duration::from_secs(7 * 24 * 3600);

/// The columns that `read` reads, in its order.
macro_rules! columns {
    () => {
        "id, kind, state, account, channel, address, at, attempts, next_at, ended, reply, \
         (SELECT COUNT(*) FROM mail_part WHERE mail_part.mail = mail.id)"
    };
}

impl Store {
    /// How many mails there are of each state, and how many ended since a moment.
    pub async fn outbox(&self, now: Millis, since: Millis) -> Result<Outbox, StoreError> {
        self.read(move |tx| outbox(tx, now, since)).await
    }

    /// Mails of one state or of all, the latest first, behind the given one.
    pub async fn list_mails(
        &self,
        state: Option<MailState>,
        after: Option<(Millis, MailId)>,
        most: u32,
    ) -> Result<Vec<MailRow>, StoreError> {
        self.read(move |tx| {
            let query = concat!(
                "SELECT ",
                columns!(),
                " FROM mail WHERE (?1 = '' OR state = ?1) AND (at, id) < (?2, ?3) ORDER BY at DESC, id DESC LIMIT ?4"
            );
            let state = state.map_or("", MailState::as_str);
            let (at, id) = after.unwrap_or((Millis(i64::MAX), [0xff; 16]));
            tx.all(query, values![state, at, &id, most], read)
        })
        .await
    }

    pub async fn show_mail(&self, id: MailId) -> Result<Option<MailRow>, StoreError> {
        self.read(move |tx| {
            let query = concat!("SELECT ", columns!(), " FROM mail WHERE id = ?1");
            tx.one(query, values![&id], read)
        })
        .await
    }

    /// Has a dead mail wait again, due `at`; false when it is not dead.
    pub async fn retry_mail(&self, id: MailId, at: Millis) -> Result<bool, StoreError> {
        self.write(move |tx| retry(tx, id, at)).await
    }

    /// The same for mails that died before `at`, at most so many; how many there were.
    pub async fn retry_dead(&self, at: Millis, most: u32) -> Result<u64, StoreError> {
        self.write(move |tx| {
            let query =
                "SELECT id FROM mail WHERE state = 'dead' AND ended < ?1 ORDER BY ended LIMIT ?2";
            let mut count = 0;
            for id in tx.all(query, values![at, most], |row| row.get::<MailId>(0))? {
                count += u64::from(retry(tx, id, at)?);
            }
            Ok(count)
        })
        .await
    }

    /// Ends a waiting mail as dead; false when it does not wait.
    pub async fn drop_mail(&self, id: MailId, at: Millis) -> Result<bool, StoreError> {
        self.write(move |tx| mail::dead(tx, id, at, "dropped")).await
    }

    /// Makes due again what a process that is gone had in hand for the first time; of a mail that was put off, nobody can
    /// tell whether it was in hand. Only at start; where others use the store, leases end by their time.
    pub async fn free_leased(&self, now: Millis) -> Result<u64, StoreError> {
        self.write(move |tx| {
            if tx.is_shared() {
                return Ok(0);
            }
            let write = "UPDATE mail SET next_at = ?1 \
                 WHERE state = 'waiting' AND next_at > ?1 AND attempts = 1 AND reply IS NULL";
            tx.run(write, values![now])
        })
        .await
    }

    /// Forgets that an address bounced; false when that was not known.
    pub async fn unsuppress(
        &self,
        address: AddressKey,
        channel: Channel,
    ) -> Result<bool, StoreError> {
        self.write(move |tx| {
            let write = "DELETE FROM suppressed_address WHERE address_key = ?1 AND channel = ?2";
            Ok(tx.run(write, values![&address.0, channel.as_str()])? > 0)
        })
        .await
    }

    /// Forgets all bounces; how many there were.
    pub async fn unsuppress_all(&self) -> Result<u64, StoreError> {
        self.write(|tx| tx.run("DELETE FROM suppressed_address", &[])).await
    }
}

/// Nothing is sent to this address any more, for a time.
pub(super) fn suppress(
    tx: &mut Tx<'_>,
    address: AddressKey,
    channel: &str,
    at: Millis,
) -> Result<(), Broken> {
    let write = "INSERT INTO suppressed_address (address_key, channel, reason, at) VALUES (?1, ?2, 'bounced', ?3) \
         ON CONFLICT (address_key, channel) DO UPDATE SET at = excluded.at";
    tx.run(write, values![&address.0, channel, at]).map(drop)
}

pub(super) fn is_suppressed(
    tx: &mut Tx<'_>,
    address: &[u8; 16],
    channel: &str,
    now: Millis,
) -> Result<bool, Broken> {
    let query = "SELECT EXISTS (SELECT 1 FROM suppressed_address WHERE address_key = ?1 AND channel = ?2 AND at > ?3)";
    tx.only(query, values![address, channel, now.minus(BOUNCED)])
}

fn retry(tx: &mut Tx<'_>, id: MailId, at: Millis) -> Result<bool, Broken> {
    let write = "UPDATE mail SET state = 'waiting', next_at = ?2, attempts = 0, ended = NULL \
         WHERE id = ?1 AND state = 'dead' RETURNING ask";
    let retried = tx.one(write, values![&id, at], |row| row.get::<Option<AskId>>(0))?;
    if let Some(Some(ask)) = retried {
        let write = "UPDATE ask SET state = 'queued', reason = NULL, ended = NULL WHERE id = ?1 AND state = 'dead'";
        tx.run(write, values![&ask])?;
    }
    Ok(retried.is_some())
}

fn outbox(tx: &mut Tx<'_>, now: Millis, since: Millis) -> Result<Outbox, Broken> {
    let mut outbox = Outbox::default();
    let query = "SELECT state, COUNT(*) FROM mail GROUP BY state";
    for (state, count) in
        tx.all(query, &[], |row| Ok((row.get::<String>(0)?, row.get::<u32>(1)?)))?
    {
        let state = MailState::parse(&state).ok_or(Broken::Row)?;
        *outbox.count(state) = count.into();
    }
    let due = "SELECT COUNT(*) FROM mail WHERE state = 'waiting' AND next_at <= ?1";
    outbox.due = tx.only::<u32>(due, values![now])?.into();
    let ended = "SELECT COUNT(*) FROM mail WHERE state IN ('sent', 'dead') AND ended > ?1";
    outbox.ended_since = tx.only::<u32>(ended, values![since])?.into();
    let suppressed = "SELECT COUNT(*) FROM suppressed_address WHERE at > ?1";
    outbox.suppressed = tx.only::<u32>(suppressed, values![now.minus(BOUNCED)])?.into();
    Ok(outbox)
}

fn read(row: &Row<'_>) -> Result<MailRow, Broken> {
    let channel = row::channel(&row.get::<String>(4)?)?;
    Ok(MailRow {
        id: row.get(0)?,
        kind: row.get(1)?,
        state: MailState::parse(&row.get::<String>(2)?).ok_or(Broken::Row)?,
        account: row.get(3)?,
        channel,
        // Told of, even if it cannot be sent to.
        to: row::address(channel, &row.get::<String>(5)?)
            .map_or_else(|_| "unreadable".to_owned(), |address| address.masked()),
        at: row.get(6)?,
        attempts: row.get(7)?,
        next: row.get(8)?,
        ended: row.get(9)?,
        reply: row.get(10)?,
        accounts: row.get::<u32>(11)?.max(1),
    })
}
