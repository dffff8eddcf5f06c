//! Codes that differ from all that a guess is compared with beside them.
//! Invariant: of the codes that live in one place, or at one address that several accounts have, no two are the same, so a
//! code says whose it is.

use zeroize::Zeroizing;

use super::resolve::Asking;
use super::restraint::Part;
use super::tx::{Broken, Row, Tx, Value, values};
use crate::secret::{ChallengeId, Master, Masters};
use crate::store::{ACCOUNTS, Birth, Form};

/// Codes that are looked at to find one that differs; more do not live at a time in one place, or at one address.
const NEIGHBOURS: u32 = 256;

/// The codes that a new one has to differ from.
#[derive(Default)]
pub(super) struct Codes {
    /// `None`: it is the only one, whatever it is.
    taken: Option<Vec<Zeroizing<String>>>,
}

impl Codes {
    /// Those that live where the new ones will. A place of its own holds the codes of one ask: new ones end the others but
    /// those of the accounts that keep theirs.
    pub(super) fn before<'p>(
        tx: &mut Tx<'_>,
        asking: &Asking,
        new: impl Iterator<Item = &'p Part<'p>>,
        kept: &[&str],
    ) -> Result<Self, Broken> {
        let coded: Vec<_> =
            new.filter_map(|part| Some((part.birth, part.form.code?.placed))).collect();
        let Some((birth, _)) = coded.first() else {
            return Ok(Self::default());
        };
        let masters = &birth.masters;
        if coded.iter().any(|(_, placed)| *placed) {
            tx.alone(&contract::signature::hex(&asking.place))?;
            if asking.place_owned {
                vacate(tx, asking, kept)?;
            }
            return Ok(Self { taken: Some(in_place(tx, asking, masters)?) });
        }
        if asking.accounts < 2 {
            return Ok(Self::default());
        }
        Ok(Self { taken: Some(at_address(tx, asking, masters)?) })
    }

    /// The counter that makes a new code differ from all of them; it is one of them from now on.
    pub(super) fn differing(&mut self, birth: &Birth, form: &Form) -> Result<u32, Broken> {
        let (Some(taken), Some(code)) = (&mut self.taken, form.code) else {
            return Ok(0);
        };
        let make = |counter: u32| birth.masters.active().code(birth.id, counter, code.digits);
        let free = (0..=NEIGHBOURS).map(|counter| (counter, make(counter)));
        let found = free.into_iter().find(|(_, code)| !taken.contains(code));
        let (counter, code) = found.ok_or(Broken::Row)?;
        taken.push(code);
        Ok(counter)
    }
}

fn vacate(tx: &mut Tx<'_>, asking: &Asking, kept: &[&str]) -> Result<(), Broken> {
    let places: Vec<String> = (3_usize..).take(ACCOUNTS).map(|place| format!("?{place}")).collect();
    let write = format!(
        "UPDATE challenge SET state = 'revoked', ended = ?2 WHERE place = ?1 AND placed = 1 AND state = 'live' \
         AND account NOT IN ({})",
        places.join(", ")
    );
    let mut given = values![&asking.place, asking.at].to_vec();
    // Nobody's id is empty.
    let padded = kept.iter().copied().chain(std::iter::repeat(""));
    given.extend(padded.take(ACCOUNTS).map(Value::from));
    tx.run(&write, &given).map(drop)
}

fn in_place(
    tx: &mut Tx<'_>,
    asking: &Asking,
    masters: &Masters,
) -> Result<Vec<Zeroizing<String>>, Broken> {
    let query = "SELECT id, counter, code_digits, master FROM challenge WHERE place = ?1 AND placed = 1 \
         AND state IN ('live', 'held') AND (code_until IS NULL OR code_until > ?2) ORDER BY born DESC LIMIT ?3";
    let values = values![&asking.place, asking.at, NEIGHBOURS];
    let taken = tx.all(query, values, |row| code(row, masters))?;
    Ok(taken.into_iter().flatten().collect())
}

/// In all pots that a guess at the address counts in.
fn at_address(
    tx: &mut Tx<'_>,
    asking: &Asking,
    masters: &Masters,
) -> Result<Vec<Zeroizing<String>>, Broken> {
    let query = "SELECT id, counter, code_digits, master FROM challenge WHERE pot IN (SELECT one.id FROM pot AS own \
         JOIN pot AS one ON one.scope = own.scope AND one.channel = own.channel WHERE own.id = ?1 AND one.until > ?2) \
         AND code_digits > 0 AND state IN ('live', 'held') AND code_used = 0 \
         AND (code_until IS NULL OR code_until > ?2) ORDER BY born DESC LIMIT ?3";
    let values = values![asking.pot, asking.at, NEIGHBOURS];
    let taken = tx.all(query, values, |row| code(row, masters))?;
    Ok(taken.into_iter().flatten().collect())
}

/// One whose master is gone is no code any more.
fn code(row: &Row<'_>, masters: &Masters) -> Result<Option<Zeroizing<String>>, Broken> {
    let (id, counter, digits) = (ChallengeId(row.get(0)?), row.get(1)?, row.get(2)?);
    let maker: Option<&Master> = masters.of(&row.get::<String>(3)?);
    Ok(maker.map(|maker| maker.code(id, counter, digits)))
}
