//! A million accounts with a live challenge each, written straight into the file of a sidecar that is stopped.
//! Invariant: only columns of the first schema are named, so later ones have their defaults.

use std::path::Path;

use rusqlite::{Connection, params};

use crate::chance::Chance;
use crate::fault::{Benched, fault};
use crate::pen::now;

/// Rows of one transaction.
const GROUP: usize = 20_000;
/// The challenges were asked for in the last quarter of an hour.
const SPREAD: i64 = 900_000;
const LINK_LIFE: i64 = 1_800_000;
const CODE_LIFE: i64 = 600_000;

const ACCOUNT: &str = "INSERT INTO account (id, email, email_key, active, second_factor, password_hash, counter, changed) \
     VALUES (?1, ?2, ?2, 1, 0, ?3, 1, ?4)";
const POT: &str =
    "INSERT INTO pot (id, scope, channel, place, born, until) VALUES (?1, ?2, 'email', ?3, ?4, ?5)";
const CHALLENGE: &str = "INSERT INTO challenge (id, account, channel, address, address_key, dialect, site, place, \
     place_owned, language, born, pot, counter, link_life, link_until, code_digits, code_life, code_until, placed, \
     relayed, sends, last_send, state, master, fingerprint) VALUES \
     (?1, ?2, 'email', ?3, ?4, 'native', 'default', ?5, 0, 'en', ?6, ?7, 1, ?8, ?9, 6, ?10, ?11, 0, ?6, 1, ?6, 'live', ?12, ?13)";

/// Tells `progress` the number of rows done.
pub(crate) fn fill(
    data: &Path,
    hash: &str,
    count: usize,
    mut progress: impl FnMut(usize) -> Benched<()>,
) -> Benched<()> {
    let key = std::fs::read_to_string(data.join("keys/master"))?;
    let of_master = |line: &&str| line.starts_with("rekey-master ");
    let master = key.lines().find(of_master).and_then(|line| line.split(' ').nth(1));
    let master = master.ok_or_else(|| fault("the master key cannot be read"))?;
    let database = Connection::open(data.join("rekey.db"))?;
    database.pragma_update(None, "synchronous", "off")?;
    database.pragma_update(None, "cache_size", -400_000)?;
    database.pragma_update(None, "wal_autocheckpoint", 50_000)?;
    let first: i64 =
        database.query_row("SELECT COALESCE(MAX(id), 0) + 1 FROM pot", [], |row| row.get(0))?;
    let mut chance = Chance::new();
    for begun in (0..count).step_by(GROUP) {
        database.execute_batch("BEGIN")?;
        for number in begun..(begun + GROUP).min(count) {
            row(&database, &mut chance, number, first, hash, master)?;
        }
        database.execute_batch("COMMIT")?;
        progress((begun + GROUP).min(count))?;
    }
    database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}

fn row(
    database: &Connection,
    chance: &mut Chance,
    number: usize,
    first: i64,
    hash: &str,
    master: &str,
) -> Benched<()> {
    let number = i64::try_from(number).map_err(|_| fault("too many rows"))?;
    let now = i64::try_from(now()).map_err(|_| fault("no time"))?.saturating_mul(1000);
    let born = now - i64::from_ne_bytes(chance.bytes()).rem_euclid(SPREAD);
    let (account, address) = (format!("a{number:x}"), format!("person{number}@example.net"));
    let (scope, place, pot): ([u8; 16], [u8; 16], i64) =
        (chance.bytes(), chance.bytes(), first + number);
    database.prepare_cached(ACCOUNT)?.execute(params![account, address, hash, born])?;
    database.prepare_cached(POT)?.execute(params![pot, scope, place, born, now + LINK_LIFE])?;
    let fingerprint: [u8; 32] = chance.bytes();
    database.prepare_cached(CHALLENGE)?.execute(params![
        id(born, chance.bytes()),
        account,
        address,
        scope,
        place,
        born,
        pot,
        LINK_LIFE,
        now + LINK_LIFE,
        CODE_LIFE,
        now + CODE_LIFE,
        master,
        fingerprint,
    ])?;
    Ok(())
}

/// 40 bits of time in seconds, then chance.
fn id(born: i64, mut id: [u8; 16]) -> [u8; 16] {
    let time = born.div_euclid(1000).to_be_bytes();
    for (to, from) in id.iter_mut().zip(time.into_iter().skip(3)) {
        *to = from;
    }
    id
}
