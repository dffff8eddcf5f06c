//! Counters of the edge, in Prometheus' text format. Invariant: labels come from closed lists, so their number is bounded.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use contract::edge::Exchange;

use super::upstream::Fault;
use crate::log::Counts;

type Table<const N: usize> = Mutex<BTreeMap<[&'static str; N], u64>>;

#[derive(Debug, Default)]
pub(super) struct Metrics {
    answered: Table<3>,
    faults: Table<2>,
    passed: AtomicU64,
    refused: Table<1>,
    events: Counts,
}

impl Metrics {
    pub(super) fn new(events: Counts) -> Self {
        Self { events, ..Self::default() }
    }

    /// A request of ours has its outcome; one that passes on may have none.
    pub(super) fn answered(&self, exchange: &Exchange) {
        if exchange.outcome().is_empty() {
            return;
        }
        count(&self.answered, [exchange.dialect().name(), exchange.operation(), exchange.label()]);
    }

    pub(super) fn fault(&self, upstream: &'static str, fault: Fault) {
        count(&self.faults, [upstream, fault.as_str()]);
    }

    pub(super) fn passed(&self) {
        self.passed.fetch_add(1, Ordering::Relaxed);
    }

    /// A request, or a connection, that is nobody's.
    pub(super) fn refused(&self, reason: &'static str) {
        count(&self.refused, [reason]);
    }

    pub(super) fn show(&self) -> String {
        let mut text = String::new();
        let answered = ("rekey_edge_requests_total", "Requests of ours, answered.");
        table(&mut text, answered, ["dialect", "operation", "outcome"], &self.answered);
        let passed = self.passed.load(Ordering::Relaxed);
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "# HELP rekey_edge_passed_total Requests that went on to the app.\n# TYPE rekey_edge_passed_total counter\nrekey_edge_passed_total {passed}"
        );
        let refused = ("rekey_edge_refused_total", "Requests and connections that are nobody's.");
        table(&mut text, refused, ["reason"], &self.refused);
        let faults = ("rekey_edge_upstream_faults_total", "Tries that brought no answer.");
        table(&mut text, faults, ["upstream", "reason"], &self.faults);
        let _ = writeln!(
            text,
            "# HELP rekey_events_total Events logged.\n# TYPE rekey_events_total counter"
        );
        for (event, reason, number) in self.events.list() {
            let _ = writeln!(
                text,
                "rekey_events_total{{event=\"{event}\",reason=\"{reason}\"}} {number}"
            );
        }
        text
    }
}

fn count<const N: usize>(table: &Table<N>, labels: [&'static str; N]) {
    let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
    let number = table.entry(labels).or_default();
    *number = number.saturating_add(1);
}

fn table<const N: usize>(
    text: &mut String,
    (name, help): (&str, &str),
    labels: [&str; N],
    table: &Table<N>,
) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter");
    for (values, number) in table.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        let pairs: Vec<String> = labels
            .iter()
            .zip(values)
            .map(|(label, value)| format!("{label}=\"{value}\""))
            .collect();
        let _ = writeln!(text, "{name}{{{}}} {number}", pairs.join(","));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_shown_by_label() {
        let metrics = Metrics::default();
        metrics.passed();
        metrics.refused("path");
        metrics.refused("path");
        metrics.fault("sidecar", Fault::Connect);
        let shown = metrics.show();
        for line in [
            "rekey_edge_passed_total 1\n",
            "rekey_edge_refused_total{reason=\"path\"} 2\n",
            "rekey_edge_upstream_faults_total{upstream=\"sidecar\",reason=\"connect\"} 1\n",
        ] {
            assert!(shown.contains(line), "{line} is not in\n{shown}");
        }
    }
}
