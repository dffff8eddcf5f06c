//! The worker's decision of an ask, in one transaction: the reason why not, the same secret again, or a new challenge.
//! Invariant: an ask is decided once, and nothing that is asked for ends a living challenge of another place.

use std::time::Duration;

use super::tx::{Broken, Tx, values};
use super::{mail, outbox, pot, row};
use crate::clock::{Millis, millis};
use crate::secret::{ChallengeId, Master};
use crate::store::{
    AskId, Birth, CodeForm, Form, MailKind, NewMail, Resolved, Store, StoreError, Suppression,
};

/// Codes of one place that are looked at to find one that differs; more do not live at a time.
const NEIGHBOURS: u32 = 256;

/// In this time an account gets a bounded number of messages, whatever is asked for.
const CROWD: Duration = Duration::from_secs(15 * 60);

/// How many secrets' sends fit into it.
const DOORS: u32 = 3;

impl Store {
    /// Decides an ask whose account was found: a challenge and a mail, or the reason why not.
    pub async fn resolve_ask(
        &self,
        ask: AskId,
        at: Millis,
        birth: Box<Birth>,
    ) -> Result<Resolved, StoreError> {
        self.write(move |tx| resolve(tx, ask, at, &birth)).await
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

fn resolve(tx: &mut Tx<'_>, id: AskId, at: Millis, birth: &Birth) -> Result<Resolved, Broken> {
    tx.alone(&birth.account)?;
    let Some(asking) = waiting(tx, id, at)? else {
        return Ok(Resolved::Gone);
    };
    let why = give_birth(tx, &asking, birth)?;
    let state = if why.is_some() { "suppressed" } else { "queued" };
    let write = "UPDATE ask SET state = ?2, reason = ?3, ended = ?4 WHERE id = ?1";
    tx.run(write, values![&id, state, why.map(Suppression::as_str), why.map(|_| at)])?;
    Ok(why.map_or(Resolved::Queued, Resolved::Suppressed))
}

fn waiting(tx: &mut Tx<'_>, id: AskId, at: Millis) -> Result<Option<Asking>, Broken> {
    let query = "SELECT channel, address_key, place, place_owned, pot, site, client FROM ask \
         WHERE id = ?1 AND state = 'waiting' /* for update */";
    tx.one(query, values![&id], |row| {
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
    })
}

/// `None`: a mail waits with it.
fn give_birth(
    tx: &mut Tx<'_>,
    asking: &Asking,
    birth: &Birth,
) -> Result<Option<Suppression>, Broken> {
    if outbox::is_suppressed(tx, &asking.address_key, &asking.channel, asking.at)? {
        return Ok(Some(Suppression::Bounced));
    }
    let form =
        if is_frozen(tx, asking, birth)? { birth.frozen.as_ref() } else { Some(&birth.usual) };
    let Some(form) = form else {
        return Ok(Some(Suppression::Frozen));
    };
    if is_cooling_down(tx, asking, birth, form)? || is_crowded(tx, asking, birth, form)? {
        return Ok(Some(Suppression::CoolDown));
    }
    let challenge = match living(tx, asking, birth, form)? {
        Some(living) if living.is_queued => return Ok(Some(Suppression::Merged)),
        Some(living) if living.sends >= birth.sends => {
            return Ok(Some(Suppression::Resends));
        }
        Some(living) => {
            let write = "UPDATE challenge SET sends = sends + 1, last_send = ?2 WHERE id = ?1";
            tx.run(write, values![&living.id, asking.at])?;
            ChallengeId(living.id)
        }
        None => {
            insert(tx, asking, birth, form)?;
            birth.id
        }
    };
    let letter = NewMail {
        id: birth.mail,
        kind: MailKind::Reset,
        site: row::name(&asking.site)?,
        challenge: Some(challenge),
        ask: Some(asking.id),
        account: birth.account.clone(),
        address: birth.address.clone(),
        language: birth.language,
        agent: None,
        at: asking.at,
    };
    mail::queue(tx, &letter)?;
    Ok(None)
}

/// Whether the day's guesses are used up: those that were made at the address, or those that the codes of places, which
/// are guessed at in each place anew, have allowed already.
fn is_frozen(tx: &mut Tx<'_>, asking: &Asking, birth: &Birth) -> Result<bool, Broken> {
    if pot::daily(tx, asking.address_key, asking.at)? >= birth.daily_wrong_codes {
        return Ok(true);
    }
    let Some(code) = birth.usual.code.filter(|code| code.placed) else {
        return Ok(false);
    };
    let query = "SELECT COUNT(*) FROM challenge WHERE account = ?1 AND born >= ?2 AND placed = 1";
    let born: u32 = tx.only(query, values![&birth.account, pot::today(asking.at)])?;
    Ok(born.saturating_mul(code.tries.into()) >= birth.daily_wrong_codes)
}

/// Whether the challenge that would be sent was sent too lately; what was sent through another door counts nothing here,
/// or a stranger who asks there would silence this one. A code that is good in its place only is of no use in another
/// one, so there the places share the number of sends instead.
fn is_cooling_down(
    tx: &mut Tx<'_>,
    asking: &Asking,
    birth: &Birth,
    form: &Form,
) -> Result<bool, Broken> {
    let query = "SELECT COUNT(*), COUNT(*) FILTER (WHERE place = ?8) FROM challenge \
         WHERE account = ?1 AND channel = ?2 AND last_send > ?3 AND address = ?4 AND dialect = ?5 AND site = ?6 \
         AND client IS NOT DISTINCT FROM ?7";
    let since = asking.at.minus(birth.cool_down);
    let (address, client) = (birth.address.as_str(), asking.client(form));
    let values = values![
        &birth.account,
        &asking.channel,
        since,
        address,
        form.dialect,
        &asking.site,
        client,
        &asking.place,
    ];
    let (all, here): (u32, u32) = counts(tx, query, values)?;
    let placed = form.code.is_some_and(|code| code.placed);
    Ok(if placed { here > 0 || all >= birth.sends } else { all > 0 })
}

/// Whether all doors together have written to the account often enough: `DOORS` times what one secret is sent. A dialect
/// that has not written in this time may, once, or strangers at the others would silence it. So nobody gets more than
/// `DOORS * sends` messages and one for each dialect in a `CROWD` on one channel.
fn is_crowded(
    tx: &mut Tx<'_>,
    asking: &Asking,
    birth: &Birth,
    form: &Form,
) -> Result<bool, Broken> {
    let query = "SELECT COUNT(*), COUNT(*) FILTER (WHERE challenge.dialect = ?4) \
         FROM mail JOIN challenge ON challenge.id = mail.challenge \
         WHERE mail.account = ?1 AND mail.channel = ?2 AND mail.at > ?3";
    let since = asking.at.minus(CROWD);
    let values = values![&birth.account, &asking.channel, since, form.dialect];
    let (all, here): (u32, u32) = counts(tx, query, values)?;
    Ok(all >= birth.sends.saturating_mul(DOORS) && here > 0)
}

fn counts(
    tx: &mut Tx<'_>,
    query: &str,
    values: &[super::tx::Value<'_>],
) -> Result<(u32, u32), Broken> {
    let found = tx.one(query, values, |row| Ok((row.get(0)?, row.get(1)?)))?;
    found.ok_or(Broken::Row)
}

struct Living {
    id: [u8; 16],
    sends: u32,
    /// A mail with it waits already.
    is_queued: bool,
}

/// A challenge that says the same and has more than half of its life before it, or has not begun it. A code alone whose
/// tries are used up for who asks is of no use to him, and is not sent again.
fn living(
    tx: &mut Tx<'_>,
    asking: &Asking,
    birth: &Birth,
    form: &Form,
) -> Result<Option<Living>, Broken> {
    let query = "SELECT id, sends, EXISTS (SELECT 1 FROM mail WHERE mail.challenge = challenge.id AND mail.state = 'waiting') \
         FROM challenge WHERE account = ?1 AND channel = ?2 AND address = ?3 AND dialect = ?4 AND site = ?5 \
         AND client IS NOT DISTINCT FROM ?6 AND state = 'live' AND code_used = 0 AND master = ?7 AND fingerprint = ?8 \
         AND code_digits = ?9 AND CASE WHEN link_life IS NULL THEN 1 ELSE 0 END = ?10 AND (place = ?11 OR placed = 0) \
         AND (link_until IS NULL OR (link_until - ?12) * 2 > link_life) \
         AND (code_until IS NULL OR (code_until - ?12) * 2 > code_life) \
         AND (relayed IS NOT NULL OR born > ?12 - COALESCE(link_life, code_life)) \
         AND (link_life IS NOT NULL OR EXISTS (SELECT 1 FROM pot WHERE pot.id = challenge.pot \
         AND CASE WHEN pot.place = ?11 THEN pot.own_wrong ELSE pot.others_wrong END < ?13)) \
         ORDER BY born DESC LIMIT 1";
    let values = values![
        &birth.account,
        &asking.channel,
        birth.address.as_str(),
        form.dialect,
        &asking.site,
        asking.client(form),
        birth.masters.active().id().as_str(),
        &birth.fingerprint,
        form.code.map_or(0, |code| code.digits),
        form.link_life.is_none(),
        &asking.place,
        asking.at,
        form.code.map_or(0, |code| code.tries),
    ];
    tx.one(query, values, |row| {
        Ok(Living { id: row.get(0)?, sends: row.get(1)?, is_queued: row.get(2)? })
    })
}

fn insert(tx: &mut Tx<'_>, asking: &Asking, birth: &Birth, form: &Form) -> Result<(), Broken> {
    let placed = form.code.filter(|code| code.placed);
    let counter = match placed {
        Some(code) => counter(tx, asking, birth, code)?,
        None => 0,
    };
    let write = "INSERT INTO challenge (id, account, channel, address, address_key, dialect, site, client, place, \
         place_owned, language, born, pot, counter, link_life, code_digits, code_life, placed, sends, last_send, \
         state, master, fingerprint) VALUES \
         (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, 1, ?12, 'live', ?19, ?20)";
    let values = values![
        &birth.id.0,
        &birth.account,
        &asking.channel,
        birth.address.as_str(),
        &asking.address_key,
        form.dialect,
        &asking.site,
        asking.client(form),
        &asking.place,
        asking.place_owned,
        birth.language.tag(),
        asking.at,
        asking.pot,
        counter,
        row::span(form.link_life),
        form.code.map_or(0, |code| code.digits),
        form.code.map(|code| millis(code.life)),
        placed.is_some(),
        birth.masters.active().id().as_str(),
        &birth.fingerprint,
    ];
    tx.run(write, values).map(drop)
}

/// The counter that makes the new code differ from all that live in its place. A place of its own holds one code: the
/// new one ends the others.
fn counter(tx: &mut Tx<'_>, asking: &Asking, birth: &Birth, code: CodeForm) -> Result<u32, Broken> {
    tx.alone(&contract::signature::hex(&asking.place))?;
    if asking.place_owned {
        let write = "UPDATE challenge SET state = 'revoked', ended = ?2 WHERE place = ?1 AND placed = 1 AND state = 'live'";
        tx.run(write, values![&asking.place, asking.at])?;
        return Ok(0);
    }
    let query = "SELECT id, counter, code_digits, master FROM challenge WHERE place = ?1 AND placed = 1 \
         AND state IN ('live', 'held') AND (code_until IS NULL OR code_until > ?2) ORDER BY born DESC LIMIT ?3";
    let taken = tx.all(query, values![&asking.place, asking.at, NEIGHBOURS], |row| {
        let (id, counter, digits) = (ChallengeId(row.get(0)?), row.get(1)?, row.get(2)?);
        // One whose master is gone is no code any more.
        let maker = birth.masters.of(&row.get::<String>(3)?);
        Ok(maker.map(|maker| maker.code(id, counter, digits)))
    })?;
    let free = (0..=NEIGHBOURS)
        .find(|counter| is_free(birth.masters.active(), birth.id, *counter, code.digits, &taken));
    free.ok_or(Broken::Row)
}

fn is_free(
    master: &Master,
    id: ChallengeId,
    counter: u32,
    digits: u8,
    taken: &[Option<zeroize::Zeroizing<String>>],
) -> bool {
    let code = master.code(id, counter, digits);
    taken.iter().flatten().all(|other| other.as_str() != code.as_str())
}
