//! The log: one JSON object a line on standard error. Invariant: libraries speak only when something is wrong, so that none
//! of their details (bodies, addresses, SMTP dialogues) can reach it.

use std::io;

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging; a second call changes nothing.
pub fn start(level: Level) {
    let ours = Targets::new().with_default(LevelFilter::WARN).with_target("rekey", level).with_target("sidecar", level);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_writer(io::stderr)
        .with_filter(ours);
    // Only a subscriber that is there already can stand in the way, and that one logs.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}
