//! Verify's and confirm's first step: the message is taken down and its guess counted, in one statement each, before
//! anybody compares anything. Invariant: the same statements run whether or not an address is known.

use contract::name::Name;
use contract::outcome::Refusal;

use super::message::{Seen, seen, take_down};
use super::pot::{self, Count, Tally};
use super::tx::{Broken, Row, Tx, values};
use super::{budget, event};
use crate::clock::Millis;
use crate::secret::{AddressKey, ChallengeId};
use crate::store::{
    ACCOUNTS, Attempt, Candidate, Guess, Kept, Opened, Store, StoreError, event_id,
};

/// Living codes of one account in one pot that a guess is compared with: one that is sent, and the one that takes its place
/// when half of its life is over. However many an account asks for, it pushes out no other's.
const EACH: u32 = 2;

/// Of all accounts together.
const MOST: u32 = EACH * ACCOUNTS as u32;

/// What a proof that cannot be right is told; kept with its message, so that a repeat is told the same.
const WRONG: Kept = Kept::Refused(Refusal::ProofInvalid);

impl Store {
    /// Takes a message down and counts its guess, before anything is compared; then has it compared, and a wrong one
    /// ends here.
    pub async fn open_attempt(&self, attempt: Attempt) -> Result<Opened, StoreError> {
        self.write(move |tx| open(tx, &attempt)).await
    }
}

fn open(tx: &mut Tx<'_>, attempt: &Attempt) -> Result<Opened, Broken> {
    match seen(tx, &attempt.message)? {
        Seen::Forged => Ok(Opened::Forged),
        Seen::Done(kept) => Ok(Opened::Repeat(kept)),
        Seen::Open(tally) => resume(tx, attempt, tally.as_deref()).map(Opened::Fresh),
        Seen::Never => match budget::take(tx, &attempt.budgets, attempt.at)? {
            Some(spent) => Ok(Opened::Spent(spent)),
            None => begin(tx, attempt),
        },
    }
}

/// What the first one counted, counts for the repeat.
fn resume(
    tx: &mut Tx<'_>,
    attempt: &Attempt,
    tally: Option<&str>,
) -> Result<Vec<Candidate>, Broken> {
    let (Some(guess), Some(tally)) = (&attempt.guess, tally) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for count in Tally::read(tally)?.counts {
        found.extend(candidates(tx, guess, &count.pots, attempt.at)?);
    }
    Ok(found)
}

fn begin(tx: &mut Tx<'_>, attempt: &Attempt) -> Result<Opened, Broken> {
    let at = attempt.at;
    let (mut tally, mut found) = (Tally::default(), Vec::new());
    let guess = attempt.guess.as_ref().filter(|guess| !guess.closed);
    for scope in guess.iter().flat_map(|guess| &guess.scopes) {
        let Some(guess) = guess else { continue };
        let pots = pot::count(tx, guess, *scope, at)?;
        // A scope that compares nothing costs its day nothing: others who are in it, too, would pay.
        if pots.is_empty() {
            continue;
        }
        let codes = candidates(tx, guess, &pots, at)?;
        // Several codes that live at a time multiply the chance of a guess, and what it costs.
        let daily = u32::try_from(codes.len().max(1)).unwrap_or(u32::MAX);
        let total = pot::count_daily(tx, *scope, at, daily)?;
        // Of every address alike, and of a day once.
        if guess.tells_used_up && (guess.daily..guess.daily.saturating_add(daily)).contains(&total)
        {
            let id = event_id(&[b"day", scope, &pot::day(at).to_be_bytes()]);
            event::note_used_up(tx, id, &pots, at)?;
        }
        if total <= guess.daily {
            found.extend(codes);
            tally.counts.push(Count { pots, daily });
        }
    }
    let tally = guess.map(|_| tally.write());
    let may_be_right = (attempt.judge.0)(&found);
    let kept = (!may_be_right).then_some(&WRONG);
    take_down(tx, &attempt.message, at, attempt.operation, tally.as_deref(), kept)?;
    Ok(if may_be_right { Opened::Fresh(found) } else { Opened::Wrong(found.len()) })
}

fn candidate(row: &Row<'_>) -> Result<Candidate, Broken> {
    Ok(Candidate {
        id: ChallengeId(row.get(0)?),
        account: row.get(1)?,
        address_key: AddressKey(row.get(2)?),
        counter: row.get(3)?,
        code_digits: row.get(4)?,
        master: row.get(5)?,
    })
}

/// The challenges whose codes may be compared with this guess.
fn candidates(
    tx: &mut Tx<'_>,
    guess: &Guess,
    pots: &[(i64, bool)],
    at: Millis,
) -> Result<Vec<Candidate>, Broken> {
    let query = "SELECT id, account, address_key, counter, code_digits, master FROM (SELECT id, account, address_key, \
         counter, code_digits, master, born, ROW_NUMBER() OVER (PARTITION BY account ORDER BY born DESC) AS turn \
         FROM challenge WHERE pot = ?1 AND channel = ?2 AND dialect = ?3 AND site = ?4 \
         AND client IS NOT DISTINCT FROM ?5 AND state IN ('live', 'held') AND code_used = 0 AND code_until > ?6 \
         AND (placed = 0 OR place = ?7 OR place = ?8) AND id = COALESCE(?9, id) \
         AND address_key = COALESCE(?11, CASE placed WHEN 1 THEN address_key END)) AS found \
         WHERE turn <= ?12 ORDER BY born DESC LIMIT ?10";
    let first = guess.places.first().map_or([0; 16], |place| place.0);
    let last = guess.places.last().map_or([0; 16], |place| place.0);
    let client = guess.issuer.client.as_ref().map(Name::as_str);
    let mut found = Vec::new();
    for (pot, _) in pots {
        let values = values![
            *pot,
            guess.channel.as_str(),
            guess.issuer.dialect,
            guess.issuer.site.as_str(),
            client,
            at,
            &first,
            &last,
            guess.linked.as_ref().map(|linked| &linked.0),
            MOST,
            guess.address.as_ref().map(|address| &address.0),
            EACH,
        ];
        found.extend(tx.all(query, values, candidate)?);
    }
    Ok(found)
}
