//! The worker's decision of an ask, in one transaction: the reason why not, the same secret again, or a new challenge.
//! Invariant: an ask is decided once, and nothing that is asked for ends a living challenge of another place.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Broken, Sqlite, mail, pot, row};
use crate::clock::{Millis, millis};
use crate::secret::{ChallengeId, Secrets};
use crate::store::{
    AskId, Birth, CodeForm, Form, MailKind, NewMail, Resolution, Resolved, StoreError, Suppression,
};

/// Codes of one place that are looked at to find one that differs; more do not live at a time.
const NEIGHBOURS: u32 = 256;

impl Sqlite {
    pub(in crate::store) async fn resolve_ask(
        &self,
        ask: AskId,
        at: Millis,
        resolution: Resolution,
    ) -> Result<Resolved, StoreError> {
        self.write(move |connection| resolve(connection, ask, at, &resolution)).await
    }
}

/// What the ask's row adds to a birth.
struct Asking {
    id: AskId,
    at: Millis,
    channel: String,
    address_key: [u8; 16],
    place: [u8; 16],
    place_owned: bool,
    pot: i64,
    site: String,
    client: Option<String>,
}

impl Asking {
    fn client(&self, form: &Form) -> Option<&str> {
        self.client.as_deref().filter(|_| form.keeps_client)
    }
}

fn resolve(
    connection: &Connection,
    id: AskId,
    at: Millis,
    resolution: &Resolution,
) -> Result<Resolved, Broken> {
    let Some(asking) = waiting(connection, id, at)? else {
        return Ok(Resolved::Gone);
    };
    let resolved = match resolution {
        Resolution::Suppressed(reason) => Resolved::Suppressed(*reason),
        Resolution::Stale => Resolved::Stale,
        Resolution::Birth(birth) => give_birth(connection, &asking, birth)?,
    };
    let (state, reason) = match resolved {
        Resolved::Queued => ("queued", None),
        Resolved::Suppressed(reason) => ("suppressed", Some(reason.as_str())),
        Resolved::Stale | Resolved::Gone => ("stale", None),
    };
    let ended = (resolved != Resolved::Queued).then_some(at.0);
    let write = "UPDATE ask SET state = ?2, reason = ?3, ended = ?4 WHERE id = ?1";
    connection.prepare_cached(write)?.execute(params![id, state, reason, ended])?;
    Ok(resolved)
}

fn waiting(connection: &Connection, id: AskId, at: Millis) -> Result<Option<Asking>, Broken> {
    let query = "SELECT channel, address_key, place, place_owned, pot, site, client FROM ask \
         WHERE id = ?1 AND state = 'waiting'";
    let mut statement = connection.prepare_cached(query)?;
    let found = statement.query_row([id], |row| {
        Ok(Asking {
            id,
            at,
            channel: row.get(0)?,
            address_key: row.get(1)?,
            place: row.get(2)?,
            place_owned: row.get(3)?,
            pot: row.get(4)?,
            site: row.get(5)?,
            client: row.get(6)?,
        })
    });
    Ok(found.optional()?)
}

fn give_birth(connection: &Connection, asking: &Asking, birth: &Birth) -> Result<Resolved, Broken> {
    let frozen = pot::daily(connection, asking.address_key, asking.at)? >= birth.daily_wrong_codes;
    let form = if frozen { birth.frozen.as_ref() } else { Some(&birth.usual) };
    let Some(form) = form else {
        return Ok(Resolved::Suppressed(Suppression::Frozen));
    };
    if is_cooling_down(connection, asking, birth, form)? {
        return Ok(Resolved::Suppressed(Suppression::CoolDown));
    }
    let challenge = match living(connection, asking, birth, form)? {
        Some(living) if living.is_queued => return Ok(Resolved::Suppressed(Suppression::Merged)),
        Some(living) if living.sends >= birth.sends => {
            return Ok(Resolved::Suppressed(Suppression::Resends));
        }
        Some(living) => {
            let write = "UPDATE challenge SET sends = sends + 1, last_send = ?2 WHERE id = ?1";
            connection.prepare_cached(write)?.execute(params![living.id, asking.at.0])?;
            ChallengeId(living.id)
        }
        None => {
            insert(connection, asking, birth, form)?;
            birth.id
        }
    };
    let letter = NewMail {
        id: birth.mail,
        kind: MailKind::Reset,
        challenge: Some(challenge),
        ask: Some(asking.id),
        account: birth.account.clone(),
        address: birth.address.clone(),
        language: birth.language,
        agent: None,
        at: asking.at,
    };
    mail::queue(connection, &letter)?;
    Ok(Resolved::Queued)
}

