//! What can be measured; one case a file. Invariant: each starts its own sidecars in a directory of its own.

mod confirm;
mod drain;
pub(crate) mod edge;
mod initiate;
mod million;
mod postgres;
mod proofs;
mod relay;

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::fault::Benched;
use crate::figure::Figure;

/// Connections of a gateway, in the cases that measure rates.
const CONNECTIONS: usize = 64;

/// For whatever has to happen before a number can be taken.
const PATIENCE: Duration = Duration::from_secs(300);

/// What all cases need.
#[derive(Debug)]
pub(crate) struct Bench {
    /// Where everything is put.
    pub(crate) root: PathBuf,
    pub(crate) quick: bool,
    /// The directory of PostgreSQL's programs.
    pub(crate) postgres: Option<PathBuf>,
    /// Postfix's smtp-sink.
    pub(crate) smtp_sink: Option<PathBuf>,
    pub(crate) envoy: Option<PathBuf>,
    pub(crate) wasm: Option<PathBuf>,
    /// The module that only signs.
    pub(crate) signing: Option<PathBuf>,
}

/// A case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&Bench) -> Benched<Vec<Figure>>,
}

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "initiate",
        about: "asks a second on SQLite, beside raw commits of 64 rows on the same disk",
        run: initiate::run,
    },
    Case {
        name: "postgres",
        about: "asks a second on PostgreSQL, beside pgbench with commits of one row",
        run: postgres::run,
    },
    Case {
        name: "proofs",
        about: "CPU of a wrong code and of a wrong link, beside a right one with its hash",
        run: proofs::run,
    },
    Case {
        name: "confirm",
        about: "confirms a second with both engines, beside a bare loop of each; memory, start, asks meanwhile",
        run: confirm::run,
    },
    Case {
        name: "relay",
        about: "from ask to relay at 100 asks a second, beside an ask alone",
        run: relay::run,
    },
    Case {
        name: "drain",
        about: "mails a second after the relay was down, beside bare SMTP into the same sink",
        run: drain::run,
    },
    Case {
        name: "million",
        about: "every operation with 1,000,000 accounts and live challenges, beside none",
        run: million::run,
    },
];

impl Bench {
    pub(crate) fn dir(&self, case: &str) -> Benched<PathBuf> {
        let dir = self.root.join(case);
        std::fs::create_dir_all(&dir)?;
        Ok(dir)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Measured rounds; one more warms up.
    pub(crate) fn rounds(&self) -> usize {
        if self.quick { 2 } else { 5 }
    }

    /// Every round but the first, which warms up; each is told.
    pub(crate) fn measure<R>(
        &self,
        mut round: impl FnMut() -> Benched<R>,
        told: impl Fn(&R) -> String,
    ) -> Benched<Vec<R>> {
        let mut rounds = Vec::new();
        for n in 0..=self.rounds() {
            let done = round()?;
            self.say(&told(&done))?;
            if n > 0 {
                rounds.push(done);
            }
        }
        Ok(rounds)
    }

    /// A number of things to do, fewer when it must be quick.
    pub(crate) fn many(&self, number: usize) -> usize {
        if self.quick { number / 5 } else { number }
    }

    /// Progress, on standard error.
    pub(crate) fn say(&self, text: &str) -> Benched<()> {
        Ok(writeln!(std::io::stderr(), "  {text}")?)
    }
}

/// A port of the system's choice.
fn free() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// An address where nobody listens.
pub(crate) fn nobody() -> Benched<SocketAddr> {
    Ok(TcpListener::bind(free())?.local_addr()?)
}

/// Microseconds of each of `count`.
fn each(time: Duration, count: usize) -> f64 {
    time.as_secs_f64() * 1e6 / count as f64
}
