//! Jobs on their way to the hashing threads: first in, first out, bounded. Invariant: a job is either taken by a thread or
//! given up by its caller, never both; a place in the queue is free again only when a thread took the job out.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Who first claims a job decides over it: the thread that begins it, or the caller that waited long enough.
#[derive(Clone, Debug, Default)]
pub(super) struct Claim(Arc<AtomicBool>);

impl Claim {
    pub(super) fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }

    pub(super) fn is_taken(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What a thread finds when it asks for a job.
#[derive(Debug)]
pub(super) enum Found<Job> {
    Job(Job),
    Nothing,
    End,
}

/// A bounded queue between async callers and threads.
#[derive(Debug)]
pub(super) struct Queue<Job> {
    limit: usize,
    state: Mutex<State<Job>>,
    arrived: Condvar,
}

#[derive(Debug)]
struct State<Job> {
    waiting: VecDeque<Job>,
    closed: bool,
}

impl<Job> Queue<Job> {
    pub(super) fn new(limit: usize) -> Self {
        let state = Mutex::new(State { waiting: VecDeque::new(), closed: false });
        Self { limit, state, arrived: Condvar::new() }
    }

    /// Whether the job found a place.
    pub(super) fn push(&self, job: Job) -> bool {
        let mut state = self.lock();
        if state.closed || state.waiting.len() >= self.limit {
            return false;
        }
        state.waiting.push_back(job);
        drop(state);
        self.arrived.notify_one();
        true
    }

    /// Blocks until there is a job, the patience is at its end, or the queue was closed.
    pub(super) fn take(&self, patience: Duration) -> Found<Job> {
        let nothing = |state: &mut State<Job>| state.waiting.is_empty() && !state.closed;
        let waited = self.arrived.wait_timeout_while(self.lock(), patience, nothing);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match state.waiting.pop_front() {
            Some(job) => Found::Job(job),
            None if state.closed => Found::End,
            None => Found::Nothing,
        }
    }

    /// How many of what waits are so.
    pub(super) fn count(&self, is_so: impl Fn(&Job) -> bool) -> usize {
        self.lock().waiting.iter().filter(|job| is_so(job)).count()
    }

    /// Drops what waits and sends the threads home.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.waiting.clear();
        drop(state);
        self.arrived.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<Job>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
