//! Asks arriving, and taken by a worker: transactions that know nothing of accounts.

use contract::name::Name;

use super::pot::{self, Newest};
use super::tx::{Broken, Row, Tx, Value, values};
use super::{budget, row};
use crate::clock::Millis;
use crate::secret::AddressKey;
use crate::store::{Ask, AskId, Asked, NewAsk, Store, StoreError, Suppression};

/// Rows of one statement that names several.
pub(super) const ROWS: usize = 64;

impl Store {
    /// Takes an ask down, unless its sender has to wait.
    pub async fn take_ask(&self, ask: NewAsk) -> Result<Asked, StoreError> {
        self.write(move |tx| take(tx, &ask)).await
    }

    /// What waits, each counted up to `most`.
    pub async fn backlog(&self, now: Millis, most: u32) -> Result<Backlog, StoreError> {
        let query = "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM ask WHERE state = 'waiting' LIMIT ?1) AS asks), \
             (SELECT COUNT(*) FROM (SELECT 1 FROM mail WHERE state = 'waiting' AND next_at <= ?2 LIMIT ?1) AS due), \
             (SELECT COUNT(*) FROM (SELECT 1 FROM mail WHERE state = 'waiting' LIMIT ?1) AS mails)";
        let found = self.read(move |tx| {
            tx.one(query, values![most, now], |row| {
                Ok(Backlog { asks: row.get(0)?, due: row.get(1)?, mails: row.get(2)? })
            })
        });
        found.await?.ok_or(StoreError::Row)
    }

    /// Asks that wait, for one worker until `until`, in their turn. What cannot be read ends here as stale, so that
    /// nobody waits behind it.
    pub async fn lease_asks(
        &self,
        now: Millis,
        until: Millis,
        most: u32,
    ) -> Result<Vec<Ask>, StoreError> {
        self.write(move |tx| lease(tx, now, until, most)).await
    }

    /// Ends asks that lead to no mail, each for its reason (stale without one); those that nobody else had ended.
    pub async fn end_asks(
        &self,
        ends: Vec<(AskId, Option<Suppression>)>,
        at: Millis,
    ) -> Result<Vec<AskId>, StoreError> {
        self.write(move |tx| end(tx, &ends, at)).await
    }
}

/// What waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// For a decision.
    pub asks: u32,
    /// Mails that are due. What was put off waits for its time, not for us.
    pub due: u32,
    /// All mails to be sent.
    pub mails: u32,
}

/// What is known before an ask is taken down, in one look.
struct Before {
    /// Of the message, or of the ask that it became.
    mac: Option<[u8; 32]>,
    last: Option<Millis>,
    merged: bool,
    daily: u32,
    pot: Option<Newest>,
    budgets: budget::Found,
}

fn take(tx: &mut Tx<'_>, ask: &NewAsk) -> Result<Asked, Broken> {
    let before = look(tx, ask)?;
    if let Some(known) = judged(ask, &before) {
        return Ok(known);
    }
    match budget::take_seen(tx, &ask.budgets, &before.budgets, ask.at)? {
        Err(spent) => Ok(Asked::Spent(spent)),
        Ok(drawn) => {
            let turn = drawn.iter().find(|(key, _)| Some(*key) == ask.turn_by);
            note(tx, ask, &before, turn.map(|(_, tat)| *tat))
        }
    }
}

fn judged(ask: &NewAsk, before: &Before) -> Option<Asked> {
    // Both MACs were found right by our own keys, so nobody learns anything from the time of this comparison.
    match before.mac {
        Some(mac) if mac == ask.message.mac => return Some(Asked::Taken),
        Some(_) => return Some(Asked::Forged),
        None => {}
    }
    let last = before.last?;
    Some(Asked::Throttled(ask.at.until(last.plus(ask.cool_down))))
}

