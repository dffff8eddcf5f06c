//! How much waits, and how much may: judged in memory, so that an ask that has to be refused costs no store.
//! Invariant: the gauge counts what this instance took and ended since it was read last, so that no burst slips in between.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Millis;

/// What waits must be able to leave in this time.
const DRAIN: Duration = Duration::from_secs(60);

/// So many may wait in any case.
const LEAST: u64 = 100;

/// A drain is believed when so much time with work in hand was seen.
const BELIEVED: Duration = Duration::from_secs(5);

/// Older measurements fade: the sums are halved when they hold so much time.
const FADING: Duration = Duration::from_secs(60);

/// A longer time between two readings is a pause (or a step of the clock), not work.
const PAUSE: Duration = Duration::from_secs(30);

const RETRY: (u64, u64) = (5, 60);

#[derive(Debug, Default)]
pub(crate) struct Backlog(Mutex<Gauge>);

#[derive(Clone, Copy, Debug, Default)]
struct Gauge {
    /// What waited at the last reading, with what came since and without what ended.
    waiting: u64,
    /// With what was put off.
    rows: u64,
    read: Option<Millis>,
    /// Work in hand: milliseconds, and what came to its end in them.
    busy: u64,
    ended: u64,
    /// Ends since the last reading.
    fresh: u64,
}

impl Backlog {
    /// What waits, as the store says: asks and mails that are due, and the rows of all of them.
    pub(crate) fn set(&self, waiting: u64, rows: u64, at: Millis) {
        let mut gauge = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gauge = &mut *gauge;
        let span = gauge.read.map_or(Duration::MAX, |read| read.until(at));
        // Only while something waited does the number of ends tell how fast they can be.
        if gauge.waiting > 0 && waiting > 0 && span < PAUSE {
            gauge.busy = gauge.busy.saturating_add(whole(span));
            gauge.ended = gauge.ended.saturating_add(gauge.fresh);
        }
        if gauge.busy > whole(FADING) {
            (gauge.busy, gauge.ended) = (gauge.busy / 2, gauge.ended / 2);
        }
        (gauge.waiting, gauge.rows, gauge.read, gauge.fresh) = (waiting, rows, Some(at), 0);
    }

    /// One more waits.
    pub(crate) fn add(&self) {
        let mut gauge = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gauge.waiting = gauge.waiting.saturating_add(1);
        gauge.rows = gauge.rows.saturating_add(1);
    }

    /// One came to its end: an ask that led to no mail, a mail that was sent or given up.
    pub(crate) fn end(&self) {
        let mut gauge = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gauge.fresh = gauge.fresh.saturating_add(1);
        gauge.waiting = gauge.waiting.saturating_sub(1);
        gauge.rows = gauge.rows.saturating_sub(1);
    }

    /// Asks and mails that are due, and the rows of all that wait.
    pub(crate) fn waiting(&self) -> (u64, u64) {
        let gauge = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (gauge.waiting, gauge.rows)
    }

    /// In how many seconds to come again, when no more may wait; `most` is the configured bound.
    pub(crate) fn full(&self, most: u32) -> Option<u32> {
        let gauge = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = gauge.limit(most.into());
        if gauge.waiting < limit && gauge.rows < most.into() {
            return None;
        }
        let over = gauge.waiting.saturating_sub(limit).saturating_mul(1000);
        let (shortest, longest) = RETRY;
        let wait = over.checked_div(gauge.rate().unwrap_or(0)).unwrap_or(shortest);
        u32::try_from(wait.clamp(shortest, longest)).ok()
    }
}

impl Gauge {
    /// Ends in a thousand seconds.
    fn rate(&self) -> Option<u64> {
        let measured = self.busy >= whole(BELIEVED);
        measured.then(|| self.ended.saturating_mul(1_000_000).checked_div(self.busy))?
    }

    fn limit(&self, most: u64) -> u64 {
        let drained = self.rate().map(|rate| rate.saturating_mul(DRAIN.as_secs()) / 1000);
        drained.map_or(most, |drained| most.min(drained.max(LEAST)))
    }
}

fn whole(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ends` a second for so many seconds, while `waiting` wait.
    fn drained(ends: u64, seconds: i64, waiting: u64) -> Backlog {
        let backlog = Backlog::default();
        for second in 0..seconds {
            backlog.set(waiting, waiting, Millis(second * 1000));
            (0..ends).for_each(|_| backlog.end());
        }
        backlog.set(waiting, waiting, Millis(seconds * 1000));
        backlog
    }

    #[test]
    fn the_bound_is_what_leaves_in_a_minute() {
        // ends a second, seconds seen, waiting, full?
        let table = [
            (50, 30, 2999, None),
            (50, 30, 3000, Some(5)),
            (50, 30, 4000, Some(20)),
            (50, 600, 3000, Some(5)),
            (500, 30, 9999, None),
            (500, 30, 10_000, Some(5)),
            // Too short to be believed: the configured bound.
            (50, 3, 9999, None),
            (50, 3, 10_000, Some(5)),
            // Nothing leaves: a hundred may wait all the same.
            (0, 30, 99, None),
            (0, 30, 100, Some(5)),
        ];
        for (ends, seconds, waiting, expected) in table {
            let found = drained(ends, seconds, waiting).full(10_000);
            assert_eq!(found, expected, "{ends}/s for {seconds} s, {waiting} wait");
        }
    }

    #[test]
    fn what_comes_between_two_readings_counts() {
        let backlog = Backlog::default();
        backlog.set(0, 0, Millis(0));
        for _ in 0..10 {
            assert_eq!(backlog.full(10), None);
            backlog.add();
        }
        assert_eq!(backlog.full(10), Some(5));
        backlog.end();
        assert_eq!(backlog.full(10), None);
        backlog.add();
        backlog.set(3, 3, Millis(10));
        assert_eq!(backlog.full(10), None);
    }

    #[test]
    fn idle_time_and_clock_steps_measure_nothing() {
        let backlog = Backlog::default();
        for at in [0, 5000, 10_000, 900_000, 4000, 9000] {
            backlog.set(u64::from(at == 900_000), 0, Millis(at));
        }
        backlog.set(5000, 5000, Millis(10_000));
        assert_eq!(backlog.full(10_000), None);
    }
}
