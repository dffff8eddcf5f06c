//! The time, as a parameter. Invariant: nothing else in the sidecar reads the system's clock, so that every decision can
//! be tried at any moment, and instances that share a store go by one clock: the store's.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub i64);

impl Millis {
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }

    /// How long it is until `later`; zero when that has passed.
    #[must_use]
    pub fn until(self, later: Self) -> Duration {
        Duration::from_millis(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }

    /// Year, month and day in UTC, by Howard Hinnant's `civil_from_days`.
    #[must_use]
    pub fn date(self) -> (i64, i64, i64) {
        let shifted = self.0.div_euclid(86_400_000) + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        (year_of_era + era * 400 + i64::from(month <= 2), month, day)
    }

    /// `2026-11-21T21:30:05.007Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let ((year, month, day), millis) = (self.date(), self.0.rem_euclid(86_400_000));
        let (minutes, seconds) = (millis / 60_000, millis / 1000 % 60);
        let (hour, minute, millis) = (minutes / 60, minutes % 60, millis % 1000);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{seconds:02}.{millis:03}Z")
    }

    /// Whole seconds since the epoch.
    #[must_use]
    pub fn seconds(self) -> u64 {
        u64::try_from(self.0.div_euclid(1000)).unwrap_or(0)
    }
}

/// Where the time comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    /// The store's, as it was measured last and has gone on since; the system's before that.
    Followed(Arc<RwLock<Option<Measured>>>),
    /// Set by a test.
    Fixed(Arc<AtomicI64>),
}

/// Another clock's time at a moment of ours that no step of the system's clock moves.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    at: Millis,
    moment: Instant,
}

impl Clock {
    /// One that follows the store's.
    pub fn followed() -> Self {
        Self::Followed(Arc::default())
    }

    pub fn now(&self) -> Millis {
        match self {
            Self::System => system(),
            Self::Followed(measured) => {
                let measured = *measured.read().unwrap_or_else(PoisonError::into_inner);
                measured.map_or_else(system, |last| last.at.plus(last.moment.elapsed()))
            }
            Self::Fixed(at) => Millis(at.load(Ordering::SeqCst)),
        }
    }

    /// Takes over what the store's clock said between `asked` and now, in the middle as far as we know: it is off by half
    /// of that span at most. Other clocks than a followed one go on as they are.
    pub fn follow(&self, at: Millis, asked: Instant) {
        if let Self::Followed(measured) = self {
            let moment = asked.checked_add(asked.elapsed() / 2).unwrap_or(asked);
            *measured.write().unwrap_or_else(PoisonError::into_inner) =
                Some(Measured { at, moment });
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
fn system() -> Millis {
    Millis(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis))
}

/// A span in milliseconds, as the store keeps it.
pub fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_never_wrap() {
        assert_eq!(Millis(5).until(Millis(3)), Duration::ZERO);
        assert_eq!(Millis(5).until(Millis(1005)), Duration::from_secs(1));
        assert_eq!(Millis(i64::MAX).plus(Duration::MAX), Millis(i64::MAX));
        assert_eq!(Millis(-1).seconds(), 0);
        assert_eq!(Millis(1999).seconds(), 1);
    }

    #[test]
    fn moments_are_written_as_dates() {
        let table = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_296_605_007, "2026-11-21T21:30:05.007Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
        ];
        for (at, expected) in table {
            assert_eq!(Millis(at).to_rfc3339(), expected);
        }
    }

    #[test]
    fn a_fixed_clock_stands_still() {
        let at = Arc::new(AtomicI64::new(7));
        let clock = Clock::Fixed(Arc::clone(&at));
        assert_eq!(clock.now(), Millis(7));
        at.store(9, Ordering::SeqCst);
        assert_eq!(clock.now(), Millis(9));
        assert!(Clock::System.now() > Millis(1_700_000_000_000));
    }

    #[test]
    fn a_followed_clock_goes_by_the_stores() {
        let clock = Clock::followed();
        assert!(clock.now() > Millis(1_700_000_000_000));
        for store in [Millis(5_000_000), Millis(4_000_000)] {
            let asked = Instant::now();
            clock.follow(store, asked);
            let (now, span) = (clock.now(), asked.elapsed());
            assert!(now >= store && now <= store.plus(span), "{now:?}");
        }
        let fixed = Clock::Fixed(Arc::new(AtomicI64::new(7)));
        fixed.follow(Millis(9), Instant::now());
        assert_eq!(fixed.now(), Millis(7));
    }
}
