//! Grants, holds and ends of challenges.
//! Invariant: a challenge is held by one message at a time, and spent in the transaction that writes what it bought.

use rusqlite::{Connection, OptionalExtension, params};

use super::message::{keep, outcome};
use super::pot::{self, Tally};
use super::{Broken, Sqlite, account, mail, row};
use crate::clock::Millis;
use crate::secret::ChallengeId;
use crate::store::{
    Audit, Challenge, Finish, Finished, Grant, Hold, Kept, Release, StoreError, Target,
};

impl Sqlite {
    pub(in crate::store) async fn grant(&self, grant: Grant) -> Result<Option<Kept>, StoreError> {
        self.write(move |connection| give_grant(connection, &grant)).await
    }

    pub(in crate::store) async fn hold(&self, hold: Hold) -> Result<Option<Challenge>, StoreError> {
        self.write(move |connection| take_hold(connection, &hold)).await
    }

    pub(in crate::store) async fn release(
        &self,
        message: [u8; 16],
        release: Release,
    ) -> Result<Option<Kept>, StoreError> {
        self.write(move |connection| give_up(connection, message, &release)).await
    }

    pub(in crate::store) async fn finish(&self, finish: Finish) -> Result<Finished, StoreError> {
        self.write(move |connection| end(connection, &finish)).await
    }

    pub(in crate::store) async fn free_held(&self) -> Result<u32, StoreError> {
        self.write(|connection| {
            let write = "UPDATE challenge SET state = 'live', held_by = NULL, held_until = NULL WHERE state = 'held'";
            Ok(u32::try_from(connection.execute(write, [])?).unwrap_or(u32::MAX))
        })
        .await
    }
}

fn give_grant(connection: &Connection, grant: &Grant) -> Result<Option<Kept>, Broken> {
    if let Some(kept) = outcome(connection, grant.message)? {
        return Ok(Some(kept));
    }
    let write = "UPDATE challenge SET code_used = 1 WHERE id = ?1 AND state = 'live' AND code_used = 0 AND code_until > ?2";
    let used = connection.prepare_cached(write)?.execute(params![grant.challenge.0, grant.at.0])?;
    if used == 0 {
        return Ok(None);
    }
    let write = "INSERT INTO proof_grant (id, challenge, until, state) VALUES (?1, ?2, ?3, 'live')";
    connection.prepare_cached(write)?.execute(params![
        grant.id.0,
        grant.challenge.0,
        grant.until.0
    ])?;
    give_back(connection, grant.message, grant.at)?;
    let kept = Kept::Granted { grant: grant.id, expires_in: grant.expires_in };
    keep(connection, grant.message, &kept)?;
    audit(connection, &grant.audit, "granted")?;
    Ok(Some(kept))
}

/// The guess of this message was right. It is given back once, however often its message is taken up again.
fn give_back(connection: &Connection, message: [u8; 16], at: Millis) -> Result<(), Broken> {
    let query = "SELECT tally FROM message WHERE id = ?1";
    let tally =
        connection.prepare_cached(query)?.query_row([message], |row| row.get(0)).optional()?;
    let tally: Option<String> = tally.flatten();
    let Some(mut tally) = tally.map(|tally| Tally::read(&tally)).transpose()? else {
        return Ok(());
    };
    pot::give_back(connection, &tally, at)?;
    tally.given_back = true;
    let write = "UPDATE message SET tally = ?2 WHERE id = ?1";
    connection.prepare_cached(write)?.execute(params![message, tally.write()])?;
    Ok(())
}

fn take_hold(connection: &Connection, hold: &Hold) -> Result<Option<Challenge>, Broken> {
    let Some(id) = target(connection, hold)? else {
        return Ok(None);
    };
    let query = "SELECT COALESCE(held_by = ?2 AND state = 'held', 0) FROM challenge WHERE id = ?1";
    let mut statement = connection.prepare_cached(query)?;
    let again: Option<bool> =
        statement.query_row(params![id.0, hold.message], |row| row.get(0)).optional()?;
    let (by_link, by_code) = match hold.target {
        Target::Link(_) => (true, false),
        Target::LinkAndCode(_) => (true, true),
        Target::Code(_) => (false, true),
        Target::Grant(_) => (false, false),
    };
    let write = format!(
        "UPDATE challenge SET state = 'held', held_by = ?2, held_until = ?3 WHERE id = ?1 \
         AND (state = 'live' OR (state = 'held' AND (held_by = ?2 OR held_until <= ?4))) \
         AND dialect = ?5 AND site = ?6 AND client IS ?7 AND master = ?8 \
         AND (NOT ?9 OR link_until > ?4) AND (NOT ?10 OR (code_until > ?4 AND code_used = 0)) RETURNING {}",
        row::CHALLENGE
    );
    let client = hold.issuer.client.as_ref().map(contract::name::Name::as_str);
    let (dialect, site) = (hold.issuer.dialect, hold.issuer.site.as_str());
    let (until, at, master) = (hold.until.0, hold.at.0, hold.master.as_str());
    let values =
        params![id.0, hold.message, until, at, dialect, site, client, master, by_link, by_code];
    let mut statement = connection.prepare_cached(&write)?;
    let mut rows = statement.query(values)?;
    let held = rows.next()?.map(row::challenge).transpose()?;
    if held.is_some() && by_code && again == Some(false) {
        give_back(connection, hold.message, hold.at)?;
    }
    Ok(held)
}

