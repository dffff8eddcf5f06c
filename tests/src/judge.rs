//! Two heaps of times: how likely one of the right heap is the longer (Mann-Whitney; 0.5 where they are alike). One judge and
//! one measure for everything that must not be told apart.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::http::Reply;

/// Where heaps are alike.
pub const ALIKE: std::ops::RangeInclusive<f64> = 0.47..=0.53;

/// What a busy machine resolves with two thousand requests. A quiet one shows some microseconds of 400, which a living code
/// costs more than none; no network carries them.
const RESOLVED: Duration = Duration::from_micros(20);

/// What tells one heap from another.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    pub area: f64,
    /// Between the medians.
    gap: Duration,
}

impl Told {
    /// Of times in nanoseconds.
    #[must_use]
    pub fn of(left: &[u64], right: &[u64]) -> Self {
        let gap = Duration::from_nanos(median(left).abs_diff(median(right)));
        Self { area: area(left, right), gap }
    }

    #[must_use]
    pub fn is_apart(&self) -> bool {
        !ALIKE.contains(&self.area) && self.gap >= RESOLVED
    }
}

impl fmt::Display for Told {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:.3}, medians {:?} apart", self.area, self.gap)
    }
}

/// The area under the curve; ties count half.
#[must_use]
pub fn area(left: &[u64], right: &[u64]) -> f64 {
    let mut all: Vec<(u64, bool)> = left.iter().map(|time| (*time, false)).collect();
    all.extend(right.iter().map(|time| (*time, true)));
    all.sort_unstable();
    let (mut below, mut sum) = (0.0, 0.0);
    for ties in all.chunk_by(|one, next| one.0 == next.0) {
        let rights = ties.iter().filter(|(_, is_right)| *is_right).count() as f64;
        let lefts = ties.len() as f64 - rights;
        sum += rights * (below + lefts / 2.0);
        below += lefts;
    }
    sum / (left.len() as f64 * right.len() as f64)
}

/// Fisher-Yates, another order each time.
///
/// # Panics
/// The clock stands before 1970.
pub fn shuffle<T>(order: &mut [T]) {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let mut dice = seed.as_nanos() as u64 | 1;
    for at in (1..order.len()).rev() {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        order.swap(at, (dice % (at as u64 + 1)) as usize);
    }
}

/// All of an answer that does not change with the second.
#[must_use]
pub fn without_date(reply: &Reply) -> String {
    let headers = reply.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("date"));
    let headers: Vec<String> = headers
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)))
        .collect();
    format!("{}\n{}\n{}", reply.status, headers.join("\n"), reply.text())
}

#[must_use]
pub fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn median(times: &[u64]) -> u64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::area;

    #[test]
    fn areas_are_as_in_the_book() {
        assert_eq!(area(&[1, 2, 3], &[4, 5]), 1.0);
        assert_eq!(area(&[4, 5], &[1, 2, 3]), 0.0);
        assert_eq!(area(&[1, 2], &[1, 2]), 0.5);
        assert_eq!(area(&[1, 3], &[2]), 0.5);
        assert_eq!(area(&[7; 9], &[7; 4]), 0.5);
    }
}
