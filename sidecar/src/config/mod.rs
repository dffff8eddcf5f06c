//! The configuration: one TOML file, read once. Invariant: a `Config` exists only when every key was known, every value
//! good and no combination unsafe; all faults are reported at once, each with its place and its remedy.

mod declared;
mod directory;
mod edge;
mod events;
mod faults;
mod forms;
mod hook;
mod listen;
mod mail;
mod parts;
mod password;
mod profile;
mod reader;
mod recipe;
mod reference;
mod rules;
mod sites;
mod store;
#[cfg(test)]
mod tests;
mod tls;
mod url;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::name::Name;
use lettre::message::Mailbox;
use zeroize::Zeroizing;

pub use self::directory::{
    DirectoryConfig, HttpConfig, LdapAttributes, LdapConfig, LdapServer, LdapValue, LdapWrite,
    SqlConfig, SqlPlace,
};
pub use self::edge::{ClientSource, EdgeConfig, Network, Upstream};
pub use self::events::EventsConfig;
pub use self::faults::{Fault, Faults};
pub use self::hook::HookConfig;
pub use self::password::PasswordConfig;
pub use self::profile::DialectProfile;
pub use self::reference::{edge_reference, reference};
pub use self::rules::LookupConfig;
pub use self::sites::{Sender, Site, Sites};
pub use self::store::{PostgresConfig, StoreConfig};
pub use self::tls::{ClientTls, Clients, ServerTls};
pub use self::url::BaseUrl;

use self::reader::Reader;
use crate::limits::Rate;
use crate::password::Normal;

/// All that the sidecar is told from outside.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where database and generated keys lie; created with mode 0700.
    pub data: PathBuf,
    /// The deployment's name; a message for another one is refused.
    pub audience: Name,
    /// The sites that messages come from; a message for another one is refused.
    pub sites: Sites,
    /// Where `/.well-known/change-password` leads.
    pub change_password_url: Option<BaseUrl>,
    pub log_level: tracing::Level,
    pub listen: Listen,
    pub store: StoreConfig,
    pub directory: DirectoryConfig,
    /// Absent: nobody is told of resets.
    pub events: Option<EventsConfig>,
    pub keys: KeyFiles,
    pub mail: MailConfig,
    /// Absent: nothing is sent by SMS, asks end as suppressed.
    pub sms: Option<SmsConfig>,
    pub limits: Limits,
    pub password: PasswordConfig,
    /// The form in which all passwords are judged and hashed.
    pub normal: Normal,
    /// Whom to ask whether a password was breached, if anybody.
    pub lookup: Option<LookupConfig>,
}

/// The three doors, and what they bear.
#[derive(Clone, Debug)]
pub struct Listen {
    /// For the gateway: signed messages only. Loopback or a Unix socket, or any address with TLS.
    pub signed: Endpoint,
    /// Of the signed door; its clients must show a certificate.
    pub tls: Option<ServerTls>,
    /// For everybody: keys that verify our tokens, pages. Writes nothing.
    pub public: Endpoint,
    /// For operators: health and metrics.
    pub admin: Endpoint,
    /// Connections that one door holds at a time.
    pub connections: usize,
    /// How long a connection without a request stays open.
    pub idle: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// Where the keys lie.
#[derive(Clone, Debug)]
pub struct KeyFiles {
    pub master: KeyFile,
    /// All of them are believed; the sidecar itself signs nothing with them.
    pub edge: Vec<KeyFile>,
    pub jwt: KeyFile,
    /// What passwords are decrypted with, and what hashes are keyed with.
    pub password: KeyFile,
}

/// A key file; one that the configuration names must exist, a default one is made when it is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyFile {
    Named(PathBuf),
    Default(PathBuf),
    /// A default one of instances that share a store: it must come from the first of them.
    Shared(PathBuf),
    /// A default one that nobody needs to have.
    Optional(PathBuf),
}

impl KeyFile {
    pub fn path(&self) -> &Path {
        match self {
            Self::Named(path) | Self::Default(path) | Self::Shared(path) | Self::Optional(path) => {
                path
            }
        }
    }
}

/// How mail leaves.
#[derive(Clone)]
pub struct MailConfig {
    /// In the order of preference; one at least.
    pub relays: Vec<Relay>,
    /// Connections to each relay at a time.
    pub connections: usize,
    pub from: Mailbox,
    pub reply_to: Option<Mailbox>,
}

impl std::fmt::Debug for MailConfig {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "MailConfig({:?}, ..)", self.relays)
    }
}

/// An SMTP server that takes our mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    pub tls: Tls,
    pub host: String,
    pub port: u16,
    pub login: Option<RelayLogin>,
}

/// What a relay knows us by.
#[derive(Clone, PartialEq, Eq)]
pub struct RelayLogin {
    pub user: String,
    pub password: Zeroizing<String>,
}

impl std::fmt::Debug for RelayLogin {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("RelayLogin(..)")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// To loopback only.
    None,
    /// From the first byte.
    Implicit,
    /// STARTTLS, required.
    Starttls,
}

/// Where texts are put, one file each.
#[derive(Clone, Debug)]
pub struct SmsConfig {
    pub spool: PathBuf,
}

/// How much of what is allowed.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Between two asks for one address by one sender, and between two sends of one secret.
    pub cool_down: Duration,
    /// How often one secret is sent.
    pub sends: u32,
    /// Wrong codes a day for an address; beyond it mails carry links only.
    pub daily_wrong_codes: u32,
    /// Passwords that may break the policy before the proof is dead.
    pub policy_failures: u32,
    /// Asks and mails that may wait; beyond it everybody is told to come back.
    pub backlog: u32,
    pub rates: Rates,
}

/// Limits that are rates; what each counts, `limits::table` says.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    pub sender_32: Rate,
    pub sender_24: Rate,
    pub sender_64: Rate,
    pub sender_56: Rate,
    pub sender_48: Rate,
    pub address: Rate,
    pub place: Rate,
    pub client: Rate,
    pub installation: Rate,
    pub attempts: Rate,
    pub wrong_codes: Rate,
}

impl Config {
    /// Reads the file, or takes the defaults without one.
    pub fn load(path: Option<&Path>) -> Result<Self, Faults> {
        let Some(path) = path else {
            return Self::parse("", Path::new("."));
        };
        let text = fs::read_to_string(path).map_err(|error| Faults::unreadable(path, &error))?;
        let home = path.parent().filter(|home| !home.as_os_str().is_empty());
        Self::parse(&text, home.unwrap_or(Path::new(".")))
    }

    /// Reads TOML; relative paths start at `home`, the directory of the file.
    pub fn parse(text: &str, home: &Path) -> Result<Self, Faults> {
        let mut reader = Reader::open(text, home, declared::SIDECAR)?;
        let config = parts::read(&mut reader);
        reader.finish(config)
    }

    /// Former passwords that some dialect of some site refuses: so many are kept.
    pub fn history(&self) -> u32 {
        let profiles = self.sites.iter().flat_map(|site| site.overrides.profiles());
        profiles.map(|profile| profile.policy.rules.history).max().unwrap_or(0)
    }
}
