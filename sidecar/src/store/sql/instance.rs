//! Heartbeats and the states of keys. Invariant: beats are counted one after the other, and a store that lags behind what
//! an instance has seen has no live proof left when that instance goes on.

use std::time::Duration;

use base64ct::{Base64Unpadded, Encoding};
use contract::name::Name;

use super::tx::{Broken, Row, Tx, values};
use crate::clock::Millis;
use crate::keys::{Facts, Held, Instance, KeyRow, KeyState, KeyStates, Kind, Refused, Wish, judge};
use crate::store::work::Mode;
use crate::store::{Beat, Beaten, Store, StoreError};

/// What is not seen for so long is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(3600);

/// How far a restored store leaps: farther than any other instance can have seen it go.
const LEAP: i64 = 1 << 32;

/// Twice the longest life that can be configured: a proof that was not sent until then never is.
const LONGEST: Duration = Duration::from_secs(2 * 24 * 3600);

/// What a survey found.
#[derive(Clone, Copy)]
struct Survey {
    began: Millis,
    hashes: u32,
}

/// Who has it changes keys or beats.
const LOCK: &str = "rekey keys";

impl Store {
    /// Tells that an instance lives and what it holds; notices whether the store was put back from a copy.
    pub async fn beat(&self, beat: Beat) -> Result<Beaten, StoreError> {
        self.run(Mode::Alone, move |tx| take(tx, &beat)).await
    }

    /// An instance that ends in order need not be waited for.
    pub async fn leave(&self, instance: [u8; 16]) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.run("DELETE FROM instance WHERE id = ?1", values![&instance]).map(drop)
        })
        .await
    }

    /// What is known of keys, with how many proofs of each live, and of those who hold them.
    pub async fn key_facts(&self, at: Millis) -> Result<Facts, StoreError> {
        self.read(move |tx| facts(tx, at)).await
    }

    /// Does what is wished with a key, or says why not.
    pub async fn change_key(
        &self,
        at: Millis,
        wish: Wish,
    ) -> Result<Result<Vec<KeyRow>, Refused>, StoreError> {
        let survey = match wish.kind == Kind::Pepper && wish.spares_what_lives() {
            true => Some(self.survey(at, wish.id.clone()).await?),
            false => None,
        };
        self.write(move |tx| {
            tx.alone(LOCK)?;
            let mut facts = facts(tx, at)?;
            if let Some(Survey { began, hashes }) = survey {
                // Judged as of then: a hash may have been written since with a key that was not retiring yet.
                (facts.now, facts.living) = (began, hashes);
            } else if wish.kind == Kind::Master && wish.spares_what_lives() {
                facts.living = living(tx, wish.id.as_str(), facts.now)?;
            }
            let judged = judge(&wish, &facts);
            for row in judged.iter().flatten() {
                let write = "INSERT INTO key_state (kind, id, state, since) VALUES (?1, ?2, ?3, ?4) \
                     ON CONFLICT (kind, id) DO UPDATE SET state = excluded.state, since = excluded.since";
                let (kind, state) = (row.kind.as_str(), row.state.as_str());
                tx.run(write, values![kind, row.id.as_str(), state, row.since])?;
            }
            Ok(judged)
        })
        .await
    }

    /// Looks for what a pepper keys. Without the lock, for beats wait for that.
    async fn survey(&self, at: Millis, pepper: Name) -> Result<Survey, StoreError> {
        self.run(Mode::Survey, move |tx| {
            take_time(tx)?;
            let began = clock(tx)?.unwrap_or(at);
            Ok(Survey { began, hashes: keyed(tx, pepper.as_str())? })
        })
        .await
    }
}

fn take(tx: &mut Tx<'_>, beat: &Beat) -> Result<Beaten, Broken> {
    tx.alone(LOCK)?;
    let clock = clock(tx)?;
    let at = clock.unwrap_or(beat.at);
    let (number, restored) = count(tx, beat.mark, at)?;
    let states = states(tx)?;
    let index = beat.holds.iter().find(|held| held.kind == Kind::Index);
    // With another index the instance has no business here; it is told so, and leaves no trace.
    let is_ours =
        states.active(Kind::Index).is_none_or(|row| index.is_some_and(|held| held.id == row.id));
    let states = match is_ours {
        true => {
            register(tx, beat, at, &states)?;
            self::states(tx)?
        }
        false => states,
    };
    let instances = instances(tx)?;
    Ok(Beaten { beat: number, clock, at, states, instances, restored })
}

