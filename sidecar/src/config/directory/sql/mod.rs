//! The section `sql`: the team's own database, and how accounts stand in it. Invariant: names are of the closed grammar,
//! statements name no parameter that we do not have, and a password goes over no network in clear.

mod accounts;
mod place;
mod recipes;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::super::declared::{Key, key};
use super::super::forms::{self, Wrong};
use super::super::mail::one_line;
use super::super::reader::Reader;
use super::TIMEOUTS;
use crate::directory::sql::{Engine, Parameter, Salted, Shape, Source};
use crate::password::Recipe;

pub use self::place::SqlPlace;

pub(in crate::config) const KEYS: &[Key] = &[
    key(
        "sql.url",
        "",
        "postgres://, mysql:// or sqlite:",
        "Where the database is, without a password in it: `postgres://user@host[:port]/database` (`postgres:///database?host=/socket/directory&user=name` for a Unix socket), `mysql://user@host[:port]/database` for MySQL and MariaDB (`?socket=/path`), or `sqlite:path`. Of several PostgreSQL hosts the one that takes writes is used; a proxy in between must send reads and writes to one server, and a pooler give a session to one client.",
    ),
    key(
        "sql.password",
        "",
        "file:path",
        "The file that holds the password of the user of `sql.url`.",
    ),
    key(
        "sql.tls",
        "\"require\"",
        "require or off",
        "TLS to the server of `sql.url`, its certificate checked; off only to this machine.",
    ),
    key(
        "sql.ca",
        "",
        "file:path",
        "PEM certificates that the server's is checked against. Unset: the system's.",
    ),
    key("sql.connections", "4", "1 to 64", "Connections of this sidecar to the database."),
    key(
        "sql.timeout",
        "\"2s\"",
        "100ms to 5s",
        "How long connecting, looking up or writing may take; locks are waited for no longer.",
    ),
    key(
        "sql.recipe",
        "\"plain\"",
        "name of an app",
        "Presets of the keys below, and of `password.format`, for `anqicms`, `better-auth`, `devise`, `django`, `laravel` (sessions in its table need `sql.sessions`) or `wordpress` (6.8 or newer); `plain` has none. Each key overrides its preset, `\"\"` and `[]` take one away.",
    ),
    key(
        "sql.table",
        "",
        "name, or schema.name",
        "The table of accounts. Names are letters, digits and `_`.",
    ),
    key("sql.columns.id", "\"id\"", "column", "The key of the account: text, a number or a UUID."),
    key("sql.columns.email", "", "column", "The e-mail address. It needs an index."),
    key(
        "sql.columns.phone",
        "",
        "column",
        "The phone number, in the form `sql.phone_form`. It needs an index.",
    ),
    key("sql.columns.emails", "", "list of columns", "Further columns with e-mail addresses."),
    key("sql.columns.phones", "", "list of columns", "Further columns with phone numbers."),
    key(
        "sql.columns.user_name",
        "",
        "column",
        "What tells several accounts on one address apart, and must not be in a password.",
    ),
    key("sql.columns.display_name", "", "column", "The name that mails greet with."),
    key("sql.columns.language", "", "column", "The language of mails, as `zh-CN`."),
    key(
        "sql.columns.status",
        "",
        "column",
        "Whether the account may log in; see `sql.active`. Unset: all may.",
    ),
    key(
        "sql.columns.deleted",
        "",
        "column",
        "When the account was deleted, where deleted rows stay: it may log in while this is NULL.",
    ),
    key(
        "sql.columns.second_factor",
        "",
        "column",
        "Set (not NULL, 0, false or empty) where log-in asks for a second factor: then a reset logs nobody in.",
    ),
    key(
        "sql.columns.password_hash",
        "",
        "column",
        "The hash that the app verifies, and that a reset writes.",
    ),
    key(
        "sql.columns.salt",
        "",
        "column",
        "The salt of that hash, where it has a column of its own; for `password.format = \"pbkdf2-sha256-hex\"` or `\"pbkdf2-sha512-hex\"`, with the iterations that the app has in its code as `password.iterations`.",
    ),
    key(
        "sql.active",
        "",
        "list of values",
        "Values of `sql.columns.status` that mean active: texts, numbers, true or false, `\"null\"`.",
    ),
    key(
        "sql.phone_form",
        "\"e164\"",
        "e164, digits or national:CN",
        "How phone numbers stand there: `+8613800138000`, `8613800138000`, or `13800138000` of one country.",
    ),
    key(
        "sql.match",
        "\"exact\"",
        "exact or lower",
        "How e-mail addresses are looked up. `exact`: as the column compares, which finds any letter case where its collation (`utf8mb4_general_ci`, `NOCASE`) or type (`citext`) does; `lower`: through `lower(email)`, which needs an index on that expression.",
    ),
    key(
        "sql.set",
        "",
        "list of `column = value`",
        "What else a write sets: `now` (UTC), `now_unix`, `now_unix_ms`, `true`, `false`, `null`, a whole number, `column + 1`, or `'text'`.",
    ),
    key(
        "sql.revision",
        "",
        "list of columns",
        "Columns whose change makes open links worthless; the hash, or a column that `sql.set` moves, must be one. Unset: the hash alone.",
    ),
    key(
        "sql.sessions",
        "",
        "statement",
        "Ends the account's sessions, in the transaction that writes the password: `DELETE FROM sessions WHERE user_id = :id`.",
    ),
    key(
        "sql.find",
        "",
        "statement",
        "Instead of table and columns: accounts by `:email` or `:phone` (the other is NULL). The result's columns are named `id`, `email`, `phone`, `user_name`, `display_name`, `language`, `status`, `deleted`, `second_factor`, `password_hash`, `salt` and `revision`; `email_2` and the like are further ones.",
    ),
    key("sql.get", "", "statement", "The same columns by `:id`."),
    key(
        "sql.write",
        "",
        "statement",
        "Sets `:hash` where `:id` still has `:password_hash` or `:revision`, as `get` read them; it must change one row, or none. `:salt` is the salt, where `:hash` is without it.",
    ),
];

