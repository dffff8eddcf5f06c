//! Asks arriving: one transaction that knows nothing of accounts.

use contract::message::Operation;
use rusqlite::{Connection, Row, params};

use super::message::{Seen, keep, seen, take_down};
use super::{Broken, Sqlite, pot, row};
use crate::clock::Millis;
use crate::secret::AddressKey;
use crate::store::{Ask, Asked, Kept, NewAsk, StoreError, Suppression};

impl Sqlite {
    pub(in crate::store) async fn take_ask(&self, ask: NewAsk) -> Result<Asked, StoreError> {
        self.write(move |connection| take(connection, &ask)).await
    }

    pub(in crate::store) async fn waiting_asks(
        &self,
        now: Millis,
        most: u32,
    ) -> Result<Vec<Ask>, StoreError> {
        loop {
            let found = self.read(move |connection| waiting(connection, most)).await?;
            let Waiting { asks, unreadable } = found;
            if unreadable.is_empty() {
                return Ok(asks);
            }
            tracing::error!(event = "rows_unreadable", table = "ask", count = unreadable.len());
            self.write(move |connection| give_up(connection, &unreadable, now)).await?;
            if !asks.is_empty() {
                return Ok(asks);
            }
        }
    }
}

/// What waits; of what cannot be read, the number of its row.
#[derive(Default)]
struct Waiting {
    asks: Vec<Ask>,
    unreadable: Vec<i64>,
}

fn take(connection: &Connection, ask: &NewAsk) -> Result<Asked, Broken> {
    match seen(connection, &ask.message)? {
        Seen::Forged => return Ok(Asked::Forged),
        Seen::Open(_) | Seen::Done(_) => return Ok(Asked::Taken),
        Seen::Never => {}
    }
    if let Some(last) = last_of_sender(connection, ask)? {
        return Ok(Asked::Throttled(ask.at.until(last.plus(ask.cool_down))));
    }
    if is_full(connection, ask.backlog)? {
        return Ok(Asked::Full);
    }
    let pot = pot::for_ask(connection, ask)?;
    insert(connection, ask, pot)?;
    take_down(connection, &ask.message, ask.at, Operation::Initiate, None)?;
    keep(connection, ask.message.id, &Kept::Accepted)?;
    Ok(Asked::Taken)
}

/// The last ask of this sender for this address that is not yet a cool-down ago.
fn last_of_sender(connection: &Connection, ask: &NewAsk) -> Result<Option<Millis>, Broken> {
    let query = "SELECT MAX(at) FROM ask WHERE address_key = ?1 AND channel = ?2 AND at > ?3 AND sender = ?4";
    let since = ask.at.minus(ask.cool_down);
    let values = params![ask.address_key.0, ask.address.channel().as_str(), since.0, ask.sender.0];
    let last: Option<i64> =
        connection.prepare_cached(query)?.query_row(values, |row| row.get(0))?;
    Ok(last.map(Millis))
}

/// An ask waits for the worker first, and as a mail for the relay then.
fn is_full(connection: &Connection, backlog: u32) -> Result<bool, Broken> {
    let query = "SELECT COUNT(*) >= ?1 FROM (SELECT 1 FROM ask WHERE state = 'waiting' \
         UNION ALL SELECT 1 FROM mail WHERE state = 'waiting' LIMIT ?1)";
    Ok(connection.prepare_cached(query)?.query_row([backlog.max(1)], |row| row.get(0))?)
}

/// One ask waits for an address at most; who comes meanwhile is merged into it.
fn insert(connection: &Connection, ask: &NewAsk, pot: i64) -> Result<(), Broken> {
    let write = "INSERT INTO ask (id, at, channel, address, address_key, sender, place, place_owned, pot, dialect, \
         site, client, language, request, state, reason, ended) \
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, \
         CASE merged WHEN 0 THEN 'waiting' ELSE 'suppressed' END, CASE merged WHEN 1 THEN ?15 END, \
         CASE merged WHEN 1 THEN ?2 END \
         FROM (SELECT EXISTS (SELECT 1 FROM ask WHERE address_key = ?5 AND channel = ?3 AND state = 'waiting') AS merged)";
    connection.prepare_cached(write)?.execute(params![
        ask.message.id,
        ask.at.0,
        ask.address.channel().as_str(),
        ask.address.as_str(),
        ask.address_key.0,
        ask.sender.0,
        ask.place.0,
        ask.place_owned,
        pot,
        ask.issuer.dialect,
        ask.issuer.site.as_str(),
        ask.issuer.client.as_ref().map(contract::name::Name::as_str),
        ask.language.tag(),
        ask.request.as_str(),
        Suppression::Merged.as_str(),
    ])?;
    Ok(())
}

fn waiting(connection: &Connection, most: u32) -> Result<Waiting, Broken> {
    let query = "SELECT id, at, channel, address, address_key, dialect, site, client, language, request, rowid FROM ask \
         WHERE state = 'waiting' ORDER BY at LIMIT ?1";
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query([most])?;
    let mut waiting = Waiting::default();
    while let Some(row) = rows.next()? {
        match read(row) {
            Ok(ask) => waiting.asks.push(ask),
            Err(Broken::Row) => waiting.unreadable.push(row.get(10)?),
            Err(error) => return Err(error),
        }
    }
    Ok(waiting)
}

fn give_up(connection: &Connection, rows: &[i64], now: Millis) -> Result<(), Broken> {
    let write = "UPDATE ask SET state = 'stale', reason = 'unreadable', ended = ?2 WHERE rowid = ?1 AND state = 'waiting'";
    let mut statement = connection.prepare_cached(write)?;
    for row in rows {
        statement.execute(params![row, now.0])?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Ask, Broken> {
    let channel = row::channel(&row.get::<_, String>(2)?)?;
    let (dialect, site): (String, String) = (row.get(5)?, row.get(6)?);
    Ok(Ask {
        id: row.get(0)?,
        at: Millis(row.get(1)?),
        address: row::address(channel, &row.get::<_, String>(3)?)?,
        address_key: AddressKey(row.get(4)?),
        issuer: row::issuer(&dialect, &site, row.get::<_, Option<String>>(7)?.as_deref())?,
        language: row::language(&row.get::<_, String>(8)?)?,
        request: row::name(&row.get::<_, String>(9)?)?,
    })
}
