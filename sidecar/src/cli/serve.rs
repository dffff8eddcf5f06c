//! `rekey serve`: opens everything, serves, and on a signal stops in order: doors first, then the workers, then the store.
//! On a second signal it stops at once.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::config::Config;
use crate::engine::Engine;
use crate::entropy::Entropy;
use crate::http::Doors;
use crate::keys::Keys;
use crate::log::{self, Counts};

use super::rooms::{RoomError, runtime};
use super::signals::Signals;
use super::{CliError, check};

/// Longer than one mail that is being handed over.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) fn serve(config: Config) -> Result<ExitCode, CliError> {
    let events = log::start(config.log_level);
    tracing::info!(event = "starting", version = env!("CARGO_PKG_VERSION"));
    for warning in check::warnings(&config) {
        tracing::warn!(event = "configured", warning);
    }
    crate::crash::arm(&config.data);
    let keys = Keys::open(&config.keys, &Entropy::System).map_err(RoomError::Key)?;
    let runtime = runtime()?;
    let ended = runtime.block_on(run(config, keys, events));
    // What still runs has had its time.
    runtime.shutdown_background();
    ended
}

async fn run(config: Config, keys: Keys, events: Counts) -> Result<ExitCode, CliError> {
    let (stop, stopped) = watch::channel(false);
    let mut signals = Signals::listen()?;
    let doors = Doors::bind(&config.listen).await.map_err(RoomError::Door)?;
    let engine = Engine::open(config.clone(), keys).map_err(RoomError::Engine)?;
    engine.begin().await.map_err(RoomError::Engine)?;
    engine.recover().await;
    let (rest, rested) = watch::channel(false);
    let work = tokio::spawn(Arc::clone(&engine).work(rested));
    let orderly = async {
        doors.serve(&config, engine, events, stopped).await;
        let _ = rest.send(true);
        finish(work, PATIENCE).await
    };
    let hurried = async {
        tracing::info!(event = "stopping", signal = signals.next().await);
        // The doors are gone only when the program is.
        let _ = stop.send(true);
        tracing::warn!(event = "stopped_at_once", signal = signals.next().await);
    };
    tokio::select! {
        ended = orderly => ended,
        () = hurried => Ok(ExitCode::FAILURE),
    }
}

/// Waits for the workers, but not for ever: what they leave is leased, and the next start takes it up.
async fn finish(mut work: JoinHandle<()>, patience: Duration) -> Result<ExitCode, CliError> {
    let Ok(worked) = timeout(patience, &mut work).await else {
        work.abort();
        tracing::warn!(event = "workers_left");
        return Ok(ExitCode::FAILURE);
    };
    tracing::info!(event = "stopped");
    worked
        .map(|()| ExitCode::SUCCESS)
        .map_err(|_| CliError::refused("the workers failed; the log tells how"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn workers_that_never_end_are_left() {
        let done = tokio::spawn(async {});
        assert_eq!(finish(done, Duration::from_secs(60)).await.unwrap(), ExitCode::SUCCESS);
        let stuck = tokio::spawn(std::future::pending());
        assert_eq!(finish(stuck, Duration::ZERO).await.unwrap(), ExitCode::FAILURE);
        let failed = tokio::spawn(async { panic!("a worker's fault") });
        assert!(finish(failed, Duration::from_secs(60)).await.is_err());
    }
}
