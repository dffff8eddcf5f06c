//! How fast jobs go, so that whoever finds no place can be told when to come back.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Nobody is sent away for longer, whatever was measured.
const LONGEST: u64 = 30;

/// A mean of the latest jobs: each new one counts for an eighth.
const WEIGHT: u64 = 8;

#[derive(Debug)]
pub(super) struct Pace {
    threads: usize,
    running: AtomicUsize,
    micros: AtomicU64,
}

impl Pace {
    pub(super) fn of(threads: usize) -> Self {
        Self { threads, running: AtomicUsize::new(0), micros: AtomicU64::new(0) }
    }

    pub(super) fn begin(&self) {
        self.running.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end(&self, took: Duration) {
        self.running.fetch_sub(1, Ordering::Relaxed);
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).min(u64::from(u32::MAX));
        // Two threads that end at once may lose one measurement of the two.
        let before = self.micros.load(Ordering::Relaxed);
        let mean = if before == 0 { took } else { (before * (WEIGHT - 1) + took) / WEIGHT };
        self.micros.store(mean, Ordering::Relaxed);
    }

    /// Whole seconds until what waits and what runs will be done: at least 1, at most 30.
    pub(super) fn drained(&self, waiting: usize) -> u32 {
        let jobs = waiting.saturating_add(self.running.load(Ordering::Relaxed)) as u64;
        let micros = jobs.saturating_mul(self.micros.load(Ordering::Relaxed));
        let seconds = micros.div_ceil(self.threads.max(1) as u64).div_ceil(1_000_000);
        u32::try_from(seconds.clamp(1, LONGEST)).unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_as_long_as_the_queue() {
        let job = Duration::from_millis(100);
        // Threads, running, waiting, seconds.
        let table = [
            (1, 0, 0, 1),
            (1, 1, 0, 1),
            (1, 0, 10, 1),
            (1, 1, 10, 2),
            (2, 2, 38, 2),
            (4, 4, 64, 2),
            (1, 0, 10_000, 30),
        ];
        for (threads, running, waiting, seconds) in table {
            let pace = Pace::of(threads);
            for _ in 0..running {
                pace.begin();
            }
            pace.begin();
            pace.end(job);
            assert_eq!(pace.drained(waiting), seconds, "{threads} {running} {waiting}");
        }
    }

    #[test]
    fn the_latest_jobs_count_most() {
        let pace = Pace::of(1);
        for job in [[1; 50], [400; 50]].concat() {
            pace.begin();
            pace.end(Duration::from_millis(job));
        }
        assert_eq!(pace.drained(10), 4);
        assert_eq!(Pace::of(1).drained(1000), 1, "nothing was measured yet");
    }
}