/// A database with accounts.
#[derive(Clone)]
pub struct SqlConfig {
    pub place: SqlPlace,
    pub password: Option<Zeroizing<String>>,
    /// Required, and its certificate checked; without it only to this machine.
    pub tls: bool,
    /// PEM certificates that the server's is checked against; absent: the system's.
    pub ca: Option<PathBuf>,
    /// Connections of this sidecar.
    pub connections: usize,
    /// For connecting, for a look-up, and for a write.
    pub timeout: Duration,
    pub shape: Shape,
}

impl fmt::Debug for SqlConfig {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SqlConfig({:?}, ..)", self.place)
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<SqlConfig> {
    let home = reader.home();
    if !reader.has("sql.url") {
        let remedy = "write url = \"postgres://user@host/database\" in [sql]";
        reader.refuse("sql.url", "the directory is sql, and no database is named", remedy);
    }
    let place = reader.read("sql.url", |value| SqlPlace::parse(forms::text(value)?, &home));
    let (password, tls, ca) = safety(reader, &home, place.as_ref());
    let connections = reader.read("sql.connections", |value| forms::whole(value, 1..=64));
    let timeout = reader.read("sql.timeout", |value| forms::duration(value, TIMEOUTS));
    let engine = place.as_ref().map_or(Engine::Postgres, SqlPlace::engine);
    recipes::read(reader, engine);
    let shape = accounts::read(reader, engine);
    Some(SqlConfig {
        place: place?,
        password,
        tls: tls?,
        ca,
        connections: connections?,
        timeout: timeout?,
        shape: shape?,
    })
}

/// A salt has a place where, and only where, hashes are without it.
pub(super) fn fit(reader: &mut Reader<'_>, shape: &mut Shape, recipe: Recipe) {
    let (key, has_place) = match &shape.source {
        Source::Table(table) => ("sql.columns.salt", table.salt.is_some()),
        Source::Own(own) => ("sql.write", own.write.slots().any(|slot| slot == Parameter::Salt)),
    };
    shape.salted = recipe.parted().map(|beginning| Salted { beginning });
    match (shape.salted.is_some(), has_place) {
        (true, false) => reader.refuse(
            key,
            "hashes in this password.format have their salt in a column of its own, and none is named",
            "name it as columns.salt, or as salt and :salt in your statements",
        ),
        (false, true) => reader.refuse(
            key,
            "hashes in this password.format carry their salt, and leave nothing for that column",
            "write password.format = \"pbkdf2-sha256-hex\" or \"pbkdf2-sha512-hex\", or leave the column out",
        ),
        _ => {}
    }
}

type Safety = (Option<Zeroizing<String>>, Option<bool>, Option<PathBuf>);

fn safety(reader: &mut Reader<'_>, home: &Path, place: Option<&SqlPlace>) -> Safety {
    let password = reader.read("sql.password", |value| one_line(&forms::secret(value, home)?));
    let tls = reader.read("sql.tls", |value| match forms::text(value)? {
        "require" => Ok(true),
        "off" => Ok(false),
        _ => Err(Wrong::new("it is neither require nor off", "write require or off")),
    });
    let ca = reader.read("sql.ca", |value| forms::file(value, home));
    if let Some(SqlPlace::Sqlite(_)) = place {
        for key in ["sql.password", "sql.ca", "sql.tls"] {
            if reader.has(key) {
                reader.refuse(key, "SQLite is a file, no server that it is for", "remove the key");
            }
        }
    }
    if tls == Some(false) && place.is_some_and(|place| !place.is_here()) {
        reader.refuse(
            "sql.tls",
            "the password and every address would cross the network in clear",
            "remove the line, or use a server on this machine",
        );
    }
    (password, tls, ca)
}
