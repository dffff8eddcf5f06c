//! The command line. Invariant: no password is ever an argument or an environment variable, and every error says what to
//! do next.

mod account;
mod check;
mod console;
mod doctor;
mod edge;
mod events;
mod import;
mod keys;
mod mail;
mod password;
mod rooms;
mod serve;
mod signals;
mod store;
mod why;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, Faults, Site};

pub use self::console::Console;

use self::account::AccountCommand;
use self::doctor::{DoctorArgs, TestArgs};
use self::events::EventsCommand;
use self::keys::KeysCommand;
use self::mail::MailCommand;
use self::password::PasswordCommand;
use self::rooms::RoomError;
use self::store::StoreCommand;

/// Password reset behind the gateway that you already have.
#[derive(Debug, Parser)]
#[command(name = "rekey", version, after_help = AFTER)]
pub struct Cli {
    /// The configuration (TOML). Without it rekey runs on its defaults, in ./rekey-data.
    #[arg(long, short, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

const AFTER: &str = "\
First steps:
  rekey check                      what would run, and what is unsafe about it
  rekey doctor                     connects to everything that is configured, and says what to mend
  rekey account add --email ann@example.com < password.txt
  rekey serve                      makes its keys on the first start, then listens
  rekey password explain           what the policy says of a password
  rekey why ann@example.com        what became of a reset that was asked for
  rekey mail list                  what waits to be sent, and what could not be
  rekey events list                what waits to be told to your own systems
  rekey edge --help                a gateway's part, for gateways without wasm

Passwords are read from standard input only. Exit codes: 0 done, 1 judged bad (check, doctor, verify), 2 not done.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the sidecar until SIGTERM or SIGINT.
    ///
    /// Opens three listeners (signed for the gateway, public, admin), logs one JSON object a line to standard error, and
    /// on SIGTERM finishes what it has begun, at most 25 seconds long; a second signal stops it at once. Keys that the configuration does not name are
    /// made on the first start, with mode 0600.
    #[command(
        after_help = "Examples:\n  rekey serve\n  rekey serve --config /etc/rekey/rekey.toml"
    )]
    Serve,
    /// Judges the configuration, and tells what would run. Changes nothing.
    ///
    /// All faults come at once, each with its place and its remedy. The exit code is 1 when there is one.
    #[command(
        after_help = "Examples:\n  rekey check --config rekey.toml\n  rekey check --reference    every key, as a Markdown table"
    )]
    Check {
        /// Prints the reference of all keys instead.
        #[arg(long)]
        reference: bool,
    },
    /// Connects to everything that is configured, tries what it may do there, and says what to mend. Sends nothing.
    ///
    /// Keys, store, directory (look-up, and a write that is taken back), relays (up to the letter), spool, the look-up of
    /// breached passwords, certificates and addresses. With an address also: which account it finds, whether a message
    /// would go to it and why not, and what a reset would write. A sidecar may be running meanwhile.
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(DoctorArgs),
    /// The directory: where the accounts live.
    #[command(subcommand)]
    Directory(DirectoryCommand),
    /// Runs the edge for gateways without wasm until SIGTERM or SIGINT: a reverse proxy between nginx, HAProxy or the
    /// clients themselves, and your app.
    ///
    /// What is a reset goes to the sidecar, signed; everything else streams to the app. Logs one JSON object a line to
    /// standard error; its key is read again when its file changes.
    #[command(after_help = edge::EXAMPLES)]
    Edge {
        /// Judges the configuration and tells what would run; the exit code is 1 when there is a fault.
        #[arg(long)]
        check: bool,
        /// Prints the reference of all keys instead.
        #[arg(long, conflicts_with = "check")]
        reference: bool,
    },
    /// Accounts of the embedded directory.
    #[command(subcommand)]
    Account(AccountCommand),
    /// The outbox: mails that wait, were sent or were given up, and addresses that bounced.
    #[command(subcommand)]
    Mail(MailCommand),
    /// Events that wait to be told to your own systems, and what became of others.
    #[command(subcommand)]
    Events(EventsCommand),
    /// Keys, and their exchange without a pause.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// What the policy says of a password, and what would be written of it.
    #[command(subcommand)]
    Password(PasswordCommand),
    /// The store: copies, and the end of an upgrade.
    #[command(subcommand)]
    Store(StoreCommand),
    /// Tells what became of the resets that were asked for with an address, at any site.
    ///
    /// Every accepted ask ends as sent, dead, suppressed (with the reason) or stale. Asks are remembered for 15 minutes.
    #[command(after_help = "Examples:\n  rekey why ann@example.com\n  rekey why +8613800138000")]
    Why {
        /// An e-mail address, or a phone number with its country (+86...).
        address: String,
    },
}

#[derive(Debug, Subcommand)]
enum DirectoryCommand {
    /// Connects to the directory and tries what a reset needs of it: the look-up, and a write that is taken back.
    #[command(after_help = doctor::TEST_EXAMPLES)]
    Test(TestArgs),
}

/// Which site a command is about.
#[derive(Debug, clap::Args)]
struct SiteArgs {
    /// A site of the configuration's `[sites]`; without it, the top-level one.
    #[arg(long = "site", value_name = "NAME")]
    name: Option<String>,
}

impl SiteArgs {
    fn of<'c>(&self, config: &'c Config) -> Result<&'c Site, CliError> {
        let Some(name) = &self.name else {
            return Ok(&config.sites.top);
        };
        let found = config.sites.iter().find(|site| site.name.as_str() == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = config.sites.iter().map(|site| site.name.as_str()).collect();
            CliError::refused(format!("the sites are {}", names.join(", ")))
        })
    }
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    #[error("the configuration is refused:\n{0}")]
    Config(#[from] Faults),
    #[error(transparent)]
    Room(#[from] RoomError),
    #[error("nothing could be read from standard input or written to standard output: {0}")]
    Console(#[from] io::Error),
    #[error("{0}")]
    Refused(String),
}

impl CliError {
    fn refused(text: impl Into<String>) -> Self {
        Self::Refused(text.into())
    }
}

/// Does what the command line says; the exit code tells whether it could.
pub fn run(cli: Cli, console: &mut Console) -> Result<ExitCode, CliError> {
    let config = cli.config.as_deref();
    match cli.command {
        Command::Serve => serve::serve(load(config)?),
        Command::Check { reference } => check::check(config, reference, console),
        Command::Doctor(args) => doctor::doctor(&args, config, console),
        Command::Directory(DirectoryCommand::Test(args)) => {
            doctor::test(&args, &load(config)?, console)
        }
        Command::Edge { check, reference } => edge::edge(config, check, reference, console),
        Command::Account(command) => account::run(command, &load(config)?, console),
        Command::Events(command) => events::run(command, &load(config)?, console),
        Command::Mail(command) => mail::run(command, &load(config)?, console),
        Command::Keys(command) => keys::run(command, &load(config)?, console),
        Command::Password(command) => password::run(command, &load(config)?, console),
        Command::Store(command) => store::run(command, &load(config)?, console),
        Command::Why { address } => why::why(&load(config)?, &address, console),
    }
}

fn load(path: Option<&Path>) -> Result<Config, CliError> {
    Config::load(path).map_err(CliError::from)
}
