//! Two heaps of times: how likely one of the right heap is the longer (Mann-Whitney; 0.5 where they are alike).

use contract::message::Message;

use crate::rig::{Rig, State};

/// A reference, and what must not be told from it.
pub(crate) type Pair = (State, State);

pub(crate) const ALIKE: std::ops::RangeInclusive<f64> = 0.47..=0.53;

/// A pair that fails is measured once more: of many pairs, one or the other is out by chance.
pub(crate) fn judge(rig: &Rig, name: &str, pairs: &[Pair], make: impl Fn(&str) -> Message) {
    let first = rig.areas(pairs, &make);
    for (pair, area) in pairs.iter().zip(&first) {
        eprintln!("{name}: {pair:?} {area:.3}");
    }
    let failed: Vec<Pair> = pairs
        .iter()
        .zip(first)
        .filter(|(_, area)| !ALIKE.contains(area))
        .map(|(pair, _)| *pair)
        .collect();
    for pair in failed {
        let again = rig.areas(&[pair], &make)[0];
        eprintln!("{name}: {pair:?} again {again:.3}");
        assert!(ALIKE.contains(&again), "{name}: {pair:?} are told apart: {again:.3}");
    }
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
