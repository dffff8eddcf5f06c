//! Counters in Prometheus' text format. Invariant: labels come from closed lists, so their number is bounded.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use contract::outcome::Outcome;

use crate::ends::Ends;
use crate::engine::Worked;
use crate::log::Counts;

type Labels = (&'static str, &'static str);

/// What was answered, and what else happened, since the start.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    requests: Mutex<BTreeMap<Labels, u64>>,
    events: Counts,
}

impl Metrics {
    pub(super) fn new(events: Counts) -> Self {
        Self { requests: Mutex::default(), events }
    }

    pub(super) fn answered(&self, operation: &'static str, outcome: &Outcome) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let count = requests.entry((operation, outcome.code())).or_default();
        *count = count.saturating_add(1);
    }

    pub(super) fn show(&self, worked: Worked, ends: &Ends) -> String {
        let mut text = String::new();
        head(&mut text, "rekey_requests_total", "Canonical messages answered.");
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        for ((operation, outcome), count) in requests.iter() {
            line(
                &mut text,
                "rekey_requests_total",
                [("operation", operation), ("outcome", outcome)],
                *count,
            );
        }
        drop(requests);
        let tables = [
            ("rekey_asks_ended_total", "Accepted asks, by how they ended.", ends.asks()),
            ("rekey_mails_ended_total", "Mails of the outbox, by how they ended.", ends.mails()),
        ];
        for (name, help, counts) in tables {
            head(&mut text, name, help);
            for (end, reason, count) in counts {
                line(&mut text, name, [("end", end), ("reason", reason)], count);
            }
        }
        let name = "rekey_hooks_ended_total";
        head(&mut text, name, "Events told to your own systems, by how they ended.");
        for (end, kind, count) in ends.events() {
            line(&mut text, name, [("end", end), ("kind", kind)], count);
        }
        head(
            &mut text,
            "rekey_events_total",
            "Events logged: mail_sent, mail_dead, ask_ended and others.",
        );
        for (event, reason, count) in self.events.list() {
            line(&mut text, "rekey_events_total", [("event", &event), ("reason", &reason)], count);
        }
        for (name, help, count) in [
            ("rekey_hashes_total", "New passwords hashed.", worked.hashed),
            ("rekey_comparisons_total", "Codes compared with a guess.", worked.compared),
        ] {
            head(&mut text, name, help);
            let _ = writeln!(text, "{name} {count}");
        }
        let _ = writeln!(
            text,
            "# HELP rekey_backlog Asks and mails that wait: those that are due, and all.\n# TYPE rekey_backlog gauge\nrekey_backlog{{of=\"due\"}} {}\nrekey_backlog{{of=\"all\"}} {}",
            worked.due, worked.waiting
        );
        let _ = writeln!(
            text,
            "# HELP rekey_announced New passwords on their way to the directory, or of which it is not known whether they came there.\n# TYPE rekey_announced gauge\nrekey_announced {}",
            worked.announced
        );
        let _ = writeln!(
            text,
            "# HELP rekey_hooks_waiting Events that your own systems have not acknowledged yet.\n# TYPE rekey_hooks_waiting gauge\nrekey_hooks_waiting {}",
            worked.events
        );
        text
    }
}

fn head(text: &mut String, name: &str, help: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter");
}

fn line(text: &mut String, name: &str, [(left, one), (right, two)]: [(&str, &str); 2], count: u64) {
    let _ = writeln!(text, "{name}{{{left}=\"{one}\",{right}=\"{two}\"}} {count}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_shown_by_label() {
        let metrics = Metrics::default();
        metrics.answered("initiate", &Outcome::Accepted);
        metrics.answered("initiate", &Outcome::Accepted);
        let ends = Ends::new();
        ends.ask("suppressed", "no_account");
        ends.ask("sent", "");
        ends.mail("dead", "late");
        ends.event("told", "password.reset");
        let shown =
            metrics.show(Worked { due: 3, announced: 2, events: 4, ..Worked::default() }, &ends);
        for line in [
            "rekey_requests_total{operation=\"initiate\",outcome=\"accepted\"} 2\n",
            "rekey_asks_ended_total{end=\"suppressed\",reason=\"no_account\"} 1\n",
            "rekey_asks_ended_total{end=\"suppressed\",reason=\"bounced\"} 0\n",
            "rekey_asks_ended_total{end=\"sent\",reason=\"\"} 1\n",
            "rekey_asks_ended_total{end=\"dead\",reason=\"\"} 0\n",
            "rekey_asks_ended_total{end=\"stale\",reason=\"\"} 0\n",
            "rekey_mails_ended_total{end=\"dead\",reason=\"late\"} 1\n",
            "rekey_backlog{of=\"due\"} 3\n",
            "rekey_announced 2\n",
            "rekey_hooks_waiting 4\n",
            "rekey_hooks_ended_total{end=\"told\",kind=\"password.reset\"} 1\n",
        ] {
            assert!(shown.contains(line), "{line} is not in\n{shown}");
        }
    }
}