fn look(tx: &mut Tx<'_>, ask: &NewAsk) -> Result<Before, Broken> {
    // One more column for each budget.
    let tats: String = (10..)
        .take(ask.budgets.len())
        .map(|place| format!(", (SELECT tat FROM budget WHERE key = ?{place})"))
        .collect();
    let query = format!(
        "SELECT COALESCE((SELECT mac FROM message WHERE id = ?1), (SELECT mac FROM ask WHERE id = ?1)), \
         (SELECT MAX(at) FROM ask WHERE address_key = ?2 AND channel = ?3 AND at > ?4 AND sender = ?5), \
         EXISTS (SELECT 1 FROM ask WHERE address_key = ?2 AND channel = ?3 AND state = 'waiting'), \
         (SELECT wrong FROM daily WHERE scope = ?6 AND day = ?7), newest.id, newest.born, newest.until, newest.wrong{tats} \
         FROM (SELECT 1 AS one) AS one LEFT JOIN (SELECT id, born, until, \
         CASE WHEN place = ?8 THEN own_wrong ELSE others_wrong END AS wrong FROM pot \
         WHERE scope = ?6 AND channel = ?3 AND until > ?9 ORDER BY born DESC, id DESC LIMIT 1) AS newest ON 1 = 1"
    );
    let mut values = values![
        &ask.message.id,
        &ask.address_key.0,
        ask.address.channel().as_str(),
        ask.at.minus(ask.cool_down),
        &ask.sender.0,
        &ask.scope,
        pot::day(ask.at),
        &ask.place.0,
        ask.at,
    ]
    .to_vec();
    values.extend(ask.budgets.iter().map(|take| Value::from(&take.key)));
    let before = tx.one(&query, &values, |row| {
        let pot = match row.get::<Option<i64>>(4)? {
            Some(id) => {
                Some(Newest { id, born: row.get(5)?, until: row.get(6)?, wrong: row.get(7)? })
            }
            None => None,
        };
        let mut budgets = Vec::new();
        for (place, take) in (8..).zip(&ask.budgets) {
            budgets.extend(row.get::<Option<i64>>(place)?.map(|tat| (take.key, tat)));
        }
        Ok(Before {
            budgets,
            mac: row.get(0)?,
            last: row.get(1)?,
            merged: row.get(2)?,
            daily: row.get::<Option<u32>>(3)?.unwrap_or(0),
            pot,
        })
    })?;
    before.ok_or(Broken::Row)
}

/// One ask waits for an address at most; who comes meanwhile is merged into it.
fn note(
    tx: &mut Tx<'_>,
    ask: &NewAsk,
    before: &Before,
    turn: Option<i64>,
) -> Result<Asked, Broken> {
    let pot = pot::for_ask(tx, ask, before.daily, before.pot)?;
    let write = "INSERT INTO ask (id, at, channel, address, address_key, sender, place, place_owned, pot, dialect, \
         site, client, language, request, state, reason, ended, turn, mac) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";
    let merged = before.merged;
    let state = if merged { "suppressed" } else { "waiting" };
    let values = values![
        &ask.message.id,
        ask.at,
        ask.address.channel().as_str(),
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
        turn.unwrap_or(ask.at.0),
        &ask.message.mac,
    ];
    tx.run(write, values)?;
    Ok(if merged { Asked::Merged } else { Asked::Taken })
}

fn lease(tx: &mut Tx<'_>, now: Millis, until: Millis, most: u32) -> Result<Vec<Ask>, Broken> {
    let write = "UPDATE ask SET leased = ?2 WHERE state = 'waiting' AND id IN (SELECT id FROM ask \
         WHERE state = 'waiting' AND leased <= ?1 ORDER BY turn LIMIT ?3 /* skip locked */) \
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

/// One statement for all of one reason.
fn end(
    tx: &mut Tx<'_>,
    ends: &[(AskId, Option<Suppression>)],
    at: Millis,
) -> Result<Vec<AskId>, Broken> {
    let mut reasons: Vec<Option<Suppression>> = ends.iter().map(|(_, reason)| *reason).collect();
    reasons.sort_unstable();
    reasons.dedup();
    let write = format!(
        "UPDATE ask SET state = ?1, reason = ?2, ended = ?3 WHERE state = 'waiting' AND id IN ({}) RETURNING id",
        places(4)
    );
    let mut ended = Vec::new();
    for reason in reasons {
        let ids: Vec<AskId> =
            ends.iter().filter(|(_, why)| *why == reason).map(|(id, _)| *id).collect();
        let state = if reason.is_some() { "suppressed" } else { "stale" };
        for ids in ids.chunks(ROWS) {
            let mut given = values![state, reason.map(Suppression::as_str), at].to_vec();
            given.extend(padded(ids).map(Value::from));
            ended.extend(tx.all(&write, &given, |row| row.get::<AskId>(0))?);
        }
    }
    Ok(ended)
}

/// `ROWS` places of a statement, from this one on.
pub(super) fn places(first: usize) -> String {
    let places: Vec<String> =
        (first..first.saturating_add(ROWS)).map(|place| format!("?{place}")).collect();
    places.join(", ")
}

/// As many as there are places: the last one fills what is left.
pub(super) fn padded<T>(rows: &[T]) -> impl Iterator<Item = &T> {
    rows.iter().chain(std::iter::repeat_n(rows.last(), ROWS).flatten()).take(ROWS)
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
