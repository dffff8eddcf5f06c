//! Pots of wrong codes. They are made by asks, whether or not the address is known, and counted before anything is
//! compared. Invariant: a guess is compared only against codes whose pot had room left for it.

use rusqlite::{Connection, OptionalExtension, params};

use super::Broken;
use crate::clock::Millis;
use crate::store::{Guess, NewAsk};

const DAY: i64 = 86_400_000;

/// What one guess counted, so that a right one can be given back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Pots that had room, and whether the guess counted as the asker's own.
    pub(super) pots: Vec<(i64, bool)>,
    /// What it counted for the day.
    pub(super) daily: u32,
}

impl Tally {
    pub(super) fn write(&self) -> String {
        let pots =
            self.pots.iter().map(|(id, own)| format!("{id}{}", if *own { 'o' } else { 'e' }));
        let words: Vec<String> = pots.chain([format!("{}d", self.daily)]).collect();
        words.join(" ")
    }

    pub(super) fn read(text: &str) -> Result<Self, Broken> {
        let mut tally = Self::default();
        for word in text.split(' ') {
            let (number, kind) =
                word.split_at_checked(word.len().saturating_sub(1)).ok_or(Broken::Row)?;
            let number: i64 = number.parse().map_err(|_| Broken::Row)?;
            match kind {
                "o" => tally.pots.push((number, true)),
                "e" => tally.pots.push((number, false)),
                "d" => tally.daily = u32::try_from(number).map_err(|_| Broken::Row)?,
                _ => return Err(Broken::Row),
            }
        }
        Ok(tally)
    }
}

/// The pot that codes of this ask count in: the last one of the scope, or a new one when that is half over or burnt.
pub(super) fn for_ask(connection: &Connection, ask: &NewAsk) -> Result<i64, Broken> {
    let query = "SELECT id, born, CASE WHEN place = ?3 THEN own_wrong ELSE others_wrong END FROM pot \
         WHERE scope = ?1 AND channel = ?2 AND until > ?4 ORDER BY born DESC, id DESC LIMIT 1";
    let values = params![ask.scope, ask.address.channel().as_str(), ask.place.0, ask.at.0];
    let newest = connection
        .prepare_cached(query)?
        .query_row(values, |row| {
            Ok((row.get::<_, i64>(0)?, Millis(row.get(1)?), row.get::<_, u32>(2)?))
        })
        .optional()?;
    if let Some((id, born, wrong)) = newest
        && wrong < u32::from(ask.tries)
        && born.until(ask.at) < ask.code_life / 2
    {
        return Ok(id);
    }
    let write = "INSERT INTO pot (scope, channel, place, born, until) VALUES (?1, ?2, ?3, ?4, ?5)";
    // A code may be born half a life later, and a mail that waits for its relay begins its life one life later still.
    let until = ask.at.plus(ask.code_life.saturating_mul(3));
    let values = params![ask.scope, ask.address.channel().as_str(), ask.place.0, ask.at.0, until.0];
    connection.prepare_cached(write)?.execute(values)?;
    Ok(connection.last_insert_rowid())
}

/// Counts one guess in every living pot of its scopes; gives those that had room for it.
pub(super) fn count(
    connection: &Connection,
    guess: &Guess,
    at: Millis,
) -> Result<Vec<(i64, bool)>, Broken> {
    let write = "UPDATE pot SET own_wrong = own_wrong + (place = ?4 OR place = ?5), \
         others_wrong = others_wrong + (place <> ?4 AND place <> ?5) \
         WHERE scope = ?1 AND channel = ?2 AND until > ?3 \
         AND (?6 IS NULL OR id = (SELECT pot FROM challenge WHERE challenge.id = ?6)) \
         RETURNING id, place = ?4 OR place = ?5, own_wrong, others_wrong";
    let mut statement = connection.prepare_cached(write)?;
    let first = guess.places.first().map_or([0; 16], |place| place.0);
    let last = guess.places.last().map_or([0; 16], |place| place.0);
    let mut roomy = Vec::new();
    for scope in &guess.scopes {
        let linked = guess.linked.map(|linked| linked.0);
        let mut rows =
            statement.query(params![scope, guess.channel.as_str(), at.0, first, last, linked])?;
        while let Some(row) = rows.next()? {
            let own: bool = row.get(1)?;
            let wrong: u32 = row.get(if own { 2 } else { 3 })?;
            if wrong <= u32::from(guess.tries) {
                roomy.push((row.get(0)?, own));
            }
        }
    }
    Ok(roomy)
}

/// Adds to the day's wrong codes of the scopes; false when one of them had no room left.
pub(super) fn count_daily(
    connection: &Connection,
    guess: &Guess,
    at: Millis,
    wrong: u32,
) -> Result<bool, Broken> {
    let write = "INSERT INTO daily (scope, day, wrong) VALUES (?1, ?2, ?3) \
         ON CONFLICT (scope, day) DO UPDATE SET wrong = wrong + ?3 RETURNING wrong";
    let mut statement = connection.prepare_cached(write)?;
    let mut roomy = true;
    for scope in &guess.scopes {
        let total: u32 = statement.query_row(params![scope, day(at), wrong], |row| row.get(0))?;
        roomy &= total <= guess.daily;
    }
    Ok(roomy)
}

/// Wrong codes of a scope today.
pub(super) fn daily(connection: &Connection, scope: [u8; 16], at: Millis) -> Result<u32, Broken> {
    let query = "SELECT wrong FROM daily WHERE scope = ?1 AND day = ?2";
    let wrong = connection
        .prepare_cached(query)?
        .query_row(params![scope, day(at)], |row| row.get(0))
        .optional()?;
    Ok(wrong.unwrap_or(0))
}

/// A right code was not a wrong one after all.
pub(super) fn give_back(connection: &Connection, tally: &Tally, at: Millis) -> Result<(), Broken> {
    let pots = "UPDATE pot SET own_wrong = own_wrong - (?2 AND own_wrong > 0), \
         others_wrong = others_wrong - (NOT ?2 AND others_wrong > 0) WHERE id = ?1 RETURNING scope";
    let days = "UPDATE daily SET wrong = MAX(0, wrong - ?3) WHERE scope = ?1 AND day = ?2";
    let mut scopes: Vec<[u8; 16]> = Vec::new();
    for (pot, own) in &tally.pots {
        let scope = connection
            .prepare_cached(pots)?
            .query_row(params![pot, own], |row| row.get(0))
            .optional()?;
        scopes.extend(scope.filter(|scope| !scopes.contains(scope)));
    }
    for scope in scopes {
        connection.prepare_cached(days)?.execute(params![scope, day(at), tally.daily])?;
    }
    Ok(())
}

fn day(at: Millis) -> i64 {
    at.0.div_euclid(DAY)
}

/// The first day whose counts still matter.
pub(super) fn first_day(at: Millis) -> i64 {
    day(at).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_is_written_and_read() {
        for tally in [Tally::default(), Tally { pots: vec![(12, true), (7, false)], daily: 2 }] {
            assert_eq!(Tally::read(&tally.write()).unwrap(), tally);
        }
        for garbage in ["", "x", "1", "o", "1z", "-1d"] {
            assert!(Tally::read(garbage).is_err(), "{garbage}");
        }
    }
}
