//! Where the store lies. Invariant: a password is in a file and never in the URL, and goes over no network in clear.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use postgres::config::Host;
use zeroize::Zeroizing;

use super::forms::{self, Wrong};
use super::mail::one_line;
use super::reader::Reader;
use super::url::is_loopback;

/// The database's name in the data directory.
const DATABASE: &str = "rekey.db";

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of it")]
pub enum StoreConfig {
    /// A file.
    Sqlite(PathBuf),
    Postgres(PostgresConfig),
}

/// A PostgreSQL server.
#[derive(Clone)]
pub struct PostgresConfig {
    /// Host, port, user and database.
    pub address: postgres::Config,
    pub password: Option<Zeroizing<String>>,
    /// Required, and its certificate checked; without it only to this machine.
    pub tls: bool,
    /// PEM certificates that the server's is checked against; absent: the system's.
    pub ca: Option<PathBuf>,
    /// Connections of this sidecar.
    pub connections: usize,
    /// For one statement, and for one lock.
    pub statement_timeout: Duration,
}

impl fmt::Debug for PostgresConfig {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PostgresConfig({:?}, ..)", self.address.get_hosts())
    }
}

pub(super) fn read(reader: &mut Reader<'_>, home: &Path, data: &Path) -> Option<StoreConfig> {
    let is_server = reader.has("store.url");
    let address = reader.read("store.url", |value| parse(forms::text(value)?));
    let password = reader.read("store.password", |value| one_line(&forms::secret(value, home)?));
    let tls = reader.read("store.tls", |value| match forms::text(value)? {
        "require" => Ok(true),
        "off" => Ok(false),
        _ => Err(Wrong::new("it is neither require nor off", "write require or off")),
    });
    let ca = reader.read("store.ca", |value| forms::secret(value, home));
    let connections = reader.read("store.connections", |value| forms::whole(value, 1..=64));
    let second = Duration::from_secs(1);
    let statement_timeout = reader.read("store.statement_timeout", |value| {
        forms::duration(value, second / 10..=second.saturating_mul(30))
    });
    if !is_server {
        for key in ["store.password", "store.ca", "store.tls"] {
            if reader.has(key) {
                reader.refuse(
                    key,
                    "there is no server that it is for",
                    "set store.url beside it, or remove it",
                );
            }
        }
        return Some(StoreConfig::Sqlite(data.join(DATABASE)));
    }
    let (address, tls) = (address?, tls?);
    if !tls && !is_here(&address) {
        reader.refuse(
            "store.tls",
            "the password and every address would cross the network in clear",
            "remove the line, or use a server on this machine",
        );
    }
    Some(StoreConfig::Postgres(PostgresConfig {
        // Nothing that is on this machine is reached through a certificate unless it was asked for.
        tls,
        address,
        password,
        ca,
        connections: connections?,
        statement_timeout: statement_timeout?,
    }))
}

fn parse(text: &str) -> Result<postgres::Config, Wrong> {
    let remedy = "write postgres://user@host:5432/database";
    if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
        return Err(Wrong::new("it does not begin with postgres://", remedy));
    }
    let config: postgres::Config =
        text.parse().map_err(|_| Wrong::new("it is not the URL of a database", remedy))?;
    if config.get_password().is_some() {
        let remedy = "put the password into a file, and name that as store.password = \"file:..\"";
        return Err(Wrong::new("it holds a password", remedy));
    }
    if text.contains("sslmode=") {
        return Err(Wrong::new(
            "it says how TLS is used",
            "remove sslmode from it; store.tls says that",
        ));
    }
    match config.get_hosts().is_empty()
        || config.get_user().is_none()
        || config.get_dbname().is_none()
    {
        true => Err(Wrong::new("host, user or database is missing in it", remedy)),
        false => Ok(config),
    }
}

/// Sockets and this machine's own addresses, by their very names.
fn is_here(config: &postgres::Config) -> bool {
    let addresses = config.get_hostaddrs().iter().all(IpAddr::is_loopback);
    let hosts = config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => is_loopback(name),
        Host::Unix(_) => true,
    });
    addresses && hosts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn fault(text: &str) -> String {
        let parsed = Config::parse(&format!("[store]\n{text}"), Path::new("/"));
        parsed.map_or_else(|faults| faults.to_string(), |_| "ok".to_owned())
    }

    #[test]
    fn a_store_is_read_and_judged() {
        let table = [
            ("", "ok"),
            ("url = \"postgres://rekey@db.example.com/rekey\"", "ok"),
            ("url = \"postgres://rekey@127.0.0.1:5433/rekey\"\ntls = \"off\"", "ok"),
            ("url = \"postgres:///rekey?host=/run/postgresql&user=rekey\"\ntls = \"off\"", "ok"),
            ("url = \"postgres://rekey@db.example.com/rekey\"\ntls = \"off\"", "in clear"),
            ("url = \"postgres://rekey:secret@localhost/rekey\"", "holds a password"),
            ("url = \"postgres://localhost/rekey\"", "user or database"),
            ("url = \"mysql://rekey@localhost/rekey\"", "does not begin"),
            ("tls = \"off\"", "no server"),
            (
                "url = \"postgres://rekey@localhost/rekey?hostaddr=192.0.2.2\"\ntls = \"off\"",
                "in clear",
            ),
            ("url = \"postgres://rekey@localhost/rekey?sslmode=disable\"", "store.tls says"),
            ("url = \"postgres://rekey@localhost/rekey\"\ntls = \"maybe\"", "neither"),
        ];
        for (text, expected) in table {
            let found = fault(text);
            assert!(found.contains(expected), "{text}: {found}");
            assert!(!found.contains("secret"), "{found}");
        }
    }
}
