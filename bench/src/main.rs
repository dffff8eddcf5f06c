//! `rekey-bench`: measures the real sidecar, and prints the numbers with their goals.

mod cases;
mod cpu;
mod fault;
mod figure;
mod line;
mod pen;
mod raw;
mod sidecar;

use std::io::Write as _;
use std::process::ExitCode;

use crate::cases::{Bench, CASES};
use crate::fault::Benched;
use crate::figure::Table;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "rekey-bench: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Benched<ExitCode> {
    let dir = tempfile::Builder::new().prefix("rekey-bench").tempdir()?;
    let bench = Bench { root: dir.path().to_owned(), rounds: 5, requests: 30_000 };
    let mut table = Table::default();
    for case in CASES {
        table.extend((case.run)(&bench)?);
    }
    write!(std::io::stdout(), "{table}")?;
    Ok(if table.missed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
