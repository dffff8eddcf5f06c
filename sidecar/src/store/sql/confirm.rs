//! Grants, holds and ends of challenges.
//! Invariant: a challenge is held by one message at a time, and spent in the transaction that writes what it bought.

use contract::name::Name;
use contract::outcome::Refusal;

use super::message::{keep, outcome};
use super::pot::{self, Tally};
use super::row::{self, challenge_columns};
use super::tx::{Broken, Tx, values};
use super::{account, event, history, mail};
use crate::clock::Millis;
use crate::secret::ChallengeId;
use crate::store::{
    Audit, Ending, Finish, Finished, Grant, Held, Hold, Kept, Release, Store, StoreError, Target,
    Unfit,
};

/// Whatever held a challenge, and what it announced, is over.
macro_rules! held_by_nobody {
    () => {
        "held_by = NULL, held_until = NULL, held_run = NULL, held_revision = NULL, held_digest = NULL, held_words = NULL"
    };
}
pub(super) use held_by_nobody;

impl Store {
    /// Uses a code up and makes a grant; `None` when the code cannot be used any more.
    pub async fn grant(&self, grant: Grant) -> Result<Option<Kept>, StoreError> {
        self.write(move |tx| give_grant(tx, &grant)).await
    }

    /// Holds a challenge for one message. A repeat of that message is kept out while the first is at work.
    pub async fn hold(&self, hold: Hold) -> Result<Held, StoreError> {
        self.write(move |tx| take_hold(tx, &hold)).await
    }

    /// Gives a held challenge back, or ends it; with the outcome that the message has now.
    pub async fn release(
        &self,
        message: [u8; 16],
        release: Release,
    ) -> Result<Option<Kept>, StoreError> {
        self.write(move |tx| give_up(tx, message, &release)).await
    }

    /// The end of a confirm: all of it, or nothing.
    pub async fn finish(&self, finish: Finish) -> Result<Finished, StoreError> {
        self.write(move |tx| end(tx, &finish)).await
    }

    /// Frees what a process that is gone held. What it announced waits for its time: what it wrote may be under way still.
    /// Only at start; where others use the store, holds end by their time.
    pub async fn free_held(&self) -> Result<u64, StoreError> {
        self.write(|tx| {
            if tx.is_shared() {
                return Ok(0);
            }
            let write = concat!(
                "UPDATE challenge SET state = 'live', ",
                held_by_nobody!(),
                " WHERE state = 'held' AND held_revision IS NULL"
            );
            tx.run(write, &[])
        })
        .await
    }
}

fn give_grant(tx: &mut Tx<'_>, grant: &Grant) -> Result<Option<Kept>, Broken> {
    if let Some(kept) = outcome(tx, grant.message)? {
        return Ok(Some(kept));
    }
    let write = "UPDATE challenge SET code_used = 1 WHERE id = ?1 AND state = 'live' AND code_used = 0 AND code_until > ?2";
    if tx.run(write, values![&grant.challenge.0, grant.at])? == 0 {
        return Ok(None);
    }
    let write = "INSERT INTO proof_grant (id, challenge, until, state) VALUES (?1, ?2, ?3, 'live')";
    tx.run(write, values![&grant.id.0, &grant.challenge.0, grant.until])?;
    give_back(tx, grant.message, grant.at)?;
    let kept = Kept::Granted { grant: grant.id, expires_in: grant.expires_in };
    audit(tx, &grant.audit, "granted")?;
    keep(tx, grant.message, &kept).map(Some)
}

/// The guess of this message was right. It is given back once, however often its message is taken up again.
fn give_back(tx: &mut Tx<'_>, message: [u8; 16], at: Millis) -> Result<(), Broken> {
    let query = "SELECT tally FROM message WHERE id = ?1 /* for update */";
    let tally: Option<String> = tx.one(query, values![&message], |row| row.get(0))?.flatten();
    let Some(mut tally) = tally.map(|tally| Tally::read(&tally)).transpose()? else {
        return Ok(());
    };
    pot::give_back(tx, &tally, at)?;
    tally.given_back = true;
    let write = "UPDATE message SET tally = ?2 WHERE id = ?1";
    tx.run(write, values![&message, &tally.write()]).map(drop)
}

