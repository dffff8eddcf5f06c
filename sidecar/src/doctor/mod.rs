//! What `rekey doctor` looks at: everything that is configured, connected to and tried. Invariant: it sends nothing, makes
//! no key and no database, changes no schema, and no entry tells a password, a hash or a full address.

mod account;
mod doors;
mod events;
mod formats;
mod keys;
mod mail;
mod store;
mod watch;

use contract::address::Address;

use crate::clock::Clock;
use crate::config::Config;
use crate::directory::{Directory, Finding, Grade};
use crate::entropy::Entropy;
use crate::keys::Ring;
use crate::store::Store;

pub use self::watch::{Seen, Watch, WatchError};

/// Hashes of a directory that are looked at.
const HASHES: u32 = 200;

/// One finding, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub area: Area,
    /// Which one of the area's: a relay, a listener, an account. Empty where there is one.
    pub subject: String,
    pub finding: Finding,
}

/// What a finding belongs to, in the order in which it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    Configuration,
    Keys,
    Store,
    Directory,
    Passwords,
    Mail,
    Texts,
    Lookup,
    Events,
    Listen,
    Account,
}

/// All that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report(pub Vec<Entry>);

/// What could be opened, for what comes after it.
#[derive(Debug, Default)]
struct Opened {
    ring: Option<Ring>,
    store: Option<Store>,
    directory: Option<Directory>,
}

impl Area {
    /// A stable name for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Keys => "keys",
            Self::Store => "store",
            Self::Directory => "directory",
            Self::Passwords => "passwords",
            Self::Mail => "mail",
            Self::Texts => "texts",
            Self::Lookup => "lookup",
            Self::Events => "events",
            Self::Listen => "listen",
            Self::Account => "account",
        }
    }
}

impl Report {
    pub fn add(&mut self, area: Area, subject: impl Into<String>, finding: Finding) {
        self.0.push(Entry { area, subject: subject.into(), finding });
    }

    /// The gravest of all.
    pub fn grade(&self) -> Grade {
        self.0.iter().map(|entry| entry.finding.grade).max().unwrap_or(Grade::Good)
    }

    pub fn count(&self, grade: Grade) -> usize {
        self.0.iter().filter(|entry| entry.finding.grade == grade).count()
    }
}

/// Looks at everything, and at what an address leads to where one is given.
pub async fn examine(config: &Config, sample: Option<&Address>) -> Report {
    let mut report = Report::default();
    let mut opened = Opened::default();
    let held = keys::examine(config, &mut report);
    opened.store = store::examine(config, &mut report).await;
    if let (Some(store), Some(held)) = (&opened.store, held) {
        opened.ring = keys::beside(config, &held, store, &mut report).await;
    }
    opened.directory = directory(config, sample, opened.store.as_ref(), &mut report).await;
    let to = match (&opened.directory, sample) {
        (Some(directory), Some(sample)) => {
            account::examine(config, &opened, directory, sample, &mut report).await
        }
        _ => None,
    };
    mail::examine(config, to.as_ref(), &mut report).await;
    events::examine(config, &mut report).await;
    doors::examine(config, &mut report).await;
    // An account is told of last, though its address is needed before.
    report.0.sort_by_key(|entry| entry.area);
    report
}

/// Looks at the directory alone.
pub async fn examine_directory(config: &Config, sample: Option<&Address>) -> Report {
    let mut report = Report::default();
    let is_apart = Directory::apart(&config.directory, &Clock::System, &Entropy::System).is_some();
    let store = if is_apart { None } else { store::open(config, &mut report).await };
    directory(config, sample, store.as_ref(), &mut report).await;
    report
}

async fn directory(
    config: &Config,
    sample: Option<&Address>,
    store: Option<&Store>,
    report: &mut Report,
) -> Option<Directory> {
    let Some(directory) = open(config, store) else {
        let said = "it lies in the store, which cannot be used now";
        let remedy = "do first what stands under `store`";
        // A store that is to be made yet is no fault, and so this is none.
        let is_fault = report.grade() == Grade::Fault;
        let finding =
            if is_fault { Finding::fault } else { Finding::warning }("table", said, remedy);
        report.add(Area::Directory, config.directory.name(), finding);
        return None;
    };
    for finding in directory.examine(sample).await {
        report.add(Area::Directory, config.directory.name(), finding);
    }
    let findings = match directory.hashes(HASHES).await {
        // What its server writes is its own affair.
        Ok(_) if config.directory.hashes_itself() => Vec::new(),
        Ok(hashes) => formats::judge(&hashes, &config.password),
        Err(error) => vec![Finding::fault(
            "formats",
            format!("no password hash could be read: {error}"),
            "mend what stands under `directory` first",
        )],
    };
    for finding in findings {
        report.add(Area::Passwords, "", finding);
    }
    Some(directory)
}

/// Only our own table needs the store.
fn open(config: &Config, store: Option<&Store>) -> Option<Directory> {
    let ours = |store| Directory::new(&config.directory, store, &Clock::System, &Entropy::System);
    Directory::apart(&config.directory, &Clock::System, &Entropy::System)
        .or_else(|| store.map(ours))
}
