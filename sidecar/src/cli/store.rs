//! `rekey store`: a copy to keep, and the end of an upgrade. Invariant: a copy is whole, its owner's alone, and says of
//! itself that it is one.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use crate::config::{Config, StoreConfig};
use crate::store::Store;

use super::rooms::{self, RoomError};
use super::{CliError, Console};

#[derive(Debug, Subcommand)]
pub(super) enum StoreCommand {
    /// Copies the database into a new file, also while the sidecar is running.
    ///
    /// To put it back: stop the sidecar, remove rekey.db, rekey.db-wal and rekey.db-shm, put the copy in the place of
    /// rekey.db, start. The start notices it and revokes every link, code and grant that lived, since some of them may
    /// have been used in the meantime. Keys are not in it: keep a copy of the key files elsewhere.
    #[command(after_help = "Example:\n  rekey store backup /backup/rekey-monday.db")]
    Backup {
        /// A new file.
        file: PathBuf,
    },
    /// Ends an upgrade: drops what only the version before this one needs.
    ///
    /// Run it when every instance runs this version. The version before does not start on the store afterwards.
    Contract,
}

pub(super) fn run(
    command: StoreCommand,
    config: &Config,
    console: &mut Console,
) -> Result<ExitCode, CliError> {
    let runtime = rooms::runtime()?;
    match command {
        StoreCommand::Backup { file } => {
            let StoreConfig::Sqlite(_) = config.store else {
                return Err(CliError::refused(
                    "the store is PostgreSQL: copy it with pg_dump; a copy that is put back is noticed by the instances",
                ));
            };
            if file.exists() {
                return Err(CliError::refused(format!(
                    "{} is there already; name a new file",
                    file.display()
                )));
            }
            let store = Store::open(&config.store).map_err(RoomError::Store)?;
            runtime.block_on(store.backup(file.clone())).map_err(|error| {
                CliError::refused(format!(
                    "no copy was made: {error}; {} must be a new file in a directory that you may write to, with room for it",
                    file.display()
                ))
            })?;
            console.line(format_args!("copied to {}", file.display()))?;
        }
        StoreCommand::Contract => {
            let store = Store::open(&config.store).map_err(RoomError::Store)?;
            let steps = runtime.block_on(store.contract()).map_err(RoomError::Store)?;
            console.line(match steps {
                0 => "there was nothing to drop",
                _ => "done: only this version and later ones start on the store from now on",
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