fn take_hold(tx: &mut Tx<'_>, hold: &Hold) -> Result<Held, Broken> {
    let Some(id) = target(tx, hold)? else {
        return Ok(Held::Refused);
    };
    let (by_link, by_code) = match hold.target {
        Target::Link(_) => (true, false),
        Target::LinkAndCode(_) => (true, true),
        Target::Code(_) => (false, true),
        Target::Grant(_) => (false, false),
    };
    let write = concat!(
        "UPDATE challenge SET state = 'held', held_by = ?2, held_until = ?3, held_run = ?11 WHERE id = ?1 \
         AND (state = 'live' OR (state = 'held' AND held_revision IS NULL \
         AND (held_until <= ?4 OR (held_by = ?2 AND held_until <= ?12)))) \
         AND dialect = ?5 AND site = ?6 AND client IS NOT DISTINCT FROM ?7 AND master = ?8 \
         AND (?9 = 0 OR link_until > ?4) AND (?10 = 0 OR (code_until > ?4 AND code_used = 0)) RETURNING ",
        challenge_columns!()
    );
    let values = values![
        &id.0,
        &hold.message,
        hold.until,
        hold.at,
        hold.issuer.dialect,
        hold.issuer.site.as_str(),
        hold.issuer.client.as_ref().map(Name::as_str),
        hold.master.as_str(),
        by_link,
        by_code,
        &hold.run,
        hold.retake,
    ];
    if let Some(held) = tx.one(write, values, row::challenge)? {
        if by_code {
            give_back(tx, hold.message, hold.at)?;
        }
        return Ok(Held::Ours(Box::new(held)));
    }
    held_otherwise(tx, id, hold)
}

fn held_otherwise(tx: &mut Tx<'_>, id: ChallengeId, hold: &Hold) -> Result<Held, Broken> {
    let query = "SELECT held_by, held_until, CASE WHEN held_revision IS NULL THEN 0 ELSE 1 END FROM challenge \
         WHERE id = ?1 AND state = 'held'";
    let found = tx.one(query, values![&id.0], |row| {
        Ok((row.get::<Vec<u8>>(0)? == hold.message, row.get::<Millis>(1)?, row.get::<bool>(2)?))
    })?;
    Ok(match found {
        Some((true, until, is_announced)) if is_announced || until > hold.retake => Held::InHand,
        Some((_, _, true)) => Held::Announced,
        _ => Held::Refused,
    })
}

fn target(tx: &mut Tx<'_>, hold: &Hold) -> Result<Option<ChallengeId>, Broken> {
    let grant = match hold.target {
        Target::Link(id) | Target::LinkAndCode(id) | Target::Code(id) => return Ok(Some(id)),
        Target::Grant(grant) => grant,
    };
    let query = "SELECT challenge FROM proof_grant WHERE id = ?1 AND state = 'live' AND until > ?2";
    Ok(tx.one(query, values![&grant.0, hold.at], |row| row.get(0))?.map(ChallengeId))
}

/// Counts in a column, and ends the challenge with the last of them.
macro_rules! count_unfit {
    ($column:literal) => {
        concat!(
            "UPDATE challenge SET state = CASE WHEN ",
            $column,
            " + 1 >= ?2 THEN 'dead' ELSE 'live' END, ended = CASE WHEN ",
            $column,
            " + 1 >= ?2 THEN ?3 ELSE ended END, ",
            $column,
            " = ",
            $column,
            " + 1, ",
            held_by_nobody!(),
            " WHERE held_by = ?1 AND state = 'held' AND held_revision IS NULL"
        )
    };
}

/// Gives the outcome that the message has now. Another run of the same message may have come first: its outcome stands.
fn give_up(tx: &mut Tx<'_>, message: [u8; 16], release: &Release) -> Result<Option<Kept>, Broken> {
    match release {
        Release::Busy { run } => {
            let write = concat!(
                "UPDATE challenge SET state = 'live', ",
                held_by_nobody!(),
                " WHERE held_by = ?1 AND held_run = ?2 AND state = 'held' AND held_revision IS NULL"
            );
            tx.run(write, values![&message, run])?;
            outcome(tx, message)
        }
        Release::Unwritten { run } => {
            let write = "UPDATE challenge SET held_revision = NULL, held_digest = NULL, held_words = NULL \
                 WHERE held_by = ?1 AND held_run = ?2";
            tx.run(write, values![&message, run])?;
            outcome(tx, message)
        }
        Release::Unfit { why, kept, at, most } => {
            let write = match why {
                Unfit::Policy => count_unfit!("policy_failures"),
                Unfit::Undecryptable => count_unfit!("undecryptable"),
            };
            tx.run(write, values![&message, *most, *at])?;
            keep(tx, message, kept).map(Some)
        }
        Release::Revoked { kept, audit: line } => {
            let write = concat!(
                "UPDATE challenge SET state = 'revoked', ended = ?2, ",
                held_by_nobody!(),
                " WHERE held_by = ?1 AND state = 'held'"
            );
            if tx.run(write, values![&message, line.at])? > 0 {
                audit(tx, line, "revoked")?;
            }
            keep(tx, message, kept).map(Some)
        }
    }
}

