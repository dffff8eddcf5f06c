//! The log: one JSON object a line on standard error; every event of ours is counted for the metrics, too.
//! Invariant: libraries speak only when something is wrong, so that none of their details (bodies, addresses, SMTP
//! dialogues) can reach it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// More kinds of events than the program has; beyond it nothing new is counted.
const MAX_KINDS: usize = 256;

/// Starts logging, and gives what counts the events; a second call logs as the first one did.
pub fn start(level: Level) -> Counts {
    let counts = Counts::default();
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_writer(io::stderr)
        .with_filter(ours(level).with_default(LevelFilter::WARN));
    let counted = counts.clone().with_filter(ours(Level::INFO));
    // Only a subscriber that is there already can stand in the way, and that one logs.
    let _ = tracing_subscriber::registry().with(lines).with(counted).try_init();
    counts
}

fn ours(level: Level) -> Targets {
    Targets::new().with_target("rekey", level).with_target("sidecar", level)
}

/// How often each event was logged, by its name and its `reason` (or `end`).
#[derive(Clone, Debug, Default)]
pub struct Counts(Arc<Mutex<BTreeMap<(String, String), u64>>>);

impl Counts {
    /// Name, reason (may be empty), number.
    pub fn list(&self) -> Vec<(String, String, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts
            .iter()
            .map(|((name, reason), count)| (name.clone(), reason.clone(), *count))
            .collect()
    }

    fn count(&self, labels: Labels) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (labels.event, labels.reason);
        if counts.len() < MAX_KINDS || counts.contains_key(&key) {
            let count = counts.entry(key).or_default();
            *count = count.saturating_add(1);
        }
    }
}

impl<S: Subscriber> Layer<S> for Counts {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut labels = Labels::default();
        event.record(&mut labels);
        if !labels.event.is_empty() {
            self.count(labels);
        }
    }
}

/// Only texts are taken, which in our events are words of the program; what is formatted (`%`, `?`) is not.
#[derive(Default)]
struct Labels {
    event: String,
    reason: String,
}

impl Visit for Labels {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "event" => value.clone_into(&mut self.event),
            "reason" => value.clone_into(&mut self.reason),
            "end" if self.reason.is_empty() => value.clone_into(&mut self.reason),
            _ => (),
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_by_name_and_reason() {
        let counts = Counts::default();
        let subscriber = tracing_subscriber::registry().with(counts.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(event = "ask_ended", end = "suppressed", reason = "no_account");
            tracing::info!(event = "ask_ended", end = "stale", address = "a***@e***.com");
            tracing::info!(event = "mail_sent", attempts = 1);
            tracing::info!(event = "mail_sent", reason = %"formatted");
            tracing::info!("no event");
        });
        let found = counts.list();
        let found: Vec<_> = found
            .iter()
            .map(|(name, reason, count)| (name.as_str(), reason.as_str(), *count))
            .collect();
        assert_eq!(
            found,
            [("ask_ended", "no_account", 1), ("ask_ended", "stale", 1), ("mail_sent", "", 2)]
        );
    }
}
