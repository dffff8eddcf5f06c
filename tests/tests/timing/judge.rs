//! Two heaps of times: how likely one of the right heap is the longer (Mann-Whitney; 0.5 where they are alike).

use std::fmt;
use std::time::Duration;

use contract::message::Message;

use crate::rig::{Rig, State};

/// A reference, and what must not be told from it.
pub(crate) type Pair = (State, State);

pub(crate) const ALIKE: std::ops::RangeInclusive<f64> = 0.47..=0.53;

/// What a busy machine resolves with so many requests. A quiet one shows some microseconds of 400, which a living code costs
/// more than none; no network carries them.
const RESOLVED: Duration = Duration::from_micros(20);

/// What tells one state from another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) area: f64,
    /// Between the medians.
    gap: Duration,
}

impl Told {
    pub(crate) fn of(left: &[u64], right: &[u64]) -> Self {
        let gap = Duration::from_nanos(median(left).abs_diff(median(right)));
        Self { area: area(left, right), gap }
    }

    pub(crate) fn is_apart(&self) -> bool {
        !ALIKE.contains(&self.area) && self.gap >= RESOLVED
    }
}

impl fmt::Display for Told {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:.3}, medians {:?} apart", self.area, self.gap)
    }
}

/// A pair that fails is measured once more: of many pairs, one or the other is out by chance.
pub(crate) fn judge(rig: &Rig, name: &str, pairs: &[Pair], make: impl Fn(&str) -> Message) {
    let first = rig.compare(pairs, &make);
    for (pair, told) in pairs.iter().zip(&first) {
        eprintln!("{name}: {pair:?} {told}");
    }
    let apart = pairs.iter().zip(first).filter(|(_, told)| told.is_apart());
    for pair in apart.map(|(pair, _)| *pair) {
        let again = rig.compare(&[pair], &make)[0];
        eprintln!("{name}: {pair:?} again {again}");
        assert!(!again.is_apart(), "{name}: {pair:?} are told apart: {again}");
    }
}

fn median(times: &[u64]) -> u64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

/// The area under the curve; ties count half.
pub(crate) fn area(left: &[u64], right: &[u64]) -> f64 {
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

#[test]
fn areas_are_as_in_the_book() {
    assert_eq!(area(&[1, 2, 3], &[4, 5]), 1.0);
    assert_eq!(area(&[4, 5], &[1, 2, 3]), 0.0);
    assert_eq!(area(&[1, 2], &[1, 2]), 0.5);
    assert_eq!(area(&[1, 3], &[2]), 0.5);
    assert_eq!(area(&[7; 9], &[7; 4]), 0.5);
}
