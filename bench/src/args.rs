//! The command line of `rekey-bench`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::cases::{CASES, Case, edge};
use crate::fault::{Benched, fault};

/// Measures the real programs, beside baselines of the same run.
#[derive(Debug, Parser)]
#[command(name = "rekey-bench", version)]
pub(crate) struct Args {
    /// What is measured
    #[arg(long, value_enum, default_value = "sidecar")]
    pub(crate) what: What,
    /// Cases to run, with commas between them; all when left out
    #[arg(long, value_delimiter = ',', value_name = "CASE,..")]
    only: Vec<String>,
    /// A fifth of the work and two rounds: to see that it runs, not to quote
    #[arg(long)]
    pub(crate) quick: bool,
    /// Where databases are put; a disk, or durable means nothing [default: the system's temporary directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Postfix's smtp-sink [default: that of PATH, or else a sink of our own]
    #[arg(long, value_name = "FILE")]
    smtp_sink: Option<PathBuf>,
    /// The directory of PostgreSQL's programs [default: $REKEY_POSTGRES_BIN, or Debian's newest]
    #[arg(long, value_name = "DIR")]
    postgres: Option<PathBuf>,
    /// The Envoy program, for `--what edge`
    #[arg(long, value_name = "FILE")]
    pub(crate) envoy: Option<PathBuf>,
    /// The filter, for `--what edge`
    #[arg(long, value_name = "FILE")]
    pub(crate) wasm: Option<PathBuf>,
    /// The module that only signs, for `--what edge`
    #[arg(long, value_name = "FILE")]
    pub(crate) signing: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) alone: Option<Alone>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Alone {
    /// Runs only the sink, until it is killed
    #[command(hide = true)]
    Sink { address: SocketAddr },
    /// Runs only the proxy that does nothing, until it is killed
    #[command(hide = true)]
    Plain { upstream: SocketAddr },
}

/// A group of cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// `rekey serve`
    Sidecar,
    /// The filter in Envoy, and `rekey edge`
    Edge,
}

impl What {
    fn cases(self) -> &'static [Case] {
        match self {
            Self::Sidecar => CASES,
            Self::Edge => edge::CASES,
        }
    }
}

const READING: &str = "\
How to read the table:
  measured   the median of all rounds; µs CPU is the CPU time of the program for one request, user and system
  ratio      the median of each round's ratio to its baseline, measured just before or after it
  noise      the least and the greatest of all rounds
  MISSED     a goal was not reached; then the exit code is 1
The load comes from this program, on the same cores: rates are those of both together.

Examples:
  rekey-bench --quick                  all of it, in about two minutes
  rekey-bench --only initiate,drain    two cases";

impl Args {
    /// Ends the program where there is nothing to run: for help, and for what it does not understand.
    pub(crate) fn read() -> Self {
        let list = |what: What| {
            let lines =
                what.cases().iter().map(|case| format!("  {:10} {}\n", case.name, case.about));
            lines.collect::<String>()
        };
        let (sidecar, edge) = (list(What::Sidecar), list(What::Edge));
        let after = format!(
            "Cases of --what sidecar:\n{sidecar}\nCases of --what edge:\n{edge}\n{READING}"
        );
        let matches = Self::command().after_help(after).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    /// The cases to run.
    pub(crate) fn cases(&self) -> Benched<Vec<&'static Case>> {
        let known = |name: &String| {
            let found = self.what.cases().iter().find(|case| case.name == name);
            let names: Vec<&str> = self.what.cases().iter().map(|case| case.name).collect();
            found.ok_or_else(|| fault(format!("no case {name}; there are {}", names.join(", "))))
        };
        match self.only.as_slice() {
            [] => Ok(self.what.cases().iter().collect()),
            only => only.iter().map(known).collect(),
        }
    }

    pub(crate) fn smtp_sink(&self) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path).map(|dir| dir.join("smtp-sink"));
        let mut found = found.chain([PathBuf::from("/usr/sbin/smtp-sink")]);
        self.smtp_sink.clone().or_else(|| found.find(|file| file.exists()))
    }

    pub(crate) fn postgres(&self) -> Option<PathBuf> {
        let named =
            std::env::var_os("REKEY_POSTGRES_BIN").filter(|named: &OsString| !named.is_empty());
        self.postgres.clone().or_else(|| named.map(PathBuf::from)).or_else(newest)
    }
}

/// Debian puts every version into a directory of its own.
fn newest() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let all = versions.map(|entry| entry.path()).filter_map(|path| Some((number(&path)?, path)));
    all.max().map(|(_, path)| path.join("bin")).filter(|bin| bin.join("initdb").exists())
}
