//! Why an account gets no message now, or which challenge it gets again.
//! Invariant: what is asked for through one door silences no other, and an account gets a bounded number of messages.

use std::time::Duration;

use super::pot;
use super::resolve::Asking;
use super::tx::{Broken, Tx, Value, values};
use crate::store::{Birth, Form, Suppression};

/// In this time an account gets a bounded number of messages, whatever is asked for.
const CROWD: Duration = Duration::from_secs(15 * 60);

/// How many secrets' sends fit into it.
const DOORS: u32 = 3;

/// What a mail carries for one account.
pub(super) struct Part<'b> {
    pub(super) birth: &'b Birth,
    pub(super) form: &'b Form,
    /// The challenge that is sent again; without it, one is made.
    pub(super) living: Option<[u8; 16]>,
}

pub(super) fn judge<'b>(
    tx: &mut Tx<'_>,
    asking: &Asking,
    birth: &'b Birth,
) -> Result<Result<Part<'b>, Suppression>, Broken> {
    let form =
        if is_frozen(tx, asking, birth)? { birth.frozen.as_ref() } else { Some(&birth.usual) };
    let Some(form) = form else {
        return Ok(Err(Suppression::Frozen));
    };
    if is_cooling_down(tx, asking, birth, form)? || is_crowded(tx, asking, birth, form)? {
        return Ok(Err(Suppression::CoolDown));
    }
    Ok(match living(tx, asking, birth, form)? {
        Some(living) if living.is_queued => Err(Suppression::Merged),
        Some(living) if living.sends >= birth.sends => Err(Suppression::Resends),
        living => Ok(Part { birth, form, living: living.map(|living| living.id) }),
    })
}

/// Whether the day's guesses are used up: those that were made at the address, so that none would be compared with a code
/// of each of its accounts; or those that the codes of places, which are guessed at in each place anew, have allowed
/// already.
fn is_frozen(tx: &mut Tx<'_>, asking: &Asking, birth: &Birth) -> Result<bool, Broken> {
    let next = pot::daily(tx, asking.address_key, asking.at)?.saturating_add(asking.accounts);
    if next > birth.daily_wrong_codes {
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
    // A mail to a shared mailbox is the first account's, and told to each.
    let query = "SELECT COUNT(*), COUNT(*) FILTER (WHERE challenge.dialect = ?4) FROM challenge JOIN \
         (SELECT mail.challenge FROM mail WHERE account = ?1 AND channel = ?2 AND at > ?3 \
         UNION ALL SELECT own.id FROM challenge AS own JOIN mail_part ON mail_part.challenge = own.id \
         JOIN mail ON mail.id = mail_part.mail WHERE own.account = ?1 AND own.channel = ?2 AND mail.account <> ?1 \
         AND mail.at > ?3) AS told ON told.challenge = challenge.id";
    let since = asking.at.minus(CROWD);
    let values = values![&birth.account, &asking.channel, since, form.dialect];
    let (all, here): (u32, u32) = counts(tx, query, values)?;
    Ok(all >= birth.sends.saturating_mul(DOORS) && here > 0)
}

fn counts(tx: &mut Tx<'_>, query: &str, values: &[Value<'_>]) -> Result<(u32, u32), Broken> {
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
         OR EXISTS (SELECT 1 FROM mail_part JOIN mail ON mail.id = mail_part.mail \
         WHERE mail_part.challenge = challenge.id AND mail.state = 'waiting') \
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
