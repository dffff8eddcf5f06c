//! The worker that forgets: rows past their time, in small batches.

use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::wait;
use crate::engine::Engine;
use crate::store::Horizon;

const EVERY: Duration = Duration::from_secs(30);

/// Between two batches, so that nobody waits behind them.
const BREATH: Duration = Duration::from_millis(20);

/// Twice the window that a message's time may be off (older ones are refused as stale), and a clock that steps five
/// minutes forward and back again: until then an id must not be forgotten.
const MESSAGES: Duration = Duration::from_secs(15 * 60);
const ASKS: Duration = Duration::from_secs(15 * 60);
const MAILS: Duration = Duration::from_secs(24 * 3600);
const DEAD_MAILS: Duration = Duration::from_secs(7 * 24 * 3600);

/// A day is the longest life that can be configured for a proof; spent ones stay as tombstones for longer than any lives.
const PROOFS: Duration = Duration::from_secs(7 * 24 * 3600);
const AUDIT: Duration = Duration::from_secs(90 * 24 * 3600);

pub(crate) async fn run(engine: &Engine, mut stop: watch::Receiver<bool>) {
    let nobody = Notify::new();
    loop {
        let span = match engine.store.purge(horizon(engine)).await {
            Ok(true) => BREATH,
            Ok(false) => EVERY,
            Err(error) => {
                tracing::error!(event = "purge_failed", kind = %error);
                EVERY
            }
        };
        if !wait(&nobody, span, &mut stop).await {
            return;
        }
    }
}

pub(super) fn horizon(engine: &Engine) -> Horizon {
    let now = engine.clock.now();
    // An ask is what a sender's cool-down is counted by.
    let asks = ASKS.max(engine.config.limits.cool_down);
    Horizon {
        now,
        messages: now.minus(MESSAGES),
        asks: now.minus(asks),
        mails: now.minus(MAILS),
        dead_mails: now.minus(DEAD_MAILS),
        proofs: now.minus(PROOFS),
        audit: now.minus(AUDIT),
    }
}
