//! What is deleted, and what is told.

use contract::address::Channel;

use super::tx::{Broken, Row, Tx, values};
use super::{outbox, pot};
use crate::clock::Millis;
use crate::secret::AddressKey;
use crate::store::{Horizon, Store, StoreError, Story};

/// Rows deleted from one table at a time, so that nobody waits long for the writer.
const BATCH: u32 = 500;

/// Asks that are told of.
const TOLD: u32 = 50;

/// What is remembered of an address, and of the account that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// A relay said that the mailbox is not there.
    pub bounced: bool,
    /// Wrong codes of the day.
    pub wrong_codes: u32,
    /// When a link or code was sent to the account last on this channel.
    pub sent: Option<Millis>,
}

impl Store {
    /// Deletes one batch of what is too old; true when there may be more.
    pub async fn purge(&self, horizon: Horizon) -> Result<bool, StoreError> {
        self.write(move |tx| purge(tx, &horizon)).await
    }

    /// The asks of an address that are still known, the latest first.
    pub async fn stories(&self, address: AddressKey) -> Result<Vec<Story>, StoreError> {
        self.read(move |tx| {
            let query = "SELECT at, dialect, site, request, state, reason, ended, \
                 (SELECT COUNT(*) FROM mail WHERE mail.ask = ask.id), \
                 (SELECT MAX(attempts) FROM mail WHERE mail.ask = ask.id), \
                 (SELECT reply FROM mail WHERE mail.ask = ask.id AND reply IS NOT NULL ORDER BY attempts DESC LIMIT 1) \
                 FROM ask WHERE address_key = ?1 ORDER BY at DESC LIMIT ?2";
            tx.all(query, values![&address.0, TOLD], story)
        })
        .await
    }

    /// What keeps an account's asks from a message now, as far as it is written down.
    pub async fn record(
        &self,
        address: AddressKey,
        channel: Channel,
        account: String,
        at: Millis,
    ) -> Result<Record, StoreError> {
        self.read(move |tx| {
            let query = "SELECT MAX(last_send) FROM challenge WHERE account = ?1 AND channel = ?2";
            Ok(Record {
                bounced: outbox::is_suppressed(tx, &address.0, channel.as_str(), at)?,
                wrong_codes: pot::daily(tx, address.0, at)?,
                sent: tx.only(query, values![&account, channel.as_str()])?,
            })
        })
        .await
    }

    /// Whether the store answers. Writing is what matters, so writing is what is tried.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.run("UPDATE meta SET value = value WHERE name = 'schema'", &[]).map(drop)
        })
        .await
    }
}

fn story(row: &Row<'_>) -> Result<Story, Broken> {
    Ok(Story {
        at: row.get(0)?,
        dialect: row.get(1)?,
        site: row.get(2)?,
        request: row.get(3)?,
        state: row.get(4)?,
        reason: row.get(5)?,
        ended: row.get(6)?,
        mails: row.get(7)?,
        attempts: row.get::<Option<u32>>(8)?.unwrap_or(0),
        reply: row.get(9)?,
    })
}

/// A mail goes after its parts, so that nothing is left of it.
macro_rules! old_mail {
    ($state:literal) => {
        concat!(
            "state = '",
            $state,
            "' AND ended < ?1 AND NOT EXISTS (SELECT 1 FROM mail_part WHERE mail_part.mail = mail.id)"
        )
    };
}

macro_rules! old_part {
    ($state:literal) => {
        concat!("mail IN (SELECT id FROM mail WHERE state = '", $state, "' AND ended < ?1)")
    };
}

fn purge(tx: &mut Tx<'_>, horizon: &Horizon) -> Result<bool, Broken> {
    let day = Millis(pot::first_day(horizon.now));
    let tables: &[(&str, &str, &str, Millis)] = &[
        ("message", "id", "at < ?1", horizon.messages),
        // A waiting ask is decided first, however old it is.
        ("ask", "id", "at < ?1 AND state NOT IN ('waiting', 'queued')", horizon.asks),
        ("pot", "id", "until < ?1", horizon.now),
        ("daily", "scope, day", "day < ?1", day),
        // Whole again: as if it had never been drawn on.
        ("budget", "key", "tat <= ?1", horizon.now),
        ("mail_part", "mail, place", old_part!("sent"), horizon.mails),
        ("mail", "id", old_mail!("sent"), horizon.mails),
        ("mail_part", "mail, place", old_part!("dead"), horizon.dead_mails),
        ("mail", "id", old_mail!("dead"), horizon.dead_mails),
        ("event", "place", "state = 'told' AND ended < ?1", horizon.mails),
        ("event", "place", "state = 'dropped' AND ended < ?1", horizon.dead_mails),
        ("event", "place", "state = 'noted' AND at < ?1", horizon.dead_mails),
        (
            "suppressed_address",
            "address_key, channel",
            "at < ?1",
            horizon.now.minus(outbox::BOUNCED),
        ),
        ("proof_grant", "id", "until < ?1", horizon.proofs),
        // What is announced is settled first, however old it is.
        ("challenge", "id", "born < ?1 AND held_revision IS NULL", horizon.proofs),
        ("audit", "id", "at < ?1", horizon.audit),
    ];
    let mut more = false;
    for (table, key, old, before) in tables {
        let write = format!(
            "DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {old} LIMIT ?2)"
        );
        more |= tx.run(&write, values![*before, BATCH])? >= u64::from(BATCH);
    }
    Ok(more)
}
