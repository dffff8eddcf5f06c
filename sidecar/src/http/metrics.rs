//! Counters in Prometheus' text format. Invariant: labels come from closed lists, so their number is bounded.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use contract::message::Operation;
use contract::outcome::Outcome;

type Labels = (&'static str, &'static str);

/// What was answered since the start.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    requests: Mutex<BTreeMap<Labels, u64>>,
}

impl Metrics {
    pub(super) fn answered(&self, operation: Operation, outcome: &Outcome) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let count = requests.entry((operation.as_str(), outcome.code())).or_default();
        *count = count.saturating_add(1);
    }

    pub(super) fn show(&self) -> String {
        let mut text = String::from(
            "# HELP rekey_requests_total Canonical messages answered.\n# TYPE rekey_requests_total counter\n",
        );
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        for ((operation, outcome), count) in requests.iter() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "rekey_requests_total{{operation=\"{operation}\",outcome=\"{outcome}\"}} {count}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_shown_by_label() {
        let metrics = Metrics::default();
        metrics.answered(Operation::Initiate, &Outcome::Accepted);
        metrics.answered(Operation::Initiate, &Outcome::Accepted);
        assert!(metrics.show().ends_with("rekey_requests_total{operation=\"initiate\",outcome=\"accepted\"} 2\n"));
    }
}
