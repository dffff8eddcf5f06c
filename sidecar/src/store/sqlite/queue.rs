//! The way to a thread: a bounded queue of operations. Invariant: who finds it full is told at once, and waits for nobody.

use std::fmt;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use super::super::work::{Work, work};
use super::{Broken, StoreError, Tx};

/// Operations that may wait; beyond it callers are told that the store is busy.
const LENGTH: usize = 4096;

/// The threads behind it end, and close the file, when the last clone is gone.
#[derive(Clone)]
pub(super) struct Queue(SyncSender<Box<dyn Work>>);

impl Queue {
    pub(super) fn new() -> (Self, Receiver<Box<dyn Work>>) {
        let (sender, waiting) = sync_channel(LENGTH);
        (Self(sender), waiting)
    }

    pub(super) async fn run<T, F>(&self, act: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, Broken> + Send + 'static,
    {
        let (work, answer) = work(act);
        self.0.try_send(work).map_err(|refused| match refused {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Queue(..)")
    }
}
