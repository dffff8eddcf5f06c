//! Pairs of states, measured and judged.

use contract::message::Message;

use crate::rig::{Rig, State};

/// A reference, and what must not be told from it.
pub(crate) type Pair = (State, State);

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
