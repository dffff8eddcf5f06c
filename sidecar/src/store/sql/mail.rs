//! The outbox: queued with what caused it, leased for one attempt, ended once.

use super::outbox;
use super::row::{self, challenge_columns};
use super::tx::{Broken, Row, Tx, values};
use crate::clock::Millis;
use crate::secret::{AddressKey, ChallengeId};
use crate::store::{
    AskId, Challenge, Leased, MailEnd, MailId, MailKind, NewMail, Store, StoreError, Suppression,
};

/// What `rekey why` shows of a mail whose row, or whose challenge's, holds what we never write.
const UNREADABLE: &str = "unreadable";

impl Store {
    /// Takes due mails for one delivery attempt; whose challenge's life begins with it. What cannot be read ends as dead.
    pub async fn lease_mails(
        &self,
        now: Millis,
        until: Millis,
        most: u32,
    ) -> Result<Vec<Leased>, StoreError> {
        self.write(move |tx| lease(tx, now, until, most)).await
    }

    /// What became of a delivery attempt.
    pub async fn end_mail(&self, mail: MailId, at: Millis, end: MailEnd) -> Result<(), StoreError> {
        self.write(move |tx| match &end {
            MailEnd::Sent => sent(tx, mail, at),
            MailEnd::Later { next, reply } => later(tx, mail, *next, reply),
            MailEnd::Dead { reply } => dead(tx, mail, at, reply).map(drop),
            MailEnd::Bounced { reply, address } => bounced(tx, mail, at, reply, *address),
        })
        .await
    }

    /// When the next mail is due.
    pub async fn next_mail(&self) -> Result<Option<Millis>, StoreError> {
        self.read(|tx| tx.only("SELECT MIN(next_at) FROM mail WHERE state = 'waiting'", &[])).await
    }
}

pub(super) fn queue(tx: &mut Tx<'_>, mail: &NewMail) -> Result<(), Broken> {
    let write = "INSERT INTO mail (id, kind, challenge, ask, account, channel, address, language, params, at, next_at, \
         state, site) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, 'waiting', ?11)";
    let values = values![
        &mail.id,
        mail.kind.as_str(),
        mail.challenge.as_ref().map(|challenge| &challenge.0),
        mail.ask.as_ref(),
        &mail.account,
        mail.address.channel().as_str(),
        mail.address.as_str(),
        mail.language.tag(),
        mail.agent.as_deref(),
        mail.at,
        mail.site.as_str(),
    ];
    tx.run(write, values).map(drop)
}

/// Notes whose challenges a mail to a shared mailbox carries.
pub(super) fn share(
    tx: &mut Tx<'_>,
    mail: MailId,
    challenges: &[ChallengeId],
) -> Result<(), Broken> {
    let write = "INSERT INTO mail_part (mail, place, challenge) VALUES (?1, ?2, ?3)";
    for (place, challenge) in (0_u32..).zip(challenges) {
        tx.run(write, values![&mail, place, &challenge.0])?;
    }
    Ok(())
}

/// A leased mail, as far as its own row tells.
struct Taken {
    mail: Leased,
    challenge: Option<[u8; 16]>,
}

/// A lease is a `next_at` in the future: whoever dies with it loses it.
fn lease(tx: &mut Tx<'_>, now: Millis, until: Millis, most: u32) -> Result<Vec<Leased>, Broken> {
    let write = "UPDATE mail SET next_at = ?2, attempts = attempts + 1 WHERE id IN \
         (SELECT id FROM mail WHERE state = 'waiting' AND next_at <= ?1 ORDER BY next_at LIMIT ?3 /* skip locked */) \
         RETURNING id, kind, challenge, account, channel, address, language, params, at, attempts, site, \
         EXISTS (SELECT 1 FROM mail_part WHERE mail_part.mail = mail.id)";
    let taken = tx.all(write, values![now, until, most], |row| match read(row, now) {
        Err(Broken::Row) => Ok(Err(row.get::<Vec<u8>>(0)?)),
        read => read.map(Ok),
    })?;
    let mut leased = Vec::new();
    for one in taken {
        match one.map(|taken| begun(tx, taken, now)) {
            Ok(Ok(mail)) => leased.push(mail),
            Ok(Err(Unbegun::Mail(id))) => give_up(tx, &id, now)?,
            Ok(Err(Unbegun::Broken(broken))) => return Err(broken),
            Err(id) => give_up(tx, &id, now)?,
        }
    }
    Ok(leased)
}

/// Why a mail's challenge did not begin to live.
enum Unbegun {
    /// Its row cannot be read; the id of the mail.
    Mail(MailId),
    Broken(Broken),
}

fn begun(tx: &mut Tx<'_>, taken: Taken, now: Millis) -> Result<Leased, Unbegun> {
    let Taken { mut mail, challenge } = taken;
    mail.challenges = match begin_all(tx, &mail, challenge, now) {
        Ok(challenges) => challenges,
        Err(Broken::Row) => return Err(Unbegun::Mail(mail.id)),
        Err(broken) => return Err(Unbegun::Broken(broken)),
    };
    Ok(mail)
}

/// Those that are still there.
fn begin_all(
    tx: &mut Tx<'_>,
    mail: &Leased,
    only: Option<[u8; 16]>,
    now: Millis,
) -> Result<Vec<Challenge>, Broken> {
    let ids = if mail.shared {
        let query = "SELECT challenge FROM mail_part WHERE mail = ?1 ORDER BY place";
        tx.all(query, values![&mail.id], |row| row.get(0))?
    } else {
        only.into_iter().collect()
    };
    let begun: Result<Vec<_>, _> = ids.into_iter().map(|id| begin(tx, id, now)).collect();
    Ok(begun?.into_iter().flatten().collect())
}

