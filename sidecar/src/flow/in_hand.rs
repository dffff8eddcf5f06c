//! Messages that this process is working on. Invariant: one message is in one pair of hands at a time, so that its repeats
//! make no second hash.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Their ids.
#[derive(Debug, Default)]
pub(crate) struct InHand(Mutex<BTreeSet<[u8; 16]>>);

/// One of them; dropping it takes it out.
#[derive(Debug)]
pub(crate) struct Alone<'h>(&'h InHand, [u8; 16]);

impl InHand {
    /// `None` while the message is in hand already.
    pub(crate) fn begin(&self, message: [u8; 16]) -> Option<Alone<'_>> {
        let is_first = self.lock().insert(message);
        // Not `then_some`: one made in vain would take the other out.
        is_first.then(|| Alone(self, message))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<[u8; 16]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.0.lock().remove(&self.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_in_hand_once_until_it_is_let_go() {
        let hand = InHand::default();
        let first = hand.begin([1; 16]);
        assert!(first.is_some() && hand.begin([1; 16]).is_none() && hand.begin([2; 16]).is_some());
        drop(first);
        assert!(hand.begin([1; 16]).is_some());
    }
}
