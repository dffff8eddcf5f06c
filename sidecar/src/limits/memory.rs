//! Until when something holds, by key: refusals until their Retry-After, messages until they cannot come again.
//! Invariant: the room is fixed; where a row of it is full, what has ended goes first, and then any one. Keys are keyed
//! hashes, so that nobody can choose whom he drives out.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::gcra::BudgetKey;
use crate::clock::Millis;

/// Keys that fit.
pub(super) const ROOM: usize = 65_536;

/// Places that one key can lie in.
const WAYS: usize = 8;

#[derive(Clone, Copy)]
struct Slot {
    key: BudgetKey,
    since: Millis,
    until: Millis,
}

impl Slot {
    const EMPTY: Self = Self { key: [0; 16], since: Millis(0), until: Millis(0) };

    /// Nothing holds before it was noted: a clock that steps back makes nobody wait longer.
    fn holds(&self, at: Millis) -> bool {
        self.since <= at && at < self.until
    }
}

/// A bounded memory of keys.
pub(super) struct Memory(Mutex<Vec<[Slot; WAYS]>>);

impl Memory {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Holds a key from now on for a span.
    pub(super) fn note(&self, key: BudgetKey, at: Millis, span: Duration) {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.is_empty() {
            rows.resize(ROOM / WAYS, [Slot::EMPTY; WAYS]);
        }
        let Some(row) = rows.get_mut(row_of(key)) else { return };
        let same = row.iter().position(|slot| slot.key == key);
        let ended = || row.iter().position(|slot| !slot.holds(at));
        let place = same.or_else(ended).unwrap_or_else(|| any(key));
        if let Some(slot) = row.get_mut(place) {
            *slot = Slot { key, since: at, until: at.plus(span) };
        }
    }

    /// How long a key still holds.
    pub(super) fn left(&self, key: BudgetKey, at: Millis) -> Option<Duration> {
        let rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = rows.get(row_of(key))?.iter().find(|slot| slot.key == key)?;
        slot.holds(at).then(|| at.until(slot.until))
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Memory(..)")
    }
}

fn row_of(key: BudgetKey) -> usize {
    let [high, low, ..] = key;
    usize::from(u16::from_be_bytes([high, low])) % (ROOM / WAYS)
}

/// Another part of the key than the row, so that it is any place of it.
fn any(key: BudgetKey) -> usize {
    let [.., last] = key;
    usize::from(last) % WAYS
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn key(n: u32) -> BudgetKey {
        Sha256::digest(n.to_be_bytes())[..16].try_into().unwrap()
    }

    #[test]
    fn a_key_holds_until_its_time_and_not_before_it_was_noted() {
        let memory = Memory::new();
        assert_eq!(memory.left(key(1), Millis(0)), None);
        memory.note(key(1), Millis(1000), MINUTE);
        for (at, left) in [(999, None), (1000, Some(60_000)), (60_999, Some(1)), (61_000, None)] {
            let left = left.map(Duration::from_millis);
            assert_eq!(memory.left(key(1), Millis(at)), left, "{at}");
        }
        assert_eq!(memory.left(key(2), Millis(1000)), None);
        memory.note(key(1), Millis(2000), Duration::from_secs(1));
        assert_eq!(memory.left(key(1), Millis(3000)), None, "the last note counts");
    }

    #[test]
    fn what_has_ended_goes_first() {
        let memory = Memory::new();
        let keep = |n: u8| {
            let mut key = [n; 16];
            (key[0], key[1]) = (0, 0);
            key
        };
        for n in 0..8 {
            memory.note(keep(n), Millis(0), if n == 3 { MINUTE / 2 } else { MINUTE });
        }
        memory.note(keep(9), Millis(40_000), MINUTE);
        let held: Vec<u8> =
            (0..10).filter(|n| memory.left(keep(*n), Millis(40_001)).is_some()).collect();
        assert_eq!(held, [0, 1, 2, 4, 5, 6, 7, 9]);
    }

    #[test]
    fn a_flood_of_keys_finds_its_bound() {
        let memory = Memory::new();
        for n in 0..300_000 {
            memory.note(key(n), Millis(i64::from(n)), Duration::from_secs(3600));
        }
        let held = (0..300_000).filter(|n| memory.left(key(*n), Millis(300_000)).is_some()).count();
        assert!((ROOM - 100..=ROOM).contains(&held), "{held}");
        assert!(memory.left(key(299_999), Millis(300_000)).is_some());
    }
}