/// What the server's clock says, where several programs go by it.
fn clock(tx: &mut Tx<'_>) -> Result<Option<Millis>, Broken> {
    if !tx.is_shared() {
        return Ok(None);
    }
    let query = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
    tx.only(query, &[]).map(Some)
}

/// The number of this beat, and how many proofs were revoked if the store was put back.
fn count(tx: &mut Tx<'_>, mark: i64, at: Millis) -> Result<(i64, Option<u32>), Broken> {
    let next = "INSERT INTO meta (name, value) VALUES ('beat', 1) \
         ON CONFLICT (name) DO UPDATE SET value = meta.value + 1 RETURNING value";
    let number: i64 = tx.only(next, &[])?;
    let copied = tx.run("DELETE FROM meta WHERE name = 'restored_copy'", &[])?;
    if copied == 0 && number > mark {
        return Ok((number, None));
    }
    let number = number.max(mark).saturating_add(LEAP);
    tx.run("UPDATE meta SET value = ?1 WHERE name = 'beat'", values![number])?;
    // A new store, begun where another one was before, has nothing to revoke.
    let begun = tx.one("SELECT 1 FROM challenge LIMIT 1", &[], |_| Ok(()))?;
    Ok((number, begun.map(|()| revoke_all(tx, at)).transpose()?))
}

/// All rows in one statement take longer than one of a request may. Ends with the transaction.
fn take_time(tx: &mut Tx<'_>) -> Result<(), Broken> {
    if tx.is_shared() {
        tx.run("SELECT set_config('statement_timeout', '600s', true)", &[])?;
    }
    Ok(())
}

fn revoke_all(tx: &mut Tx<'_>, at: Millis) -> Result<u32, Broken> {
    take_time(tx)?;
    // Who holds one stays: what was announced is settled all the same.
    let challenges =
        "UPDATE challenge SET state = 'revoked', ended = ?1 WHERE state IN ('live', 'held')";
    let revoked = tx.run(challenges, values![at])?;
    let revoked = revoked.saturating_add(
        tx.run("UPDATE proof_grant SET state = 'revoked' WHERE state = 'live'", &[])?,
    );
    let write = "INSERT INTO audit (at, event, account, address_key, sender, request, outcome) \
         VALUES (?1, 'store_restored', '-', ?2, '-', '-', ?3)";
    let outcome = format!("revoked {revoked}");
    tx.run(write, values![at, &[0; 16], &outcome])?;
    Ok(u32::try_from(revoked).unwrap_or(u32::MAX))
}

/// Notes the instance and its keys. The first keys that a store hears of make; later ones wait.
fn register(tx: &mut Tx<'_>, beat: &Beat, at: Millis, states: &KeyStates) -> Result<(), Broken> {
    let query = "SELECT holds FROM instance WHERE id = ?1";
    let former = tx.one(query, values![&beat.instance], |row| row.get::<String>(0))?;
    let former = read_holds(&former.unwrap_or_default());
    let mut known = states.clone();
    for held in &beat.holds {
        if let Some(row) = known.of(held.kind, &held.id) {
            let is_new = row.state == KeyState::Pending && !former.contains(held);
            if is_new {
                // It is published from now on, as far as this instance goes.
                let write = "UPDATE key_state SET since = ?3 WHERE kind = ?1 AND id = ?2";
                tx.run(write, values![held.kind.as_str(), held.id.as_str(), at])?;
            }
            continue;
        }
        let state = match known.active(held.kind) {
            None if !held.kind.is_optional() => KeyState::Active,
            _ => KeyState::Pending,
        };
        let write = "INSERT INTO key_state (kind, id, state, since) VALUES (?1, ?2, ?3, ?4)";
        tx.run(write, values![held.kind.as_str(), held.id.as_str(), state.as_str(), at])?;
        known.0.push(KeyRow { kind: held.kind, id: held.id.clone(), state, since: at });
    }
    begin(tx, beat, at, &mut known)?;
    let holds: Vec<String> = beat.holds.iter().map(Held::to_string).collect();
    let write = "INSERT INTO instance (id, seen, holds) VALUES (?1, ?2, ?3) \
         ON CONFLICT (id) DO UPDATE SET seen = excluded.seen, holds = excluded.holds";
    tx.run(write, values![&beat.instance, at, &holds.join(" ")])?;
    tx.run("DELETE FROM instance WHERE seen < ?1", values![at.minus(FORGOTTEN)]).map(drop)
}

