//! Connections that are kept for the next one. Invariant: never more than configured; one goes back only when nothing of its
//! user is left on it.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::fault::Broken;
use super::lane::{Lane, Way};
use crate::directory::DirectoryError;

#[derive(Debug)]
pub(super) struct Pool {
    way: Way,
    seats: Semaphore,
    idle: Mutex<Vec<Lane>>,
}

/// A connection in use; it is closed where it is not kept.
#[derive(Debug)]
pub(super) struct Seat<'p> {
    pub(super) lane: Lane,
    /// Whether it was made for this user: a kept one may have been lost meanwhile.
    pub(super) fresh: bool,
    pool: &'p Pool,
    permit: SemaphorePermit<'p>,
}

impl Pool {
    pub(super) fn new(way: Way, connections: usize) -> Self {
        Self { way, seats: Semaphore::new(connections), idle: Mutex::default() }
    }

    pub(super) async fn take(&self) -> Result<Seat<'_>, Broken> {
        let seat = self.seats.acquire().await;
        let permit = seat.map_err(|_| Broken::Is(DirectoryError::Failed))?;
        let kept = loop {
            match self.idle().pop() {
                Some(lane) if lane.is_closed() => {}
                found => break found,
            }
        };
        let fresh = kept.is_none();
        let lane = match kept {
            Some(lane) => lane,
            None => self.way.connect().await?,
        };
        Ok(Seat { lane, fresh, pool: self, permit })
    }

    /// One that is nobody's of the pool.
    pub(super) async fn connect(&self) -> Result<Lane, Broken> {
        self.way.connect().await
    }

    /// Those that are kept are as stale as the one that was found so.
    pub(super) fn forget(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Lane>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'p> Seat<'p> {
    /// The connection alone; it does not come back.
    pub(super) fn leave(self) -> (Lane, SemaphorePermit<'p>) {
        (self.lane, self.permit)
    }

    pub(super) fn keep(self) {
        self.pool.idle().push(self.lane);
    }
}
