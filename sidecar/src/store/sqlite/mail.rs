//! The outbox: queued with what caused it, leased for one attempt, ended once.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Broken, Sqlite, row};
use crate::clock::Millis;
use crate::store::{Leased, MailEnd, MailId, MailKind, NewMail, StoreError};

/// What `rekey why` shows of a mail whose row, or whose challenge's, holds what we never write.
const UNREADABLE: &str = "unreadable";

impl Sqlite {
    pub(in crate::store) async fn lease_mails(
        &self,
        now: Millis,
        until: Millis,
        most: u32,
    ) -> Result<Vec<Leased>, StoreError> {
        self.write(move |connection| lease(connection, now, until, most)).await
    }

    pub(in crate::store) async fn end_mail(
        &self,
        mail: MailId,
        at: Millis,
        end: MailEnd,
    ) -> Result<(), StoreError> {
        self.write(move |connection| match &end {
            MailEnd::Sent => sent(connection, mail, at),
            MailEnd::Later { next, reply } => later(connection, mail, *next, reply),
            MailEnd::Dead { reply } => dead(connection, mail, at, reply),
        })
        .await
    }

    pub(in crate::store) async fn next_mail(&self) -> Result<Option<Millis>, StoreError> {
        self.read(|connection| {
            let query = "SELECT MIN(next_at) FROM mail WHERE state = 'waiting'";
            let next: Option<i64> =
                connection.prepare_cached(query)?.query_row([], |row| row.get(0))?;
            Ok(next.map(Millis))
        })
        .await
    }
}

pub(super) fn queue(connection: &Connection, mail: &NewMail) -> Result<(), Broken> {
    let write = "INSERT INTO mail (id, kind, challenge, ask, account, channel, address, language, params, at, next_at, \
         state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, 'waiting')";
    connection.prepare_cached(write)?.execute(params![
        mail.id,
        mail.kind.as_str(),
        mail.challenge.map(|challenge| challenge.0),
        mail.ask,
        mail.account,
        mail.address.channel().as_str(),
        mail.address.as_str(),
        mail.language.tag(),
        mail.agent,
        mail.at.0,
    ])?;
    Ok(())
}

/// A lease is a `next_at` in the future: whoever dies with it loses it.
fn lease(
    connection: &Connection,
    now: Millis,
    until: Millis,
    most: u32,
) -> Result<Vec<Leased>, Broken> {
    let write = "UPDATE mail SET next_at = ?2, attempts = attempts + 1 WHERE id IN \
         (SELECT id FROM mail WHERE state = 'waiting' AND next_at <= ?1 ORDER BY next_at LIMIT ?3) \
         RETURNING id, kind, challenge, account, channel, address, language, params, at, attempts, rowid";
    let mut statement = connection.prepare_cached(write)?;
    let mut rows = statement.query(params![now.0, until.0, most])?;
    let (mut leased, mut unreadable) = (Vec::new(), Vec::<i64>::new());
    while let Some(row) = rows.next()? {
        match read(connection, row, now) {
            Ok(mail) => leased.push(mail),
            Err(Broken::Row) => unreadable.push(row.get(10)?),
            Err(error) => return Err(error),
        }
    }
    for row in unreadable {
        tracing::error!(event = "rows_unreadable", table = "mail", count = 1);
        give_up(connection, row, now)?;
    }
    Ok(leased)
}

/// One that cannot be read keeps nobody waiting behind it.
fn give_up(connection: &Connection, row: i64, now: Millis) -> Result<(), Broken> {
    let write =
        "UPDATE mail SET state = 'dead', ended = ?2, reply = ?3 WHERE rowid = ?1 RETURNING ask";
    let ask = connection
        .prepare_cached(write)?
        .query_row(params![row, now.0, UNREADABLE], |row| row.get(0))
        .optional()?;
    end_ask(connection, ask.flatten(), now, "dead", Some(UNREADABLE))
}

