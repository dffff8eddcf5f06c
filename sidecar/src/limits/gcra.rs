//! The generic cell rate algorithm: one number per key, the moment when everything that was taken is paid off (`tat`).
//! Invariant: no time span holds more than the burst and what the rate adds to it; nothing wraps. The store's statement
//! does the same arithmetic, and a test holds the two together.

use std::time::Duration;

use crate::clock::{Millis, millis};

/// A budget's key in the store; keyed, so that it says nothing to who holds the database alone.
pub type BudgetKey = [u8; 16];

/// A `tat` further ahead than the burst and this was written under another clock: one that was set back meanwhile.
/// Instances disagree by less, because what they are sent is refused as stale beyond it.
const FOREIGN: i64 = 120_000;

/// `count` in every `period`, all of which may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    count: u32,
    period: Duration,
}

impl Rate {
    /// `None` when nothing would ever be allowed, or a period is below a millisecond.
    pub fn new(count: u32, period: Duration) -> Option<Self> {
        (count > 0 && millis(period) > 0).then_some(Self { count, period })
    }

    /// What may come at once.
    pub fn burst(self) -> u32 {
        self.count
    }

    fn period(self) -> i64 {
        millis(self.period)
    }

    /// The period, and what rounding adds to the cost of its units one by one, so that the burst is whole.
    fn tolerance(self) -> i64 {
        let one_by_one = self.cost(1).saturating_mul(self.count.into());
        if i64::from(self.count) <= self.period() { one_by_one } else { self.period() }
    }

    /// So many times as much, as often.
    #[must_use]
    pub fn times(self, factor: u32) -> Self {
        Self { count: self.count.saturating_mul(factor), ..self }
    }

    /// What `units` cost, in milliseconds, rounded up: never more than the rate.
    pub fn cost(self, units: u32) -> i64 {
        let (count, whole) =
            (i128::from(self.count), i128::from(units) * i128::from(self.period()));
        let up = whole.saturating_add(count.saturating_sub(1)).checked_div(count);
        up.and_then(|cost| i64::try_from(cost).ok()).unwrap_or(i64::MAX)
    }

    pub fn take(self, key: BudgetKey, units: u32) -> Take {
        Take { key, cost: self.cost(units), tolerance: self.tolerance() }
    }
}

/// What is taken from one budget. Milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Take {
    pub key: BudgetKey,
    pub cost: i64,
    /// How far ahead of the clock a budget may be drawn: its burst.
    pub tolerance: i64,
}

/// A budget that has not enough left, and how long it takes until it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    pub key: BudgetKey,
    pub wait: Duration,
}

impl Take {
    /// The new `tat`, or the budget that is spent. `tat` is `None` for a budget nobody has drawn on.
    pub fn judge(&self, tat: Option<i64>, at: Millis) -> Result<i64, Spent> {
        let tat = tat.unwrap_or(i64::MIN);
        let tat = if tat > self.foreign(at) { self.latest(at) } else { tat };
        match self.is_possible() && tat <= self.latest(at) {
            true => Ok(tat.max(at.0).saturating_add(self.cost)),
            false => Err(self.spent(tat, at)),
        }
    }

    /// The latest `tat` that leaves room.
    pub fn latest(&self, at: Millis) -> i64 {
        at.0.saturating_add(self.tolerance).saturating_sub(self.cost)
    }

    /// Later ones were written under another clock; they are taken for the latest that leaves room, so that who was locked
    /// out by a clock that ran far ahead is not locked out until then.
    pub fn foreign(&self, at: Millis) -> i64 {
        at.0.saturating_add(self.tolerance).saturating_add(self.cost).saturating_add(FOREIGN)
    }

    /// Whether it can be allowed at all.
    pub fn is_possible(&self) -> bool {
        self.cost <= self.tolerance
    }

