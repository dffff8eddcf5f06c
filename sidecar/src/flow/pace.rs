//! How fast something ends, measured over the last moments. Invariant: pure; the moments are parameters.

use std::time::Duration;

use tokio::time::Instant;

/// Long enough to count something, short enough to follow.
const WINDOW: Duration = Duration::from_millis(500);

/// Ends of a kind, counted in windows.
#[derive(Debug)]
pub(super) struct Pace {
    since: Instant,
    ended: usize,
    per_second: usize,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, ended: 0, per_second: 0 }
    }

    pub(super) fn end(&mut self, now: Instant) {
        self.ended = self.ended.saturating_add(1);
        let span = now.saturating_duration_since(self.since);
        if span >= WINDOW {
            let millis = usize::try_from(span.as_millis()).unwrap_or(usize::MAX);
            self.per_second = self.ended.saturating_mul(1000).checked_div(millis).unwrap_or(0);
            (self.since, self.ended) = (now, 0);
        }
    }

    /// Of the last window that is over.
    pub(super) fn per_second(&self) -> usize {
        self.per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_window_counts() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        for at in 1..=500 {
            assert_eq!(pace.per_second(), 0, "{at}");
            pace.end(start + Duration::from_millis(at));
        }
        assert_eq!(pace.per_second(), 1000);
        pace.end(start + Duration::from_millis(10_500));
        assert_eq!(pace.per_second(), 0, "an old rate is forgotten with the next end");
    }
}
