//! Messages: seen before, or taken down; and what is kept of their outcomes.

use contract::message::Operation;
use contract::outcome::{Outcome, Refusal};

use super::tx::{Broken, Tx, values};
use crate::clock::Millis;
use crate::secret::GrantId;
use crate::store::{Kept, LoggedIn, MessageKey, Store, StoreError};

/// What is known of a message.
pub(super) enum Seen {
    Never,
    Forged,
    /// Taken down, without an outcome yet; with what its guess counted.
    Open(Option<String>),
    Done(Kept),
}

impl Store {
    /// Keeps the outcome of a message; the first one stays, and is what comes back.
    pub async fn conclude(&self, message: [u8; 16], kept: Kept) -> Result<Kept, StoreError> {
        self.write(move |tx| keep(tx, message, &kept)).await
    }

    /// What is kept of a message's outcome, if it has come to one.
    pub async fn outcome(&self, message: [u8; 16]) -> Result<Option<Kept>, StoreError> {
        self.read(move |tx| outcome(tx, message)).await
    }
}

pub(super) fn seen(tx: &mut Tx<'_>, message: &MessageKey) -> Result<Seen, Broken> {
    let query = "SELECT mac, tally, outcome, params, reference FROM message WHERE id = ?1 \
         UNION ALL SELECT mac, NULL, 'accepted', NULL, NULL FROM ask WHERE id = ?1 AND mac IS NOT NULL";
    let found = tx.one(query, values![&message.id], |row| {
        // Both MACs were found right by our own keys, so nobody learns anything from the time of this comparison.
        if row.get::<[u8; 32]>(0)? != message.mac {
            return Ok(Seen::Forged);
        }
        match row.get::<Option<String>>(2)? {
            None => Ok(Seen::Open(row.get(1)?)),
            Some(outcome) => read(&outcome, row.get(3)?, row.get(4)?).map(Seen::Done),
        }
    })?;
    Ok(found.unwrap_or(Seen::Never))
}

/// The outcome of a message, if it has one.
pub(super) fn outcome(tx: &mut Tx<'_>, id: [u8; 16]) -> Result<Option<Kept>, Broken> {
    let query =
        "SELECT outcome, params, reference FROM message WHERE id = ?1 AND outcome IS NOT NULL";
    tx.one(query, values![&id], |row| read(&row.get::<String>(0)?, row.get(1)?, row.get(2)?))
}

/// Takes a message down, with its outcome where that is known already.
pub(super) fn take_down(
    tx: &mut Tx<'_>,
    message: &MessageKey,
    at: Millis,
    operation: Operation,
    tally: Option<&str>,
    kept: Option<&Kept>,
) -> Result<(), Broken> {
    let write = "INSERT INTO message (id, mac, at, operation, tally, outcome, params, reference) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let kept = kept.map(written);
    let (code, params, reference) = kept
        .map_or((None, None, None), |(code, params, reference)| (Some(code), params, reference));
    let values = values![
        &message.id,
        &message.mac,
        at,
        operation.as_str(),
        tally,
        code,
        params.as_deref(),
        reference.as_deref(),
    ];
    tx.run(write, values).map(drop)
}

/// The first outcome stays; gives the one that stands.
pub(super) fn keep(tx: &mut Tx<'_>, message: [u8; 16], kept: &Kept) -> Result<Kept, Broken> {
    let write = "UPDATE message SET outcome = ?2, params = ?3, reference = ?4 WHERE id = ?1 AND outcome IS NULL";
    let (code, params, reference) = written(kept);
    let values = values![&message, code, params.as_deref(), reference.as_deref()];
    if tx.run(write, values)? > 0 {
        return Ok(kept.clone());
    }
    Ok(outcome(tx, message)?.unwrap_or_else(|| kept.clone()))
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
