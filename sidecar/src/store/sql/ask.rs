//! Asks arriving, and taken by a worker: transactions that know nothing of accounts.

use contract::message::Operation;
use contract::name::Name;

use super::message::{Seen, seen, take_down};
use super::tx::{Broken, Row, Tx, values};
use super::{budget, pot, row};
use crate::clock::Millis;
use crate::secret::AddressKey;
use crate::store::{Ask, Asked, Kept, NewAsk, Store, StoreError, Suppression};

impl Store {
    /// Takes an ask down, unless its sender has to wait.
    pub async fn take_ask(&self, ask: NewAsk) -> Result<Asked, StoreError> {
        self.write(move |tx| take(tx, &ask)).await
    }

    /// Asks that wait for a worker and mails that wait for a relay, counted up to `most`.
    pub async fn backlog(&self, most: u32) -> Result<u32, StoreError> {
        let query = "SELECT COUNT(*) FROM (SELECT 1 FROM ask WHERE state = 'waiting' \
             UNION ALL SELECT 1 FROM mail WHERE state = 'waiting' LIMIT ?1) AS waiting";
        self.read(move |tx| tx.only(query, values![most])).await
    }

    /// Asks that wait, for one worker until `until`: of each sender the oldest first. What cannot be read ends here as
    /// stale, so that nobody waits behind it.
    pub async fn lease_asks(
        &self,
        now: Millis,
        until: Millis,
        most: u32,
    ) -> Result<Vec<Ask>, StoreError> {
        self.write(move |tx| lease(tx, now, until, most)).await
    }
}

fn take(tx: &mut Tx<'_>, ask: &NewAsk) -> Result<Asked, Broken> {
    match seen(tx, &ask.message)? {
        Seen::Forged => return Ok(Asked::Forged),
        Seen::Open(_) | Seen::Done(_) => return Ok(Asked::Taken),
        Seen::Never => {}
    }
    if let Some(last) = last_of_sender(tx, ask)? {
        return Ok(Asked::Throttled(ask.at.until(last.plus(ask.cool_down))));
    }
    if let Some(spent) = budget::take(tx, &ask.budgets, ask.at)? {
        return Ok(Asked::Spent(spent));
    }
    let pot = pot::for_ask(tx, ask)?;
    let merged = insert(tx, ask, pot)?;
    take_down(tx, &ask.message, ask.at, Operation::Initiate, None, Some(&Kept::Accepted))?;
    Ok(if merged { Asked::Merged } else { Asked::Taken })
}

/// The last ask of this sender for this address that is not yet a cool-down ago.
fn last_of_sender(tx: &mut Tx<'_>, ask: &NewAsk) -> Result<Option<Millis>, Broken> {
    let query = "SELECT MAX(at) FROM ask WHERE address_key = ?1 AND channel = ?2 AND at > ?3 AND sender = ?4";
    let since = ask.at.minus(ask.cool_down);
    let channel = ask.address.channel().as_str();
    tx.only(query, values![&ask.address_key.0, channel, since, &ask.sender.0])
}

/// One ask waits for an address at most; who comes meanwhile is merged into it. Whether this one was.
fn insert(tx: &mut Tx<'_>, ask: &NewAsk, pot: i64) -> Result<bool, Broken> {
    let query = "SELECT EXISTS (SELECT 1 FROM ask WHERE address_key = ?1 AND channel = ?2 AND state = 'waiting')";
    let channel = ask.address.channel().as_str();
    let merged: bool = tx.only(query, values![&ask.address_key.0, channel])?;
    let write = "INSERT INTO ask (id, at, channel, address, address_key, sender, place, place_owned, pot, dialect, \
         site, client, language, request, state, reason, ended) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";
    let state = if merged { "suppressed" } else { "waiting" };
    let values = values![
        &ask.message.id,
        ask.at,
        channel,
        ask.address.as_str(),
        &ask.address_key.0,
        &ask.sender.0,
        &ask.place.0,
        ask.place_owned,
        pot,
        ask.issuer.dialect,
        ask.issuer.site.as_str(),
        ask.issuer.client.as_ref().map(Name::as_str),
        ask.language.tag(),
        ask.request.as_str(),
        state,
        merged.then_some(Suppression::Merged.as_str()),
        merged.then_some(ask.at),
    ];
    tx.run(write, values).map(|_| merged)
}

/// Senders take turns: the first ask of each, then the second of each.
fn lease(tx: &mut Tx<'_>, now: Millis, until: Millis, most: u32) -> Result<Vec<Ask>, Broken> {
    let write = "UPDATE ask SET leased = ?2 WHERE state = 'waiting' AND id IN (SELECT id FROM ask WHERE id IN \
         (SELECT id FROM (SELECT id, at, ROW_NUMBER() OVER (PARTITION BY sender ORDER BY at) AS turn FROM ask \
         WHERE state = 'waiting' AND leased <= ?1) AS fair ORDER BY turn, at LIMIT ?3) /* skip locked */) \
         RETURNING id, at, channel, address, address_key, dialect, site, client, language, request";
    let found = tx.all(write, values![now, until, most], |row| match read(row) {
        Err(Broken::Row) => Ok(Err(row.get::<Vec<u8>>(0)?)),
        read => read.map(Ok),
    })?;
    let mut asks = Vec::new();
    for one in found {
        match one {
            Ok(ask) => asks.push(ask),
            Err(id) => give_up(tx, &id, now)?,
        }
    }
    asks.sort_by_key(|ask| ask.at);
    Ok(asks)
}

fn give_up(tx: &mut Tx<'_>, id: &[u8], now: Millis) -> Result<(), Broken> {
    tracing::error!(event = "rows_unreadable", table = "ask", count = 1);
    let write = "UPDATE ask SET state = 'stale', reason = 'unreadable', ended = ?2 WHERE id = ?1 AND state = 'waiting'";
    tx.run(write, values![id, now]).map(drop)
}

fn read(row: &Row<'_>) -> Result<Ask, Broken> {
    let channel = row::channel(&row.get::<String>(2)?)?;
    let (dialect, site): (String, String) = (row.get(5)?, row.get(6)?);
    Ok(Ask {
        id: row.get(0)?,
        at: row.get(1)?,
        address: row::address(channel, &row.get::<String>(3)?)?,
        address_key: AddressKey(row.get(4)?),
        issuer: row::issuer(&dialect, &site, row.get::<Option<String>>(7)?.as_deref())?,
        language: row::language(&row.get::<String>(8)?)?,
        request: row::name(&row.get::<String>(9)?)?,
    })
}