fn read(connection: &Connection, row: &Row<'_>, now: Millis) -> Result<Leased, Broken> {
    let challenge: Option<[u8; 16]> = row.get(2)?;
    let channel = row::channel(&row.get::<_, String>(4)?)?;
    Ok(Leased {
        id: row.get(0)?,
        kind: MailKind::parse(&row.get::<_, String>(1)?).ok_or(Broken::Row)?,
        challenge: challenge.map(|id| begin(connection, id, now)).transpose()?.flatten(),
        account: row.get(3)?,
        address: row::address(channel, &row.get::<_, String>(5)?)?,
        language: row::language(&row.get::<_, String>(6)?)?,
        agent: row.get(7)?,
        at: Millis(row.get(8)?),
        leased: now,
        attempts: row.get(9)?,
    })
}

/// A challenge lives from the first attempt to deliver it; until a relay took it, each attempt begins its life anew.
fn begin(
    connection: &Connection,
    id: [u8; 16],
    now: Millis,
) -> Result<Option<crate::store::Challenge>, Broken> {
    live_from(connection, id, now)?;
    let query = format!("SELECT {} FROM challenge WHERE id = ?1", row::CHALLENGE);
    let mut statement = connection.prepare_cached(&query)?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(row::challenge).transpose()
}

fn live_from(connection: &Connection, id: [u8; 16], now: Millis) -> Result<(), Broken> {
    let write = "UPDATE challenge SET link_until = ?2 + link_life, code_until = ?2 + code_life \
         WHERE id = ?1 AND relayed IS NULL AND state IN ('live', 'held')";
    connection.prepare_cached(write)?.execute(params![id, now.0])?;
    Ok(())
}

fn sent(connection: &Connection, mail: MailId, at: Millis) -> Result<(), Broken> {
    let write = "UPDATE mail SET state = 'sent', ended = ?2, reply = NULL WHERE id = ?1 AND state = 'waiting' \
         RETURNING ask, challenge";
    let mut statement = connection.prepare_cached(write)?;
    let ended = statement
        .query_row(params![mail, at.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((ask, challenge)) = ended else {
        return Ok(());
    };
    end_ask(connection, ask, at, "sent", None)?;
    let challenge: Option<[u8; 16]> = challenge;
    if let Some(challenge) = challenge {
        live_from(connection, challenge, at)?;
        let write = "UPDATE challenge SET relayed = ?2 WHERE id = ?1 AND relayed IS NULL";
        connection.prepare_cached(write)?.execute(params![challenge, at.0])?;
    }
    Ok(())
}

fn later(connection: &Connection, mail: MailId, next: Millis, reply: &str) -> Result<(), Broken> {
    let write = "UPDATE mail SET next_at = ?2, reply = ?3 WHERE id = ?1 AND state = 'waiting'";
    connection.prepare_cached(write)?.execute(params![mail, next.0, reply])?;
    Ok(())
}

fn dead(connection: &Connection, mail: MailId, at: Millis, reply: &str) -> Result<(), Broken> {
    let write = "UPDATE mail SET state = 'dead', ended = ?2, reply = ?3 WHERE id = ?1 AND state = 'waiting' RETURNING ask";
    let mut statement = connection.prepare_cached(write)?;
    let ended = statement.query_row(params![mail, at.0, reply], |row| row.get(0)).optional()?;
    end_ask(connection, ended.flatten(), at, "dead", Some(reply))
}

fn end_ask(
    connection: &Connection,
    ask: Option<[u8; 16]>,
    at: Millis,
    state: &str,
    reason: Option<&str>,
) -> Result<(), Broken> {
    let write =
        "UPDATE ask SET state = ?2, reason = ?3, ended = ?4 WHERE id = ?1 AND state = 'queued'";
    connection.prepare_cached(write)?.execute(params![ask, state, reason, at.0])?;
    Ok(())
}
