//! Puts the configuration together, section by section. Invariant: every key of a section is read before one that is
//! missing or wrong gives the section up, so that all faults are found in one run.

use std::path::Path;
use std::time::Duration;

use super::directory;
use super::events;
use super::forms;
use super::listen;
use super::mail;
use super::password;
use super::reader::Reader;
use super::rules;
use super::sites::{Sender, Sites};
use super::store;
use super::{Config, DirectoryConfig, KeyFile, KeyFiles, Limits, Rates, SmsConfig};
use crate::limits::table::{self, Limit};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

pub(super) fn read(reader: &mut Reader<'_>) -> Option<Config> {
    let home = reader.home();
    let data = reader.read("data", |value| forms::path(value, &home));
    let audience = reader.read("audience", forms::name);
    let change_password_url = reader.read("change_password_url", forms::url);
    let log_level = reader.read("log_level", forms::level);
    let listen = listen::read(reader, &home);
    let store = data.as_deref().and_then(|data| store::read(reader, &home, data));
    let mut directory = directory::read(reader);
    let events = events::read(reader);
    let keys = data.as_deref().and_then(|data| keys(reader, &home, data));
    let mail = mail::read(reader, &home);
    let sms = reader
        .read("sms.spool", |value| forms::path(value, &home))
        .map(|spool| SmsConfig { spool });
    let limits = limits(reader);
    let is_theirs = !matches!(directory, None | Some(DirectoryConfig::Embedded));
    let password = password::read(reader, is_theirs);
    if let (Some(directory), Some(password)) = (&mut directory, &password) {
        directory::fit(reader, directory, password.recipe);
    }
    let longest = password.as_ref().and_then(|password| password.recipe.max_bytes());
    let rules = rules::read(reader, &home, longest);
    let sender = mail
        .as_ref()
        .map(|mail| Sender { from: mail.from.clone(), reply_to: mail.reply_to.clone() });
    let sites = Sites::read(reader, &rules, sender);
    Some(Config {
        data: data?,
        audience: audience?,
        sites: sites?,
        change_password_url,
        log_level: log_level?,
        listen: listen?,
        store: store?,
        directory: directory?,
        events,
        keys: keys?,
        mail: mail?,
        sms,
        limits: limits?,
        password: password?,
        normal: rules.normal?,
        lookup: rules.lookup,
    })
}

fn keys(reader: &mut Reader<'_>, home: &Path, data: &Path) -> Option<KeyFiles> {
    // Instances that share a store share their keys, so none of them may draw its own.
    let is_shared = reader.has("store.url");
    let preset = |name: &str| {
        let path = data.join("keys").join(name);
        if is_shared { KeyFile::Shared(path) } else { KeyFile::Default(path) }
    };
    let named = |reader: &mut Reader<'_>, name: &str| {
        let path = format!("keys.{name}");
        reader.read(&path, |value| forms::secret(value, home)).map(KeyFile::Named)
    };
    let master = named(reader, "master").unwrap_or_else(|| preset("master"));
    let jwt = named(reader, "jwt").unwrap_or_else(|| preset("jwt"));
    let password = named(reader, "password");
    let password =
        password.unwrap_or_else(|| KeyFile::Optional(data.join("keys").join("password")));
    let edge = reader.read("keys.edge", |value| forms::secrets(value, home));
    let edge = edge.map_or_else(
        || vec![preset("edge")],
        |paths| paths.into_iter().map(KeyFile::Named).collect(),
    );
    Some(KeyFiles { master, edge, jwt, password })
}

fn limits(reader: &mut Reader<'_>) -> Option<Limits> {
    let cool_down = reader.read("limits.cool_down", |value| forms::duration(value, SECOND..=HOUR));
    let sends = reader.read("limits.sends", |value| forms::whole(value, 1..=10));
    let daily_wrong_codes =
        reader.read("limits.daily_wrong_codes", |value| forms::whole(value, 5..=100));
    let policy_failures =
        reader.read("limits.policy_failures", |value| forms::whole(value, 1..=100));
    let backlog = reader.read("limits.backlog", |value| forms::whole(value, 10..=1_000_000));
    let rates = rates(reader);
    Some(Limits {
        cool_down: cool_down?,
        sends: sends?,
        daily_wrong_codes: daily_wrong_codes?,
        policy_failures: policy_failures?,
        backlog: backlog?,
        rates: rates?,
    })
}

fn rates(reader: &mut Reader<'_>) -> Option<Rates> {
    // A narrow budget counts in whole milliseconds; wide ones are taken in blocks.
    let mut narrow = |limit: &Limit| reader.read(limit.key, |value| forms::rate(value, 1_000));
    let sender_32 = narrow(&table::SENDER_32);
    let sender_24 = narrow(&table::SENDER_24);
    let sender_64 = narrow(&table::SENDER_64);
    let sender_56 = narrow(&table::SENDER_56);
    let sender_48 = narrow(&table::SENDER_48);
    let address = narrow(&table::ADDRESS);
    let place = narrow(&table::PLACE);
    let attempts = narrow(&table::ATTEMPTS);
    let mut wide = |limit: &Limit| reader.read(limit.key, |value| forms::rate(value, 1_000_000));
    let client = wide(&table::CLIENT);
    let installation = wide(&table::INSTALLATION);
    let wrong_codes = wide(&table::WRONG_CODES);
    Some(Rates {
        sender_32: sender_32?,
        sender_24: sender_24?,
        sender_64: sender_64?,
        sender_56: sender_56?,
        sender_48: sender_48?,
        address: address?,
        place: place?,
        client: client?,
        installation: installation?,
        attempts: attempts?,
        wrong_codes: wrong_codes?,
    })
}
