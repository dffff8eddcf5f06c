//! Verify's and confirm's first step: the message is taken down and its guess counted, in one statement each, before
//! anybody compares anything. Invariant: the same statements run whether or not an address is known.

use rusqlite::{Connection, params};

use super::message::{Seen, seen, take_down};
use super::pot::{self, Count, Tally};
use super::{Broken, Sqlite, row};
use crate::clock::Millis;
use crate::store::{Attempt, Challenge, Guess, Opened, StoreError};

/// Living codes of one pot that a guess is compared with.
const MOST: u32 = 8;

impl Sqlite {
    pub(in crate::store) async fn open_attempt(
        &self,
        attempt: Attempt,
    ) -> Result<Opened, StoreError> {
        self.write(move |connection| open(connection, &attempt)).await
    }
}

fn open(connection: &Connection, attempt: &Attempt) -> Result<Opened, Broken> {
    match seen(connection, &attempt.message)? {
        Seen::Forged => Ok(Opened::Forged),
        Seen::Done(kept) => Ok(Opened::Repeat(kept)),
        Seen::Open(tally) => resume(connection, attempt, tally.as_deref()).map(Opened::Fresh),
        Seen::Never => begin(connection, attempt).map(Opened::Fresh),
    }
}

/// What the first one counted, counts for the repeat.
fn resume(
    connection: &Connection,
    attempt: &Attempt,
    tally: Option<&str>,
) -> Result<Vec<Challenge>, Broken> {
    let (Some(guess), Some(tally)) = (&attempt.guess, tally) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for count in Tally::read(tally)?.counts {
        found.extend(candidates(connection, guess, &count.pots, attempt.at)?);
    }
    Ok(found)
}

fn begin(connection: &Connection, attempt: &Attempt) -> Result<Vec<Challenge>, Broken> {
    let (message, at) = (&attempt.message, attempt.at);
    let Some(guess) = &attempt.guess else {
        take_down(connection, message, at, attempt.operation, None)?;
        return Ok(Vec::new());
    };
    let (mut tally, mut found) = (Tally::default(), Vec::new());
    for scope in &guess.scopes {
        let pots = pot::count(connection, guess, *scope, at)?;
        // A scope that compares nothing costs its day nothing: others who are in it, too, would pay.
        if pots.is_empty() {
            continue;
        }
        let codes = candidates(connection, guess, &pots, at)?;
        // Several codes that live at a time multiply the chance of a guess, and what it costs.
        let daily = u32::try_from(codes.len().max(1)).unwrap_or(u32::MAX);
        if pot::count_daily(connection, guess, *scope, at, daily)? {
            found.extend(codes);
            tally.counts.push(Count { pots, daily });
        }
    }
    take_down(connection, message, at, attempt.operation, Some(&tally.write()))?;
    Ok(found)
}

/// The challenges whose codes may be compared with this guess.
fn candidates(
    connection: &Connection,
    guess: &Guess,
    pots: &[(i64, bool)],
    at: Millis,
) -> Result<Vec<Challenge>, Broken> {
    let query = format!(
        "SELECT {} FROM challenge WHERE pot = ?1 AND channel = ?2 AND dialect = ?3 AND site = ?4 AND client IS ?5 \
         AND state IN ('live', 'held') AND code_used = 0 AND code_until > ?6 \
         AND (NOT placed OR place = ?7 OR place = ?8) AND (?9 IS NULL OR id = ?9) \
         AND ((?11 IS NULL AND placed) OR address_key = ?11) ORDER BY born DESC LIMIT ?10",
        row::CHALLENGE
    );
    let mut statement = connection.prepare_cached(&query)?;
    let first = guess.places.first().map_or([0; 16], |place| place.0);
    let last = guess.places.last().map_or([0; 16], |place| place.0);
    let client = guess.issuer.client.as_ref().map(contract::name::Name::as_str);
    let linked = guess.linked.map(|linked| linked.0);
    let address = guess.address.map(|address| address.0);
    let mut found = Vec::new();
    for (pot, _) in pots {
        let (channel, dialect, site) =
            (guess.channel.as_str(), guess.issuer.dialect, guess.issuer.site.as_str());
        let values =
            params![pot, channel, dialect, site, client, at.0, first, last, linked, MOST, address];
        let mut rows = statement.query(values)?;
        while let Some(row) = rows.next()? {
            found.push(row::challenge(row)?);
        }
    }
    Ok(found)
}
