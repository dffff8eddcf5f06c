//! SIGINT and SIGTERM as a flag, so that whoever is stopped can stop what he started. A second signal ends at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::stage::Staged;

/// What a shell shows for a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Becomes true with the first signal. Clones are the same flag.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens from now on; the signals no longer end the program by themselves.
    ///
    /// # Errors
    /// The system refuses.
    pub fn on_signals() -> Staged<Self> {
        let stop = Self::default();
        let flag = Arc::clone(&stop.0);
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let (interrupt, terminate) = {
            let _inside = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        std::thread::spawn(move || runtime.block_on(watch(interrupt, terminate, &flag)));
        Ok(stop)
    }

    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

async fn watch(mut interrupt: Signal, mut terminate: Signal, flag: &AtomicBool) {
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if flag.swap(true, Ordering::SeqCst) {
            std::process::exit(INTERRUPTED);
        }
    }
}
