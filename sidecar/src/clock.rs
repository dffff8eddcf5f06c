//! The time, as a parameter. Invariant: nothing else in the sidecar reads the system's clock, so that every decision can
//! be tried at any moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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
    /// Set by a test.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn now(&self) -> Millis {
        match self {
            Self::System => Millis(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis)),
            Self::Fixed(at) => Millis(at.load(Ordering::SeqCst)),
        }
    }
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
    fn a_fixed_clock_stands_still() {
        let at = Arc::new(AtomicI64::new(7));
        let clock = Clock::Fixed(Arc::clone(&at));
        assert_eq!(clock.now(), Millis(7));
        at.store(9, Ordering::SeqCst);
        assert_eq!(clock.now(), Millis(9));
        assert!(Clock::System.now() > Millis(1_700_000_000_000));
    }
}
