//! How long to wait before the next attempt. Invariant: pure; waits double, end somewhere, and part by chance.

use std::time::Duration;

/// The wait after the first failure.
const FIRST: Duration = Duration::from_secs(5);

/// Doubles with each attempt, up to the longest.
pub(super) fn pause(attempts: u32, longest: Duration, chance: u32) -> Duration {
    let doubled = FIRST.saturating_mul(1 << attempts.saturating_sub(1).min(12));
    spread(doubled.min(longest), chance)
}

/// Up to a quarter is added by chance, so that what failed together does not come together.
pub(super) fn spread(wait: Duration, chance: u32) -> Duration {
    let jitter = f64::from(chance) / f64::from(u32::MAX) / 4.0;
    wait.saturating_add(wait.mul_f64(jitter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_stay_within_bounds() {
        let longest = Duration::from_secs(600);
        let table = [(1, 5), (2, 10), (3, 20), (8, 600), (4_000_000, 600)];
        for (attempts, least) in table {
            let least = Duration::from_secs(least);
            assert_eq!(pause(attempts, longest, 0), least);
            assert_eq!(pause(attempts, longest, u32::MAX), least + least / 4);
        }
    }
}