/// Whether the account was written to too lately. A code that is good in its place only is of no use in another one, so
/// there the places share the number of sends instead.
fn is_cooling_down(
    connection: &Connection,
    asking: &Asking,
    birth: &Birth,
    form: &Form,
) -> Result<bool, Broken> {
    let query = "SELECT COUNT(*), COALESCE(SUM(place = ?4), 0) FROM challenge \
         WHERE account = ?1 AND channel = ?2 AND last_send > ?3";
    let since = asking.at.minus(birth.cool_down);
    let values = params![birth.account, asking.channel, since.0, asking.place];
    let mut statement = connection.prepare_cached(query)?;
    let (all, here): (u32, u32) =
        statement.query_row(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let placed = form.code.is_some_and(|code| code.placed);
    Ok(if placed { here > 0 || all >= birth.sends } else { all > 0 })
}

struct Living {
    id: [u8; 16],
    sends: u32,
    /// A mail with it waits already.
    is_queued: bool,
}

/// A challenge that says the same and has more than half of its life before it, or has not begun it.
fn living(
    connection: &Connection,
    asking: &Asking,
    birth: &Birth,
    form: &Form,
) -> Result<Option<Living>, Broken> {
    let query = "SELECT id, sends, EXISTS (SELECT 1 FROM mail WHERE mail.challenge = challenge.id AND mail.state = 'waiting') \
         FROM challenge WHERE account = ?1 AND channel = ?2 AND address = ?3 AND dialect = ?4 AND site = ?5 \
         AND client IS ?6 AND state = 'live' AND code_used = 0 AND master = ?7 AND fingerprint = ?8 \
         AND code_digits = ?9 AND (link_life IS NULL) = ?10 AND (place = ?11 OR NOT placed) \
         AND (link_until IS NULL OR (link_until - ?12) * 2 > link_life) \
         AND (code_until IS NULL OR (code_until - ?12) * 2 > code_life) \
         AND (relayed IS NOT NULL OR born > ?12 - COALESCE(link_life, code_life)) \
         ORDER BY born DESC LIMIT 1";
    let values = params![
        birth.account,
        asking.channel,
        birth.address.as_str(),
        form.dialect,
        asking.site,
        asking.client(form),
        birth.secrets.master().as_str(),
        birth.fingerprint,
        form.code.map_or(0, |code| code.digits),
        form.link_life.is_none(),
        asking.place,
        asking.at.0,
    ];
    let mut statement = connection.prepare_cached(query)?;
    let found = statement.query_row(values, |row| {
        Ok(Living { id: row.get(0)?, sends: row.get(1)?, is_queued: row.get(2)? })
    });
    Ok(found.optional()?)
}

fn insert(
    connection: &Connection,
    asking: &Asking,
    birth: &Birth,
    form: &Form,
) -> Result<(), Broken> {
    let placed = form.code.filter(|code| code.placed);
    let counter = match placed {
        Some(code) => counter(connection, asking, birth, code)?,
        None => 0,
    };
    let write = "INSERT INTO challenge (id, account, channel, address, address_key, dialect, site, client, place, \
         place_owned, language, born, pot, counter, link_life, code_digits, code_life, placed, sends, last_send, \
         state, master, fingerprint) VALUES \
         (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, 1, ?12, 'live', ?19, ?20)";
    connection.prepare_cached(write)?.execute(params![
        birth.id.0,
        birth.account,
        asking.channel,
        birth.address.as_str(),
        asking.address_key,
        form.dialect,
        asking.site,
        asking.client(form),
        asking.place,
        asking.place_owned,
        birth.language.tag(),
        asking.at.0,
        asking.pot,
        counter,
        row::span(form.link_life),
        form.code.map_or(0, |code| code.digits),
        form.code.map(|code| millis(code.life)),
        placed.is_some(),
        birth.secrets.master().as_str(),
        birth.fingerprint,
    ])?;
    Ok(())
}

/// The counter that makes the new code differ from all that live in its place. A place of its own holds one code: the
/// new one ends the others.
fn counter(
    connection: &Connection,
    asking: &Asking,
    birth: &Birth,
    code: CodeForm,
) -> Result<u32, Broken> {
    if asking.place_owned {
        let write = "UPDATE challenge SET state = 'revoked', ended = ?2 WHERE place = ?1 AND placed AND state = 'live'";
        connection.prepare_cached(write)?.execute(params![asking.place, asking.at.0])?;
        return Ok(0);
    }
    let query = "SELECT id, counter, code_digits FROM challenge WHERE place = ?1 AND placed AND state IN ('live', 'held') \
         AND (code_until IS NULL OR code_until > ?2) ORDER BY born DESC LIMIT ?3";
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query(params![asking.place, asking.at.0, NEIGHBOURS])?;
    let mut taken = Vec::new();
    while let Some(row) = rows.next()? {
        taken.push(birth.secrets.code(ChallengeId(row.get(0)?), row.get(1)?, row.get(2)?));
    }
    let free = (0..=NEIGHBOURS)
        .find(|counter| is_free(&birth.secrets, birth.id, *counter, code.digits, &taken));
    free.ok_or(Broken::Row)
}

fn is_free(
    secrets: &Secrets,
    id: ChallengeId,
    counter: u32,
    digits: u8,
    taken: &[zeroize::Zeroizing<String>],
) -> bool {
    let code = secrets.code(id, counter, digits);
    taken.iter().all(|other| other.as_str() != code.as_str())
}