fn target(connection: &Connection, hold: &Hold) -> Result<Option<ChallengeId>, Broken> {
    let grant = match hold.target {
        Target::Link(id) | Target::LinkAndCode(id) | Target::Code(id) => return Ok(Some(id)),
        Target::Grant(grant) => grant,
    };
    let query = "SELECT challenge FROM proof_grant WHERE id = ?1 AND state = 'live' AND until > ?2";
    let mut statement = connection.prepare_cached(query)?;
    let found = statement.query_row(params![grant.0, hold.at.0], |row| row.get(0)).optional()?;
    Ok(found.map(ChallengeId))
}

/// Gives the outcome that the message has now. Another run of the same message may have come first: its outcome stands.
fn give_up(
    connection: &Connection,
    message: [u8; 16],
    release: &Release,
) -> Result<Option<Kept>, Broken> {
    let run = |write: &str, values: &[&dyn rusqlite::ToSql]| {
        connection.prepare_cached(write)?.execute(values)
    };
    match release {
        Release::Busy => {
            let write = "UPDATE challenge SET state = 'live', held_by = NULL, held_until = NULL \
                 WHERE held_by = ?1 AND state = 'held'";
            run(write, &[&message])?;
            outcome(connection, message)
        }
        Release::Policy { kept, at, most } => {
            let write = "UPDATE challenge SET state = CASE WHEN policy_failures + 1 >= ?2 THEN 'dead' ELSE 'live' END, \
                 ended = CASE WHEN policy_failures + 1 >= ?2 THEN ?3 END, policy_failures = policy_failures + 1, held_by = NULL, held_until = NULL \
                 WHERE held_by = ?1 AND state = 'held'";
            run(write, &[&message, most, &at.0])?;
            keep(connection, message, kept).map(Some)
        }
        Release::Revoked { kept, audit: line } => {
            let write = "UPDATE challenge SET state = 'revoked', ended = ?2, held_by = NULL, held_until = NULL \
                 WHERE held_by = ?1 AND state = 'held'";
            if run(write, &[&message, &line.at.0])? > 0 {
                audit(connection, line, "revoked")?;
            }
            keep(connection, message, kept).map(Some)
        }
    }
}

fn end(connection: &Connection, finish: &Finish) -> Result<Finished, Broken> {
    if let Some(kept) = outcome(connection, finish.message)? {
        return Ok(Finished::Repeat(kept));
    }
    let query = "SELECT account, state, COALESCE(held_by = ?2, 0) FROM challenge WHERE id = ?1";
    let mut statement = connection.prepare_cached(query)?;
    let found = statement.query_row(params![finish.challenge.0, finish.message], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?))
    });
    let Some((account, state, ours)) = found.optional()? else {
        return Ok(Finished::Gone);
    };
    match (state.as_str(), ours) {
        ("held", true) => {}
        ("live" | "held", _) => return Ok(Finished::Lost),
        _ => return Ok(Finished::Gone),
    }
    if let Some(write) = &finish.write
        && !account::rehash(connection, write, finish.at)?
    {
        revoke(connection, finish)?;
        return Ok(Finished::Changed);
    }
    spend(connection, finish, &account)?;
    Ok(Finished::Done)
}

fn revoke(connection: &Connection, finish: &Finish) -> Result<(), Broken> {
    let write = "UPDATE challenge SET state = 'revoked', ended = ?2, held_by = NULL WHERE id = ?1";
    connection.prepare_cached(write)?.execute(params![finish.challenge.0, finish.at.0])?;
    let kept = Kept::Refused(contract::outcome::Refusal::ProofInvalid);
    keep(connection, finish.message, &kept)?;
    audit(connection, &finish.audit, "revoked")
}

/// Everything that follows from a new password, but the password.
fn spend(connection: &Connection, finish: &Finish, account: &str) -> Result<(), Broken> {
    let at = finish.at.0;
    let spent = "UPDATE challenge SET state = 'spent', ended = ?2 WHERE id = ?1";
    connection.prepare_cached(spent)?.execute(params![finish.challenge.0, at])?;
    let siblings = "UPDATE challenge SET state = 'revoked', ended = ?3 \
         WHERE account = ?1 AND id <> ?2 AND state IN ('live', 'held')";
    connection.prepare_cached(siblings)?.execute(params![account, finish.challenge.0, at])?;
    let grants = "UPDATE proof_grant SET state = CASE challenge WHEN ?2 THEN 'spent' ELSE 'revoked' END \
         WHERE state = 'live' AND challenge IN (SELECT id FROM challenge WHERE account = ?1)";
    connection.prepare_cached(grants)?.execute(params![account, finish.challenge.0])?;
    for notice in &finish.notices {
        mail::queue(connection, notice)?;
    }
    keep(connection, finish.message, &finish.kept)?;
    audit(connection, &finish.audit, "reset")
}

fn audit(connection: &Connection, line: &Audit, outcome: &str) -> Result<(), Broken> {
    let write = "INSERT INTO audit (at, event, account, address_key, sender, client, request, outcome, device) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    connection.prepare_cached(write)?.execute(params![
        line.at.0,
        line.event,
        line.account,
        line.address.0,
        line.sender,
        line.client.as_ref().map(contract::name::Name::as_str),
        line.request.as_str(),
        outcome,
        line.device,
    ])?;
    Ok(())
}
