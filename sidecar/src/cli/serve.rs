//! `rekey serve`: opens everything, serves, and on a signal stops in order: doors first, then the workers, then the store.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::config::Config;
use crate::engine::Engine;
use crate::entropy::Entropy;
use crate::http::Doors;
use crate::keys::Keys;
use crate::log::{self, Counts};

use super::rooms::{RoomError, runtime};
use super::{CliError, check};

pub(super) fn serve(config: Config) -> Result<ExitCode, CliError> {
    let events = log::start(config.log_level);
    tracing::info!(event = "starting", version = env!("CARGO_PKG_VERSION"));
    for warning in check::warnings(&config) {
        tracing::warn!(event = "configured", warning);
    }
    let keys = Keys::open(&config.keys, &Entropy::System).map_err(RoomError::Key)?;
    runtime()?.block_on(run(config, keys, events))
}

async fn run(config: Config, keys: Keys, events: Counts) -> Result<ExitCode, CliError> {
    let (stop, stopped) = watch::channel(false);
    let signals = Signals::listen()?;
    let edge = keys.edge.clone();
    let doors = Doors::bind(&config.listen).await.map_err(RoomError::Bind)?;
    let engine = Engine::open(config.clone(), keys).map_err(RoomError::Engine)?;
    let (rest, rested) = watch::channel(false);
    let work = tokio::spawn(Arc::clone(&engine).work(rested));
    let watch = tokio::spawn(async move {
        let name = signals.first().await;
        tracing::info!(event = "stopping", signal = name);
        // The doors are gone only when the program is.
        let _ = stop.send(true);
    });
    doors.serve(&config, edge, engine, events, stopped).await;
    watch.abort();
    let _ = rest.send(true);
    let worked = work.await;
    tracing::info!(event = "stopped");
    worked
        .map(|()| ExitCode::SUCCESS)
        .map_err(|_| CliError::refused("the workers failed; the log tells how"))
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn first(mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}
