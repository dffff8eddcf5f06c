//! Messages that this process is working on. Invariant: one message is in one pair of hands at a time, so that its repeats
//! make no second hash; they find its outcome when it has one, and take it up where it has none.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Their ids; who waits for one is told by the end of its channel.
#[derive(Debug, Default)]
pub(crate) struct InHand(Mutex<BTreeMap<[u8; 16], watch::Sender<()>>>);

/// One of them; dropping it takes it out.
#[derive(Debug)]
pub(crate) struct Alone<'h>(&'h InHand, [u8; 16]);

impl InHand {
    /// Waits while the message is in hand already; no longer than its flow may take.
    pub(crate) async fn alone(&self, message: [u8; 16]) -> Alone<'_> {
        while let Some(mut ended) = self.begin(message) {
            // Its end is the only thing that can come.
            let _ended = ended.changed().await;
        }
        Alone(self, message)
    }

    /// What to wait for, while the message is in other hands.
    fn begin(&self, message: [u8; 16]) -> Option<watch::Receiver<()>> {
        let mut held = self.lock();
        if let Some(sender) = held.get(&message) {
            return Some(sender.subscribe());
        }
        held.insert(message, watch::Sender::new(()));
        None
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<[u8; 16], watch::Sender<()>>> {
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
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_message_is_in_hand_once_until_it_is_let_go() {
        let hand = InHand::default();
        let first = hand.alone([1; 16]).await;
        drop(hand.alone([2; 16]).await);
        assert!(timeout(Duration::from_millis(20), hand.alone([1; 16])).await.is_err());
        let (second, ()) = tokio::join!(hand.alone([1; 16]), async { drop(first) });
        drop(second);
        assert!(hand.lock().is_empty());
    }
}
