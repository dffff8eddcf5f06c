//! Whether the sidecar is ready, for those that ask often. Invariant: one look at the store at a time, and one a second,
//! however many ask; the bodies are constant.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::engine::Engine;

use super::reply::{self, Reply};

/// For so long a look's result is told.
const KEPT: Duration = Duration::from_secs(1);

pub(super) struct Readiness {
    engine: Arc<Engine>,
    /// When the last look ended, and what it found.
    last: Mutex<Option<(Instant, bool)>>,
}

impl Readiness {
    pub(super) fn new(engine: Arc<Engine>) -> Self {
        Self { engine, last: Mutex::default() }
    }

    /// Who asks during a look waits for its result.
    pub(super) async fn tell(&self) -> Reply {
        let mut last = self.last.lock().await;
        let known = last.filter(|(at, _)| at.elapsed() < KEPT);
        let is_ready = match known {
            Some((_, is_ready)) => is_ready,
            None => self.engine.is_ready().await,
        };
        if known.is_none() {
            *last = Some((Instant::now(), is_ready));
        }
        told(is_ready)
    }
}

pub(super) fn told(is_ready: bool) -> Reply {
    match is_ready {
        true => reply::plain(StatusCode::OK, "ready\n"),
        false => reply::plain(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n"),
    }
}