    /// How long `tat` refuses this.
    pub fn spent(&self, tat: i64, at: Millis) -> Spent {
        let wait = tat.saturating_sub(self.latest(at)).max(1);
        Spent { key: self.key, wait: Duration::from_millis(wait.unsigned_abs()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(cost: i64, tolerance: i64) -> Take {
        Take { key: [1; 16], cost, tolerance }
    }

    fn per_minute(count: u32) -> Take {
        Rate::new(count, Duration::from_secs(60)).unwrap().take([1; 16], 1)
    }

    #[test]
    fn single_steps() {
        // cost, tolerance, tat, at -> the new tat, or the wait
        let table = [
            (10, 60, None, 1000, Ok(1010)),
            (10, 60, Some(0), 1000, Ok(1010)),
            (10, 60, Some(1000), 1000, Ok(1010)),
            (10, 60, Some(1050), 1000, Ok(1060)),
            (10, 60, Some(1051), 1000, Err(1)),
            (10, 60, Some(1060), 1000, Err(10)),
            (60, 60, Some(1000), 1000, Ok(1060)),
            (60, 60, Some(1001), 1000, Err(1)),
            // One unit dearer than the whole burst never passes.
            (61, 60, Some(0), 1000, Err(1)),
            // A clock that ran ahead by less than two minutes: the step is waited for.
            (10, 60, Some(101_000), 1000, Err(99_950)),
            // By more: one passes, and the budget is full again at once.
            (10, 60, Some(1000 + 60 + 10 + FOREIGN + 1), 1000, Ok(1060)),
            (10, 60, Some(i64::MAX), 1000, Ok(1060)),
            (i64::MAX, i64::MAX, Some(i64::MAX), i64::MAX, Err(i64::MAX)),
        ];
        for (cost, tolerance, tat, at, expected) in table {
            let found = take(cost, tolerance).judge(tat, Millis(at));
            let found = found.map_err(|spent| i64::try_from(spent.wait.as_millis()).unwrap());
            if !take(cost, tolerance).is_possible() {
                assert!(found.is_err(), "{cost} of {tolerance}");
                continue;
            }
            assert_eq!(found, expected, "{cost} of {tolerance}, {tat:?} at {at}");
        }
    }

    #[test]
    fn a_burst_is_whole_whatever_rounding_does() {
        for (count, seconds) in [(1, 1), (7, 60), (70, 600), (1900, 3600), (1000, 1), (60_000, 60)]
        {
            let take = Rate::new(count, Duration::from_secs(seconds)).unwrap().take([1; 16], 1);
            let (mut tat, mut passed) = (None, 0);
            while let Ok(new) = take.judge(tat, Millis(5_000_000)) {
                (tat, passed) = (Some(new), passed + 1);
            }
            assert_eq!(passed, count, "{count} in {seconds} s");
        }
    }

    #[test]
    fn costs_are_rounded_up_and_never_wrap() {
        let table = [
            (60, 60, 1, 1000),
            (7, 60, 1, 8572),
            (1900, 3600, 1, 1895),
            (1900, 3600, 1900, 3_600_000),
        ];
        for (count, seconds, units, cost) in table {
            let rate = Rate::new(count, Duration::from_secs(seconds)).unwrap();
            assert_eq!(rate.cost(units), cost, "{units} of {count}/{seconds}s");
        }
        assert_eq!(Rate::new(1, Duration::MAX).unwrap().cost(u32::MAX), i64::MAX);
        assert!(Rate::new(0, Duration::from_secs(1)).is_none());
        assert!(Rate::new(1, Duration::from_micros(1)).is_none());
    }

    /// Whatever the order of asks, no window holds more than burst and rate; and a wait that is told is the right one.
    #[test]
    fn no_window_holds_more_than_its_bound() {
        let mut state = 7_u64;
        let mut random = move |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            i64::try_from((state >> 33) % below).unwrap()
        };
        for count in [1, 2, 7, 60, 1000] {
            let take = per_minute(count);
            let (mut tat, mut at, mut passed) = (None, 1_000_000_i64, Vec::new());
            for _ in 0..5000 {
                let step = if random(50) == 0 { 60_000 } else { 200 };
                at += random(step);
                match take.judge(tat, Millis(at)) {
                    Ok(new) => {
                        tat = Some(new);
                        passed.push(at);
                    }
                    Err(spent) => {
                        let wait = i64::try_from(spent.wait.as_millis()).unwrap();
                        assert!(take.judge(tat, Millis(at + wait - 1)).is_err());
                        assert!(take.judge(tat, Millis(at + wait)).is_ok());
                    }
                }
            }
            for (from, begin) in passed.iter().enumerate() {
                for (to, end) in passed.iter().enumerate().skip(from).take(2000) {
                    let bound = i64::from(count) + (end - begin) / take.cost + 1;
                    assert!(i64::try_from(to - from + 1).unwrap() <= bound, "{count} a minute");
                }
            }
        }
    }

    #[test]
    fn a_clock_that_steps_back_locks_nobody_out_longer_than_the_step() {
        for step in [1_000, 60_000, FOREIGN - 1, FOREIGN + 20_000, 300_000, 400 * FOREIGN] {
            let (take, at) = (per_minute(10), 5_000_000_000_i64);
            let mut tat = None;
            while let Ok(new) = take.judge(tat, Millis(at + step)) {
                tat = Some(new);
            }
            let first = (0..).map(|waited| waited * 500);
            let waited =
                first.take_while(|waited| take.judge(tat, Millis(at + waited)).is_err()).last();
            assert!(waited.unwrap_or(0) <= step.min(FOREIGN) + take.cost, "{step}: {waited:?}");
        }
    }

    /// Instances a minute apart: together they allow what the one ahead would, never more.
    #[test]
    fn clocks_that_disagree_do_not_add_up() {
        let take = per_minute(60);
        let (mut tat, mut passed) = (None, 0);
        for second in 0..600_i64 {
            for ahead in [0, 60_000] {
                for _ in 0..5 {
                    if let Ok(new) = take.judge(tat, Millis(9_000_000 + second * 1000 + ahead)) {
                        tat = Some(new);
                        passed += 1;
                    }
                }
            }
        }
        assert!(passed <= 60 + 660, "{passed} in ten minutes");
    }
}