/// The first key of a kind that instances may do without makes when all that live hold it: until then one of them would have
/// to work with a key that it lacks.
fn begin(tx: &mut Tx<'_>, beat: &Beat, at: Millis, known: &mut KeyStates) -> Result<(), Broken> {
    let is_first = |held: &&Held| {
        let mut of_kind = known.0.iter().filter(|row| row.kind == held.kind);
        // Where one was active before, somebody chose; the next is somebody's choice, too.
        held.kind.is_optional() && of_kind.all(|row| row.state == KeyState::Pending)
    };
    let waiting: Vec<Held> = beat.holds.iter().filter(is_first).cloned().collect();
    if waiting.iter().all(|held| known.active(held.kind).is_some()) {
        return Ok(());
    }
    let others = instances(tx)?;
    let others: Vec<&Instance> =
        others.iter().filter(|other| other.id != beat.instance && other.is_alive(at)).collect();
    for held in waiting {
        let is_everywhere = others.iter().all(|other| other.holds.contains(&held));
        if known.active(held.kind).is_some() || !is_everywhere {
            continue;
        }
        let write = "UPDATE key_state SET state = 'active', since = ?3 WHERE kind = ?1 AND id = ?2";
        tx.run(write, values![held.kind.as_str(), held.id.as_str(), at])?;
        let state = KeyState::Active;
        known.0.push(KeyRow { kind: held.kind, id: held.id, state, since: at });
    }
    Ok(())
}

/// All but what lives of a key, which is counted where it matters.
fn facts(tx: &mut Tx<'_>, at: Millis) -> Result<Facts, Broken> {
    let now = clock(tx)?.unwrap_or(at);
    Ok(Facts { now, states: states(tx)?, instances: instances(tx)?, living: 0 })
}

/// Proofs of a master that somebody could still present.
fn living(tx: &mut Tx<'_>, master: &str, now: Millis) -> Result<u32, Broken> {
    let query = "SELECT COUNT(*) FROM challenge WHERE master = ?1 AND state IN ('live', 'held') AND born > ?3 \
         AND (link_until > ?2 OR code_until > ?2 OR (link_until IS NULL AND code_until IS NULL) \
         OR EXISTS (SELECT 1 FROM proof_grant WHERE proof_grant.challenge = challenge.id \
         AND proof_grant.state = 'live' AND proof_grant.until > ?2))";
    tx.only(query, values![master, now, now.minus(LONGEST)])
}

/// Hashes that a pepper keys, of former passwords too: each names it, as a parameter of its string.
fn keyed(tx: &mut Tx<'_>, pepper: &str) -> Result<u32, Broken> {
    // Not LIKE, to which the one engine takes capitals for small letters.
    let query = "SELECT COUNT(*) FROM (SELECT password_hash FROM account \
         UNION ALL SELECT password_hash FROM password_history) AS hashes \
         WHERE REPLACE(REPLACE(password_hash, ?1, ''), ?2, '') <> password_hash";
    let named = format!(",keyid={}", Base64Unpadded::encode_string(pepper.as_bytes()));
    tx.only(query, values![&format!("{named}$"), &format!("{named},")])
}

/// A kind that a newer program knows is left out.
fn states(tx: &mut Tx<'_>) -> Result<KeyStates, Broken> {
    let query = "SELECT kind, id, state, since FROM key_state ORDER BY kind, since, id";
    let rows = tx.all(query, &[], state)?;
    Ok(KeyStates(rows.into_iter().flatten().collect()))
}

fn state(row: &Row<'_>) -> Result<Option<KeyRow>, Broken> {
    let text = |at| row.get::<String>(at);
    let Some(kind) = Kind::parse(&text(0)?) else {
        return Ok(None);
    };
    Ok(Some(KeyRow {
        kind,
        id: Name::parse(&text(1)?).ok_or(Broken::Row)?,
        state: KeyState::parse(&text(2)?).ok_or(Broken::Row)?,
        since: row.get(3)?,
    }))
}

fn instances(tx: &mut Tx<'_>) -> Result<Vec<Instance>, Broken> {
    tx.all("SELECT id, seen, holds FROM instance ORDER BY id", &[], |row| {
        let holds = read_holds(&row.get::<String>(2)?);
        Ok(Instance { id: row.get(0)?, seen: row.get(1)?, holds })
    })
}

/// What a newer program tells in other words is left out.
fn read_holds(text: &str) -> Vec<Held> {
    text.split(' ').filter_map(Held::parse).collect()
}