/// Alone with the account, so that two proofs of it do not wait for each other; then locks the challenge: another run of
/// the same message waits here, and finds its outcome.
fn end(tx: &mut Tx<'_>, finish: &Finish) -> Result<Finished, Broken> {
    tx.alone(&finish.account)?;
    let query = "SELECT state, held_by, held_run FROM challenge WHERE id = ?1 /* for update */";
    let found = tx.one(query, values![&finish.challenge.0], |row| {
        let by: Option<[u8; 16]> = row.get(1)?;
        Ok((row.get::<String>(0)?, by, row.get::<Option<[u8; 16]>>(2)?))
    })?;
    let first = outcome(tx, finish.message)?;
    let Some((state, by, run)) = found else {
        return Ok(first.map_or(Finished::Gone, Finished::Repeat));
    };
    let (is_ours, state) = (by == Some(finish.message), state.as_str());
    match &finish.ending {
        Ending::Write(write) => {
            if let Some(first) = first {
                return Ok(Finished::Repeat(first));
            }
            match (state, is_ours) {
                ("held", true) => {}
                ("live" | "held", _) => return Ok(Finished::Lost),
                _ => return Ok(Finished::Gone),
            }
            if !account::rehash(tx, write, finish.at)? {
                revoke(tx, finish)?;
                return Ok(Finished::Changed);
            }
        }
        // Somebody else told the end.
        _ if state == "spent" => return Ok(first.map_or(Finished::Gone, Finished::Repeat)),
        Ending::Unknown { lease } if !is_ours || run != Some(*lease) => {
            return Ok(Finished::Lost);
        }
        Ending::Written | Ending::Unknown { .. } => {}
    }
    spend(tx, finish)?;
    // What the message was told before stays what it is told.
    Ok(first.map_or(Finished::Done, Finished::Repeat))
}

fn revoke(tx: &mut Tx<'_>, finish: &Finish) -> Result<(), Broken> {
    let write = "UPDATE challenge SET state = 'revoked', ended = ?2, held_by = NULL WHERE id = ?1";
    tx.run(write, values![&finish.challenge.0, finish.at])?;
    keep(tx, finish.message, &Kept::Refused(Refusal::ProofInvalid))?;
    audit(tx, &finish.audit, "revoked")
}

/// Everything that follows from a new password, but the password; or from one of which nobody knows.
fn spend(tx: &mut Tx<'_>, finish: &Finish) -> Result<(), Broken> {
    let (id, at, account) = (&finish.challenge.0, finish.at, &finish.account);
    let spent = "UPDATE challenge SET state = 'spent', ended = ?2, held_revision = NULL, held_digest = NULL, \
         held_words = NULL WHERE id = ?1";
    tx.run(spent, values![id, at])?;
    let siblings = "UPDATE challenge SET state = 'revoked', ended = ?3 \
         WHERE account = ?1 AND id <> ?2 AND state IN ('live', 'held')";
    tx.run(siblings, values![account, id, at])?;
    let grants = "UPDATE proof_grant SET state = CASE challenge WHEN ?2 THEN 'spent' ELSE 'revoked' END \
         WHERE state = 'live' AND challenge IN (SELECT id FROM challenge WHERE account = ?1)";
    tx.run(grants, values![account, id])?;
    history::note(tx, account, &finish.former, at)?;
    for notice in &finish.notices {
        mail::queue(tx, notice)?;
    }
    for told in &finish.events {
        event::queue(tx, told)?;
    }
    keep(tx, finish.message, &finish.kept)?;
    let outcome = match finish.ending {
        Ending::Write(_) | Ending::Written => "reset",
        Ending::Unknown { .. } => "unknown",
    };
    audit(tx, &finish.audit, outcome)
}

fn audit(tx: &mut Tx<'_>, line: &Audit, outcome: &str) -> Result<(), Broken> {
    let write = "INSERT INTO audit (at, event, account, address_key, sender, client, request, outcome, device) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let values = values![
        line.at,
        line.event,
        &line.account,
        &line.address.0,
        &line.sender,
        line.client.as_ref().map(Name::as_str),
        line.request.as_str(),
        outcome,
        line.device.as_deref(),
    ];
    tx.run(write, values).map(drop)
}