/// One that cannot be read keeps nobody waiting behind it.
fn give_up(tx: &mut Tx<'_>, id: &[u8], now: Millis) -> Result<(), Broken> {
    tracing::error!(event = "rows_unreadable", table = "mail", count = 1);
    let write =
        "UPDATE mail SET state = 'dead', ended = ?2, reply = ?3 WHERE id = ?1 RETURNING ask";
    let ask: Option<AskId> =
        tx.one(write, values![id, now, UNREADABLE], |row| row.get(0))?.flatten();
    end_ask(tx, ask, now, "dead", Some(UNREADABLE))
}

fn read(row: &Row<'_>, now: Millis) -> Result<Taken, Broken> {
    let channel = row::channel(&row.get::<String>(4)?)?;
    let mail = Leased {
        id: row.get(0)?,
        kind: MailKind::parse(&row.get::<String>(1)?).ok_or(Broken::Row)?,
        site: row.get::<Option<String>>(10)?.as_deref().map(row::name).transpose()?,
        challenges: Vec::new(),
        shared: row.get(11)?,
        account: row.get(3)?,
        address: row::address(channel, &row.get::<String>(5)?)?,
        language: row::language(&row.get::<String>(6)?)?,
        agent: row.get(7)?,
        at: row.get(8)?,
        leased: now,
        attempts: row.get(9)?,
    };
    Ok(Taken { mail, challenge: row.get(2)? })
}

/// A challenge lives from the first attempt to deliver it; until a relay took it, each attempt begins its life anew.
fn begin(tx: &mut Tx<'_>, id: [u8; 16], now: Millis) -> Result<Option<Challenge>, Broken> {
    live_from(tx, id, now)?;
    let query = concat!("SELECT ", challenge_columns!(), " FROM challenge WHERE id = ?1");
    tx.one(query, values![&id], row::challenge)
}

fn live_from(tx: &mut Tx<'_>, id: [u8; 16], now: Millis) -> Result<(), Broken> {
    let write = "UPDATE challenge SET link_until = ?2 + link_life, code_until = ?2 + code_life \
         WHERE id = ?1 AND relayed IS NULL AND state IN ('live', 'held')";
    tx.run(write, values![&id, now]).map(drop)
}

fn sent(tx: &mut Tx<'_>, mail: MailId, at: Millis) -> Result<(), Broken> {
    let write = "UPDATE mail SET state = 'sent', ended = ?2, reply = NULL WHERE id = ?1 AND state = 'waiting' \
         RETURNING ask, challenge";
    let ended = tx.one(write, values![&mail, at], |row| {
        Ok((row.get::<Option<AskId>>(0)?, row.get::<Option<[u8; 16]>>(1)?))
    })?;
    let Some((ask, challenge)) = ended else {
        return Ok(());
    };
    end_ask(tx, ask, at, "sent", None)?;
    if challenge.is_some() {
        let write = "UPDATE challenge SET link_until = ?2 + link_life, code_until = ?2 + code_life, relayed = ?2 \
             WHERE relayed IS NULL AND id IN (SELECT challenge FROM mail WHERE id = ?1 \
             UNION SELECT challenge FROM mail_part WHERE mail = ?1)";
        tx.run(write, values![&mail, at])?;
    }
    Ok(())
}

fn later(tx: &mut Tx<'_>, mail: MailId, next: Millis, reply: &str) -> Result<(), Broken> {
    let write = "UPDATE mail SET next_at = ?2, reply = ?3 WHERE id = ?1 AND state = 'waiting'";
    tx.run(write, values![&mail, next, reply]).map(drop)
}

/// False when it did not wait.
pub(super) fn dead(tx: &mut Tx<'_>, mail: MailId, at: Millis, reply: &str) -> Result<bool, Broken> {
    let ended = die(tx, mail, at, reply)?;
    if let Some((ask, _)) = &ended {
        end_ask(tx, *ask, at, "dead", Some(reply))?;
    }
    Ok(ended.is_some())
}

/// The address dies with the mail, for a time. What is not waiting any more bounced nowhere.
fn bounced(
    tx: &mut Tx<'_>,
    mail: MailId,
    at: Millis,
    reply: &str,
    address: AddressKey,
) -> Result<(), Broken> {
    if let Some((ask, channel)) = die(tx, mail, at, reply)? {
        end_ask(tx, ask, at, "dead", Some(Suppression::Bounced.as_str()))?;
        outbox::suppress(tx, address, &channel, at)?;
    }
    Ok(())
}

fn die(
    tx: &mut Tx<'_>,
    mail: MailId,
    at: Millis,
    reply: &str,
) -> Result<Option<(Option<AskId>, String)>, Broken> {
    let write = "UPDATE mail SET state = 'dead', ended = ?2, reply = ?3 WHERE id = ?1 AND state = 'waiting' \
         RETURNING ask, channel";
    tx.one(write, values![&mail, at, reply], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// An ask that led to several mails ends with the first; one that was sent counts more than one that is dead.
fn end_ask(
    tx: &mut Tx<'_>,
    ask: Option<AskId>,
    at: Millis,
    state: &str,
    reason: Option<&str>,
) -> Result<(), Broken> {
    let Some(ask) = ask else {
        return Ok(());
    };
    let write = "UPDATE ask SET state = ?2, reason = ?3, ended = ?4 WHERE id = ?1 \
         AND (state = 'queued' OR (state = 'dead' AND ?2 = 'sent'))";
    tx.run(write, values![&ask, state, reason, at]).map(drop)
}
