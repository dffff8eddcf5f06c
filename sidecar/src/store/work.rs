//! Operations on their way to a thread that runs them. Invariant: an operation that fails or panics undoes itself only,
//! and nobody is answered before the commit.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use super::StoreError;
use super::sql::tx::{Broken, Tx};

/// How an operation is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Its statements change nothing, and need no transaction.
    Read,
    /// It reads the whole of a table, which may take minutes.
    Survey,
    /// In a transaction, which it may share with others.
    Write,
    /// In one of its own, which may take minutes.
    Alone,
}

/// One operation: run, perhaps again, and later answered.
pub(super) trait Work: Send {
    /// An error: what it did is to be undone.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Broken>;
    fn answer(self: Box<Self>, ended: Result<(), StoreError>);
}

struct Task<T, F> {
    act: F,
    done: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

/// An operation, and where its answer comes out.
pub(super) fn work<T, F>(act: F) -> (Box<dyn Work>, oneshot::Receiver<Result<T, StoreError>>)
where
    T: Send + 'static,
    F: Fn(&mut Tx<'_>) -> Result<T, Broken> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (Box::new(Task { act, done: None, reply }), answer)
}

impl<T, F> Work for Task<T, F>
where
    T: Send,
    F: Fn(&mut Tx<'_>) -> Result<T, Broken> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Broken> {
        self.done = None;
        let caught = catch_unwind(AssertUnwindSafe(|| (self.act)(tx)));
        self.done = Some(caught.unwrap_or(Err(Broken::Store(StoreError::Failed)))?);
        Ok(())
    }

    fn answer(self: Box<Self>, ended: Result<(), StoreError>) {
        let Self { done, reply, .. } = *self;
        // The caller may have left; what was done stays done.
        drop(reply.send(ended.and_then(|()| done.ok_or(StoreError::Failed))));
    }
}
