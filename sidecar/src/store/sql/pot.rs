//! Pots of wrong codes. They are made by asks, whether or not the address is known, and counted before anything is
//! compared. Invariant: a guess is compared only against codes whose pot had room left for it.

use super::tx::{Broken, Tx, values};
use crate::clock::Millis;
use crate::store::{Guess, NewAsk};

const DAY: i64 = 86_400_000;

/// What one guess counted, so that a right one can be given back, and found again by its message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// One for each scope whose pots and day had room.
    pub(super) counts: Vec<Count>,
    pub(super) given_back: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// Pots that had room, and whether the guess counted as the asker's own.
    pub(super) pots: Vec<(i64, bool)>,
    /// What it counted for the day.
    pub(super) daily: u32,
}

impl Tally {
    pub(super) fn write(&self) -> String {
        let mut words = Vec::new();
        for count in &self.counts {
            let pots =
                count.pots.iter().map(|(id, own)| format!("{id}{}", if *own { 'o' } else { 'e' }));
            words.extend(pots.chain([format!("{}d", count.daily)]));
        }
        words.push(format!("{}r", u8::from(self.given_back)));
        words.join(" ")
    }

    pub(super) fn read(text: &str) -> Result<Self, Broken> {
        let (mut tally, mut count) = (Self::default(), Count::default());
        for word in text.split(' ') {
            let (number, kind) =
                word.split_at_checked(word.len().saturating_sub(1)).ok_or(Broken::Row)?;
            let number: i64 = number.parse().map_err(|_| Broken::Row)?;
            match kind {
                "o" => count.pots.push((number, true)),
                "e" => count.pots.push((number, false)),
                "d" => {
                    count.daily = u32::try_from(number).map_err(|_| Broken::Row)?;
                    tally.counts.push(std::mem::take(&mut count));
                }
                "r" => tally.given_back = number == 1,
                _ => return Err(Broken::Row),
            }
        }
        Ok(tally)
    }
}

/// The last pot of a scope that has not ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Newest {
    pub(super) id: i64,
    pub(super) born: Millis,
    pub(super) until: Millis,
    /// Those that count for who asks.
    pub(super) wrong: u32,
}

/// The pot that codes of this ask count in: the last one of the scope, or a new one when that is half over or burnt. Who
/// has used up the day (`daily`) gets no new one, so that the pots of a scope are few whatever anybody does.
pub(super) fn for_ask(
    tx: &mut Tx<'_>,
    ask: &NewAsk,
    daily: u32,
    newest: Option<Newest>,
) -> Result<i64, Broken> {
    let until = ask.at.plus(ask.pot_life);
    let is_used_up = daily >= ask.daily_wrong_codes;
    let serves = |pot: &Newest| {
        let is_young = pot.born.until(ask.at) < ask.code_life / 2;
        is_used_up || (pot.wrong < u32::from(ask.tries) && is_young)
    };
    if let Some(pot) = newest.filter(serves) {
        if pot.until < until {
            let write =
                "UPDATE pot SET until = CASE WHEN until < ?2 THEN ?2 ELSE until END WHERE id = ?1";
            tx.run(write, values![pot.id, until])?;
        }
        return Ok(pot.id);
    }
    let write = "INSERT INTO pot (scope, channel, place, born, until) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id";
    let channel = ask.address.channel().as_str();
    tx.only(write, values![&ask.scope, channel, &ask.place.0, ask.at, until])
}

