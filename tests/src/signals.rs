//! SIGINT and SIGTERM as a flag, so that whoever is stopped can stop what he started. A second signal ends at once.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::stage::Staged;

/// What a shell shows for a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Becomes true with the first signal. Clones are the same flag.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Flag>);

#[derive(Debug, Default)]
struct Flag {
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl Flag {
    /// Whether it was set before.
    fn set(&self) -> bool {
        let mut is_set = self.is_set.lock().unwrap_or_else(PoisonError::into_inner);
        self.changed.notify_all();
        std::mem::replace(&mut *is_set, true)
    }
}

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
        *self.0.is_set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the first signal.
    pub fn wait(&self) {
        let is_set = self.0.is_set.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.changed.wait_while(is_set, |is_set| !*is_set);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

async fn watch(mut interrupt: Signal, mut terminate: Signal, flag: &Flag) {
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if flag.set() {
            std::process::exit(INTERRUPTED);
        }
    }
}
