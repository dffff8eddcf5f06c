//! The store: whether it is there, is ours, takes writes, keeps our time and has room.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use super::{Area, Report};
use crate::clock::{Clock, Millis};
use crate::config::{Config, StoreConfig};
use crate::directory::Finding;
use crate::store::{Standing, Store, StoreError};

/// Less of it on the disk is worth a word.
const ROOM: u64 = 200 << 20;

/// Clocks that differ by more are worth a word: messages of the gateway are refused after 30 seconds.
const DRIFT: Duration = Duration::from_secs(5);

/// The store, where it can be used.
pub(super) async fn examine(config: &Config, report: &mut Report) -> Option<Store> {
    let store = open(config, report).await?;
    let begun = Clock::System.now();
    match store.ping().await {
        Ok(()) => {
            let took = begun.until(Clock::System.now()).as_millis();
            let said = format!("a write was committed in {took} ms");
            report.add(Area::Store, kind(config), Finding::good("write", said));
        }
        Err(error) => {
            report.add(Area::Store, kind(config), fault("write", error));
            return None;
        }
    }
    if store.is_shared() {
        clock(config, &store, report).await;
    }
    room(config, report);
    Some(store)
}

/// The store, only opened.
pub(super) async fn open(config: &Config, report: &mut Report) -> Option<Store> {
    let finding = match Store::standing(&config.store).await {
        Ok(Standing::Ready) => match Store::open(&config.store) {
            Ok(store) => {
                report.add(Area::Store, kind(config), Finding::good("open", place(config)));
                return Some(store);
            }
            Err(error) => fault("open", error),
        },
        Ok(Standing::Missing) => Finding::warning(
            "open",
            format!("{}: there is none yet", place(config)),
            "`rekey serve` makes it on its first start",
        ),
        Ok(Standing::Empty) => Finding::warning(
            "open",
            format!("{}: it has no table of ours yet", place(config)),
            "`rekey serve` makes them on its first start",
        ),
        Ok(Standing::Older { done, ours }) => Finding::warning(
            "schema",
            format!("{}: its schema is {done}, this program's is {ours}", place(config)),
            "`rekey serve` of this version brings it up; sidecars of the version before go on",
        ),
        Err(error) => fault("open", error),
    };
    report.add(Area::Store, kind(config), finding);
    None
}

fn kind(config: &Config) -> &'static str {
    match config.store {
        StoreConfig::Sqlite(_) => "sqlite",
        StoreConfig::Postgres(_) => "postgres",
    }
}

fn place(config: &Config) -> String {
    match &config.store {
        StoreConfig::Sqlite(path) => path.display().to_string(),
        StoreConfig::Postgres(server) => format!("PostgreSQL at {:?}", server.address.get_hosts()),
    }
}

fn fault(of: &'static str, error: StoreError) -> Finding {
    let remedy = match error {
        StoreError::Busy => "another program holds it: wait, or end that one",
        StoreError::Corrupt => "put a copy back (`rekey store backup --help`)",
        StoreError::Full => "make room on its disk",
        StoreError::Newer => "run the version that made it, or a later one",
        StoreError::Refused => {
            "look at the user of store.url, store.password, and that user's rights on the database"
        }
        StoreError::Tls => "look at store.ca, and at the names in the server's certificate",
        StoreError::Unreachable => {
            "is the server of store.url up, and can it be reached from here?"
        }
        StoreError::Unwritable => {
            "look at `data` in the configuration, and at the owner and rights of that directory"
        }
        _ => "the log of the server, or of the disk, tells more",
    };
    Finding::fault(of, error.to_string(), remedy)
}

/// A sidecar follows the server's clock; the gateway's is the one that must be near both.
async fn clock(config: &Config, store: &Store, report: &mut Report) {
    let before = Clock::System.now();
    let Ok(facts) = store.key_facts(before).await else {
        return;
    };
    let apart = distance(before, facts.now);
    let finding = if apart > DRIFT {
        let said = format!("its clock and ours are {} s apart", apart.as_secs());
        Finding::warning("clock", said, "let both machines, and the gateway's, follow NTP")
    } else {
        Finding::good("clock", format!("its clock and ours are {} ms apart", apart.as_millis()))
    };
    report.add(Area::Store, kind(config), finding);
}

fn distance(one: Millis, other: Millis) -> Duration {
    one.until(other).max(other.until(one))
}

fn room(config: &Config, report: &mut Report) {
    if let StoreConfig::Sqlite(path) = &config.store
        && let Some(finding) = exposed(path)
    {
        report.add(Area::Store, kind(config), finding);
    }
    let Ok(disk) = rustix::fs::statvfs(&config.data) else {
        return;
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let said = format!("{} MiB are free at {}", free >> 20, config.data.display());
    let finding = match free < ROOM {
        true => Finding::warning("room", said, "make room: a full disk answers everybody `busy`"),
        false => Finding::good("room", said),
    };
    report.add(Area::Store, kind(config), finding);
}

fn exposed(path: &Path) -> Option<Finding> {
    let mode = path.metadata().ok()?.permissions().mode();
    (mode & 0o077 != 0).then(|| {
        let said = format!("{} has mode {:03o}: others can read it", path.display(), mode & 0o777);
        Finding::warning("mode", said, format!("chmod 0600 {}", path.display()))
    })
}
