//! How asks and mails end, counted for the metrics since the start. Invariant: labels are words of the program, never a
//! relay's or a client's, so that their number is bounded; every end of an ask stands there from the start, if only as 0.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::store::Suppression;

/// End and reason; most ends need none.
type Labels = (&'static str, &'static str);

#[derive(Debug)]
pub struct Ends {
    asks: Mutex<BTreeMap<Labels, u64>>,
    mails: Mutex<BTreeMap<Labels, u64>>,
    /// How they ended, and their kind.
    events: Mutex<BTreeMap<Labels, u64>>,
}

impl Ends {
    pub fn new() -> Self {
        let suppressed = Suppression::ALL.map(|reason| ("suppressed", reason.as_str()));
        let asks = [("dead", ""), ("sent", ""), ("stale", "")].into_iter().chain(suppressed);
        let mails = [("bounced", ""), ("dead", ""), ("sent", "")];
        Self {
            asks: Mutex::new(asks.map(|labels| (labels, 0)).collect()),
            mails: Mutex::new(mails.into_iter().map(|labels| (labels, 0)).collect()),
            events: Mutex::default(),
        }
    }

    pub(crate) fn ask(&self, end: &'static str, reason: &'static str) {
        count(&self.asks, (end, reason));
    }

    pub(crate) fn mail(&self, end: &'static str, reason: &'static str) {
        count(&self.mails, (end, reason));
    }

    pub(crate) fn event(&self, end: &'static str, kind: &'static str) {
        count(&self.events, (end, kind));
    }

    /// End, reason (may be empty), number.
    pub fn asks(&self) -> Vec<(&'static str, &'static str, u64)> {
        list(&self.asks)
    }

    /// The same of mails.
    pub fn mails(&self) -> Vec<(&'static str, &'static str, u64)> {
        list(&self.mails)
    }

    /// End, kind, number, of the events that are told to the team's own systems.
    pub fn events(&self) -> Vec<(&'static str, &'static str, u64)> {
        list(&self.events)
    }
}

impl Default for Ends {
    fn default() -> Self {
        Self::new()
    }
}

fn count(counts: &Mutex<BTreeMap<Labels, u64>>, labels: Labels) {
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    let count = counts.entry(labels).or_default();
    *count = count.saturating_add(1);
}

fn list(counts: &Mutex<BTreeMap<Labels, u64>>) -> Vec<(&'static str, &'static str, u64)> {
    let counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    counts.iter().map(|((end, reason), count)| (*end, *reason, *count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_is_there_before_it_comes() {
        let ends = Ends::new();
        for end in ["dead", "sent", "stale"] {
            assert!(ends.asks().contains(&(end, "", 0)), "{end}");
        }
        for reason in Suppression::ALL {
            assert!(ends.asks().contains(&("suppressed", reason.as_str(), 0)), "{reason:?}");
        }
        ends.ask("sent", "");
        ends.ask("sent", "");
        ends.mail("dead", "late");
        assert!(ends.asks().contains(&("sent", "", 2)));
        assert!(ends.mails().contains(&("dead", "late", 1)));
    }
}
