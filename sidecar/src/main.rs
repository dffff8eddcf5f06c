//! The program `rekey`: reads the command line, runs the command, and turns an error into words and the exit code 2.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use sidecar::cli::{Cli, Console, run};

fn main() -> ExitCode {
    run(Cli::parse(), &mut Console::standard()).unwrap_or_else(|error| {
        // Where standard error is closed, the exit code has to do.
        let _ = writeln!(io::stderr(), "rekey: {error}");
        ExitCode::from(2)
    })
}
