//! Where the database is. Invariant: a place holds no password, and tells what it is without telling a user's name.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use tokio_postgres::config::{Host, TargetSessionAttrs};

use crate::config::forms::{Formed, Wrong};
use crate::config::url::is_loopback;
use crate::directory::sql::Engine;

const REMEDY: &str =
    "write postgres://user@host[:port]/database, mysql://user@host[:port]/database or sqlite:path";

#[derive(Clone)]
pub enum SqlPlace {
    Mysql(Box<mysql_async::Opts>),
    Postgres(Box<tokio_postgres::Config>),
    Sqlite(PathBuf),
}

impl SqlPlace {
    pub(super) fn parse(text: &str, home: &Path) -> Formed<Self> {
        if let Some(path) = text.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            return Ok(Self::Sqlite(home.join(path)));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return postgres(text).map(|config| Self::Postgres(Box::new(config)));
        }
        let mysql_text = text.strip_prefix("mysql://").or(text.strip_prefix("mariadb://"));
        if let Some(rest) = mysql_text {
            return mysql(rest).map(|opts| Self::Mysql(Box::new(opts)));
        }
        Err(Wrong::new("it names no database that we know", REMEDY))
    }

    pub fn engine(&self) -> Engine {
        match self {
            Self::Mysql(_) => Engine::Mysql,
            Self::Postgres(_) => Engine::Postgres,
            Self::Sqlite(_) => Engine::Sqlite,
        }
    }

    /// Files, sockets and this machine's own addresses, by their very names.
    pub fn is_here(&self) -> bool {
        match self {
            Self::Sqlite(_) => true,
            Self::Mysql(opts) => opts.socket().is_some() || is_loopback(opts.ip_or_hostname()),
            Self::Postgres(config) => {
                let addresses = config.get_hostaddrs().iter().all(IpAddr::is_loopback);
                let here = |host: &Host| match host {
                    Host::Tcp(name) => is_loopback(name),
                    Host::Unix(_) => true,
                };
                addresses && config.get_hosts().iter().all(here)
            }
        }
    }
}

impl fmt::Debug for SqlPlace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mysql(opts) => write!(out, "Mysql({})", opts.ip_or_hostname()),
            Self::Sqlite(path) => write!(out, "Sqlite({})", path.display()),
            Self::Postgres(config) => write!(out, "Postgres({:?})", config.get_hosts()),
        }
    }
}

fn password() -> Wrong {
    Wrong::new(
        "it holds a password",
        "put the password into a file, and name that as sql.password = \"file:..\"",
    )
}

fn postgres(text: &str) -> Formed<tokio_postgres::Config> {
    let parsed: Result<tokio_postgres::Config, _> = text.parse();
    let config = parsed.map_err(|_| Wrong::new("it is not the URL of a database", REMEDY))?;
    if config.get_password().is_some() {
        return Err(password());
    }
    if text.contains("sslmode=") {
        let remedy = "remove sslmode from it; sql.tls says that";
        return Err(Wrong::new("it says how TLS is used", remedy));
    }
    let whole = !config.get_hosts().is_empty()
        && config.get_user().is_some()
        && config.get_dbname().is_some();
    if !whole {
        return Err(Wrong::new("host, user or database is missing in it", REMEDY));
    }
    let mut config = config;
    if config.get_hosts().len() > 1 {
        // A standby lags behind what was written: an account is read where it is written.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    Ok(config)
}

/// `user@host[:port]/database[?socket=path]`
fn mysql(rest: &str) -> Formed<mysql_async::Opts> {
    let malformed = || Wrong::new("it is not the URL of a database", REMEDY);
    let parameters = rest.split_once('?').map(|(_, parameters)| parameters);
    if parameters.is_some_and(|text| !text.starts_with("socket=") || text.contains('&')) {
        let remedy = "leave nothing but ?socket=/path there; TLS and the rest are keys of [sql]";
        return Err(Wrong::new("it holds parameters that we do not take", remedy));
    }
    let opts = mysql_async::Opts::from_url(&format!("mysql://{rest}")).map_err(|_| malformed())?;
    if opts.pass().is_some_and(|pass| !pass.is_empty()) {
        return Err(password());
    }
    match opts.user().is_some() && opts.db_name().is_some() {
        true => Ok(opts),
        false => Err(Wrong::new("host, user or database is missing in it", REMEDY)),
    }
}
