//! Columns to domain values and back. Invariant: a column that we cannot have written is an error, never a default.

use std::time::Duration;

use contract::address::{Address, Channel};
use contract::dialect;
use contract::language::Language;
use contract::name::Name;

use super::tx::{Broken, Row};
use crate::clock::millis;
use crate::secret::{AddressKey, ChallengeId};
use crate::store::{Challenge, Issuer};

/// The columns that `challenge` reads, in its order.
macro_rules! challenge_columns {
    () => {
        "id, account, channel, address, address_key, dialect, language, counter, code_digits, link_life, state, \
         link_until, CASE code_used WHEN 0 THEN code_until END, relayed, master, fingerprint"
    };
}
pub(super) use challenge_columns;

/// Reads one row of `challenge_columns`.
pub(super) fn challenge(row: &Row<'_>) -> Result<Challenge, Broken> {
    let channel = channel(&row.get::<String>(2)?)?;
    let state: String = row.get(10)?;
    Ok(Challenge {
        id: ChallengeId(row.get(0)?),
        account: row.get(1)?,
        channel,
        address: address(channel, &row.get::<String>(3)?)?,
        address_key: AddressKey(row.get(4)?),
        dialect: row.get(5)?,
        language: language(&row.get::<String>(6)?)?,
        counter: row.get(7)?,
        code_digits: row.get(8)?,
        has_link: row.get::<Option<i64>>(9)?.is_some(),
        open: state == "live" || state == "held",
        link_until: row.get(11)?,
        code_until: row.get(12)?,
        relayed: row.get::<Option<i64>>(13)?.is_some(),
        master: row.get(14)?,
        fingerprint: row.get(15)?,
    })
}

pub(super) fn channel(text: &str) -> Result<Channel, Broken> {
    Channel::parse(text).ok_or(Broken::Row)
}

pub(super) fn address(channel: Channel, text: &str) -> Result<Address, Broken> {
    Address::parse(channel, text, None).map_err(|_| Broken::Row)
}

pub(super) fn language(tag: &str) -> Result<Language, Broken> {
    Language::parse(tag).ok_or(Broken::Row)
}

pub(super) fn name(text: &str) -> Result<Name, Broken> {
    Name::parse(text).ok_or(Broken::Row)
}

pub(super) fn issuer(dialect: &str, site: &str, client: Option<&str>) -> Result<Issuer, Broken> {
    Ok(Issuer {
        dialect: dialect::by_name(dialect).ok_or(Broken::Row)?.name(),
        site: name(site)?,
        client: client.map(name).transpose()?,
    })
}

/// A span as the store keeps it, where there is one.
pub(super) fn span(span: Option<Duration>) -> Option<i64> {
    span.map(millis)
}
