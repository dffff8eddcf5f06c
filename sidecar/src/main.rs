//! The program `rekey`: reads the command line, runs the command, and turns an error into words and an exit code.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use sidecar::cli::{Cli, Console, run};

fn main() -> anyhow::Result<ExitCode> {
    run(Cli::parse(), &mut Console::standard()).context("rekey stopped")
}
