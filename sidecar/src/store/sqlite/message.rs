//! Messages: seen before, or taken down; and what is kept of their outcomes.

use contract::message::Operation;
use contract::outcome::{Outcome, Refusal};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Broken, Sqlite};
use crate::clock::Millis;
use crate::secret::GrantId;
use crate::store::{Kept, LoggedIn, MessageKey, StoreError};

/// What is known of a message.
pub(super) enum Seen {
    Never,
    Forged,
    /// Taken down, without an outcome yet; with what its guess counted.
    Open(Option<String>),
    Done(Kept),
}

impl Sqlite {
    pub(in crate::store) async fn conclude(
        &self,
        message: [u8; 16],
        kept: Kept,
    ) -> Result<Kept, StoreError> {
        self.write(move |connection| keep(connection, message, &kept)).await
    }
}

pub(super) fn seen(connection: &Connection, message: &MessageKey) -> Result<Seen, Broken> {
    let query = "SELECT mac, tally, outcome, params, reference FROM message WHERE id = ?1";
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query([message.id])?;
    let Some(row) = rows.next()? else {
        return Ok(Seen::Never);
    };
    // Both MACs were found right by our own keys, so nobody learns anything from the time of this comparison.
    if row.get::<_, [u8; 32]>(0)? != message.mac {
        return Ok(Seen::Forged);
    }
    match row.get::<_, Option<String>>(2)? {
        None => Ok(Seen::Open(row.get(1)?)),
        Some(outcome) => read(&outcome, row.get(3)?, row.get(4)?).map(Seen::Done),
    }
}

/// The outcome of a message, if it has one.
pub(super) fn outcome(connection: &Connection, id: [u8; 16]) -> Result<Option<Kept>, Broken> {
    let query =
        "SELECT outcome, params, reference FROM message WHERE id = ?1 AND outcome IS NOT NULL";
    let mut statement = connection.prepare_cached(query)?;
    let row = statement
        .query_row([id], |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    row.map(|(outcome, params, reference)| read(&outcome, params, reference)).transpose()
}

pub(super) fn take_down(
    connection: &Connection,
    message: &MessageKey,
    at: Millis,
    operation: Operation,
    tally: Option<&str>,
) -> Result<(), Broken> {
    let write = "INSERT INTO message (id, mac, at, operation, tally) VALUES (?1, ?2, ?3, ?4, ?5)";
    let values = params![message.id, message.mac, at.0, operation.as_str(), tally];
    connection.prepare_cached(write)?.execute(values)?;
    Ok(())
}

/// The first outcome stays; gives the one that stands.
pub(super) fn keep(
    connection: &Connection,
    message: [u8; 16],
    kept: &Kept,
) -> Result<Kept, Broken> {
    let write = "UPDATE message SET outcome = ?2, params = ?3, reference = ?4 WHERE id = ?1 AND outcome IS NULL";
    let (code, params, reference) = written(kept);
    connection.prepare_cached(write)?.execute(params![message, code, params, reference])?;
    Ok(outcome(connection, message)?.unwrap_or_else(|| kept.clone()))
}

fn written(kept: &Kept) -> (&'static str, Option<String>, Option<Vec<u8>>) {
    match kept {
        Kept::Accepted => ("accepted", None, None),
        Kept::Granted { grant, expires_in } => {
            ("granted", Some(expires_in.to_string()), Some(grant.0.to_vec()))
        }
        Kept::Reset { login: None } => ("reset", None, None),
        Kept::Reset { login: Some(login) } => {
            ("reset", Some(login.at.0.to_string()), Some(login.account.clone().into_bytes()))
        }
        Kept::Refused(refusal) => {
            ("refused", Some(Outcome::Refused(refusal.clone()).encode("")), None)
        }
    }
}

fn read(outcome: &str, params: Option<String>, reference: Option<Vec<u8>>) -> Result<Kept, Broken> {
    let known = match (outcome, params, reference) {
        ("accepted", ..) => Some(Kept::Accepted),
        ("granted", Some(params), Some(reference)) => granted(&params, reference),
        ("reset", Some(params), Some(reference)) => logged_in(&params, reference),
        ("reset", ..) => Some(Kept::Reset { login: None }),
        ("refused", Some(params), _) => refused(&params).map(Kept::Refused),
        _ => None,
    };
    known.ok_or(Broken::Row)
}

fn granted(params: &str, reference: Vec<u8>) -> Option<Kept> {
    let grant = GrantId(reference.try_into().ok()?);
    Some(Kept::Granted { grant, expires_in: params.parse().ok()? })
}

fn logged_in(params: &str, reference: Vec<u8>) -> Option<Kept> {
    let login =
        LoggedIn { account: String::from_utf8(reference).ok()?, at: Millis(params.parse().ok()?) };
    Some(Kept::Reset { login: Some(login) })
}

fn refused(params: &str) -> Option<Refusal> {
    match Outcome::decode(params.as_bytes())? {
        Outcome::Refused(refusal) => Some(refusal),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use contract::policy::Breach;

    use super::*;

    #[test]
    fn what_is_kept_is_read_again() {
        let login = LoggedIn { account: "a-1".into(), at: Millis(5) };
        let breaches = vec![Breach::TooShort { min: 8, max: 128 }, Breach::Common];
        for kept in [
            Kept::Accepted,
            Kept::Granted { grant: GrantId([3; 16]), expires_in: 300 },
            Kept::Reset { login: None },
            Kept::Reset { login: Some(login) },
            Kept::Refused(Refusal::ProofInvalid),
            Kept::Refused(Refusal::Policy(breaches)),
        ] {
            let (code, params, reference) = written(&kept);
            assert_eq!(read(code, params, reference).unwrap(), kept);
        }
        assert!(read("granted", None, None).is_err());
    }
}