/// Counts one guess in every living pot of a scope; gives those that had room for it.
pub(super) fn count(
    tx: &mut Tx<'_>,
    guess: &Guess,
    scope: [u8; 16],
    at: Millis,
) -> Result<Vec<(i64, bool)>, Broken> {
    let write = "UPDATE pot SET own_wrong = own_wrong + CASE WHEN place IN (?4, ?5) THEN 1 ELSE 0 END, \
         others_wrong = others_wrong + CASE WHEN place IN (?4, ?5) THEN 0 ELSE 1 END \
         WHERE scope = ?1 AND channel = ?2 AND until > ?3 \
         AND id = CASE WHEN ?6 = 0 THEN id ELSE (SELECT pot FROM challenge WHERE challenge.id = ?7) END \
         RETURNING id, place IN (?4, ?5), own_wrong, others_wrong";
    let first = guess.places.first().map_or([0; 16], |place| place.0);
    let last = guess.places.last().map_or([0; 16], |place| place.0);
    let linked = guess.linked.as_ref().map(|linked| &linked.0);
    let channel = guess.channel.as_str();
    let values = values![&scope, channel, at, &first, &last, linked.is_some(), linked];
    let counted = tx.all(write, values, |row| {
        let own: bool = row.get(1)?;
        Ok((row.get::<i64>(0)?, own, row.get::<u32>(if own { 2 } else { 3 })?))
    })?;
    let roomy = counted.into_iter().filter(|(.., wrong)| *wrong <= u32::from(guess.tries));
    Ok(roomy.map(|(id, own, _)| (id, own)).collect())
}

/// Adds to the day's wrong codes of a scope; how many they are now.
pub(super) fn count_daily(
    tx: &mut Tx<'_>,
    scope: [u8; 16],
    at: Millis,
    wrong: u32,
) -> Result<u32, Broken> {
    let write = "INSERT INTO daily (scope, day, wrong) VALUES (?1, ?2, ?3) \
         ON CONFLICT (scope, day) DO UPDATE SET wrong = daily.wrong + excluded.wrong RETURNING wrong";
    tx.only(write, values![&scope, day(at), wrong])
}

/// Wrong codes of a scope today.
pub(super) fn daily(tx: &mut Tx<'_>, scope: [u8; 16], at: Millis) -> Result<u32, Broken> {
    let query = "SELECT wrong FROM daily WHERE scope = ?1 AND day = ?2";
    Ok(tx.one(query, values![&scope, day(at)], |row| row.get(0))?.unwrap_or(0))
}

/// A right code was not a wrong one after all. Once only.
pub(super) fn give_back(tx: &mut Tx<'_>, tally: &Tally, at: Millis) -> Result<(), Broken> {
    if tally.given_back {
        return Ok(());
    }
    let pots = "UPDATE pot SET own_wrong = own_wrong - CASE WHEN ?2 = 1 AND own_wrong > 0 THEN 1 ELSE 0 END, \
         others_wrong = others_wrong - CASE WHEN ?2 = 0 AND others_wrong > 0 THEN 1 ELSE 0 END \
         WHERE id = ?1 RETURNING scope";
    let days = "UPDATE daily SET wrong = CASE WHEN wrong > ?3 THEN wrong - ?3 ELSE 0 END WHERE scope = ?1 AND day = ?2";
    for count in &tally.counts {
        let mut of: Option<[u8; 16]> = None;
        for (pot, own) in &count.pots {
            of = of.or(tx.one(pots, values![*pot, *own], |row| row.get(0))?);
        }
        if let Some(scope) = of {
            tx.run(days, values![&scope, day(at), count.daily])?;
        }
    }
    Ok(())
}

/// When the day began that wrong codes are counted by now.
pub(super) fn today(at: Millis) -> Millis {
    Millis(day(at).saturating_mul(DAY))
}

pub(super) fn day(at: Millis) -> i64 {
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
        let counts = vec![
            Count { pots: vec![(12, true), (7, false)], daily: 2 },
            Count { pots: vec![(9, true)], daily: 1 },
        ];
        for tally in [Tally::default(), Tally { counts, given_back: true }] {
            assert_eq!(Tally::read(&tally.write()).unwrap(), tally);
        }
        for garbage in ["", "x", "1", "o", "1z", "-1d"] {
            assert!(Tally::read(garbage).is_err(), "{garbage}");
        }
    }
}
