//! The hashing threads. Invariant: at most `threads` hashes run and `queue` wait; a job that has begun keeps its thread
//! to the end, even if its caller left, so leaving early buys nobody a second hash.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use contract::secret::Password;
use thiserror::Error;
use tokio::sync::oneshot;

use super::desk::Desk;
use super::format::{FormatFault, Peppers, Recipe, Salt, Stored};
use super::queue::{Claim, Queue};
use crate::config::PasswordConfig;

/// How much is hashed at a time and what one hash costs.
#[derive(Clone, Copy, Debug)]
pub struct HasherConfig {
    /// As many as cores; each keeps the memory of one hash.
    pub threads: usize,
    /// Jobs that may wait for a thread.
    pub queue: usize,
    /// How long a job may wait before it is given up.
    pub deadline: Duration,
    /// How new hashes are written.
    pub recipe: Recipe,
}

impl From<&PasswordConfig> for HasherConfig {
    fn from(config: &PasswordConfig) -> Self {
        let &PasswordConfig { threads, queue, deadline, recipe, .. } = config;
        Self { threads, queue, deadline, recipe }
    }
}

/// Why there is no hash, or no verdict.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum HashError {
    #[error("too many passwords to hash at a time")]
    Busy,
    #[error(transparent)]
    Format(#[from] FormatFault),
    #[error("no thread to hash on")]
    Threads,
}

/// Hashes and checks passwords on threads of its own; dropping it waits for the hashes that have begun.
pub struct Hasher {
    queue: Arc<Queue<Job>>,
    threads: Vec<JoinHandle<()>>,
    deadline: Duration,
    hashed: Arc<AtomicU64>,
}

/// What is done at a desk; it answers by itself.
type Work = Box<dyn FnOnce(&mut Desk) + Send>;

struct Job {
    claim: Claim,
    work: Work,
}

impl Hasher {
    /// `peppers` is a handle: their exchange needs no other hasher.
    pub fn new(config: HasherConfig, peppers: Peppers) -> Result<Self, HashError> {
        let recipe = config.recipe.check()?;
        let queue = Arc::new(Queue::new(config.queue.max(1)));
        let (threads, hashed) = (Vec::new(), Arc::default());
        let mut hasher = Self { queue, threads, deadline: config.deadline, hashed };
        for _ in 0..config.threads.max(1) {
            let (queue, hashed) = (Arc::clone(&hasher.queue), Arc::clone(&hasher.hashed));
            let peppers = peppers.clone();
            let desk = move || Desk::new(recipe, peppers.clone());
            let thread = thread::Builder::new().name("hash".into());
            let thread = thread.spawn(move || serve(&queue, desk, &hashed));
            hasher.threads.push(thread.map_err(|_| HashError::Threads)?);
        }
        Ok(hasher)
    }

    /// How many new passwords were hashed.
    pub fn hashed(&self) -> u64 {
        self.hashed.load(Ordering::Relaxed)
    }

    /// The string that goes into the directory for a new password.
    pub async fn hash(&self, password: Password, salt: Salt) -> Result<String, HashError> {
        Ok(self.run(move |desk| desk.write(&password, &salt)).await??)
    }

    /// Whether a password is the one behind a stored hash.
    pub async fn verify(&self, password: Password, stored: &str) -> Result<bool, HashError> {
        let stored = Stored::parse(stored)?;
        Ok(self.run(move |desk| desk.matches(&password, &stored)).await??)
    }

    /// Does all of a job on one thread, under one permit. A job that has begun ends, even if nobody waits for it any more.
    pub async fn run<T, F>(&self, job: F) -> Result<T, HashError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Desk) -> T + Send + 'static,
    {
        let (answer, mut result) = oneshot::channel();
        let work = Box::new(move |desk: &mut Desk| {
            // Whoever left needs no answer.
            let _left = answer.send(job(desk));
        });
        let claim = Claim::default();
        // Also when this future is dropped: a thread skips what nobody waits for any more.
        let leave = GiveUp(claim.clone());
        if !self.queue.push(Job { claim, work }) {
            return Err(HashError::Busy);
        }
        if let Ok(answered) = tokio::time::timeout(self.deadline, &mut result).await {
            return answered.map_err(|_| HashError::Busy);
        }
        if leave.0.take() {
            return Err(HashError::Busy);
        }
        result.await.map_err(|_| HashError::Busy)
    }
}

struct GiveUp(Claim);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.take();
    }
}

impl Drop for Hasher {
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to wait for.
            drop(thread.join());
        }
    }
}

fn serve(queue: &Queue<Job>, new_desk: impl Fn() -> Desk, hashed: &AtomicU64) {
    let mut desk = new_desk();
    while let Some(job) = queue.take() {
        if !job.claim.take() {
            continue;
        }
        // Unwinding drops the answer's sender, and the caller is told that we are busy.
        if catch_unwind(AssertUnwindSafe(|| (job.work)(&mut desk))).is_err() {
            tracing::error!(event = "hash_panicked");
            desk = new_desk();
        }
        hashed.fetch_add(desk.tidy(), Ordering::Relaxed);
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Hasher({} threads)", self.threads.len())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::task::JoinSet;

    use super::*;
    use crate::password::Cost;

    const QUICK: Cost = Cost { memory_kib: 64, passes: 1, lanes: 1 };
    /// Some tenths of a second at least, on any machine.
    const SLOW: Cost = Cost { memory_kib: 65_536, passes: 8, lanes: 1 };

    fn hasher(queue: usize, deadline: Duration, cost: Cost) -> Arc<Hasher> {
        Arc::new(
            Hasher::new(
                HasherConfig { threads: 1, queue, deadline, recipe: Recipe::Argon2id(cost) },
                Peppers::default(),
            )
            .unwrap(),
        )
    }

    fn password(text: &str) -> Password {
        Password::parse(text.into()).unwrap()
    }

    #[tokio::test]
    async fn a_hash_verifies_its_password_only() {
        let hasher = hasher(8, Duration::from_secs(10), QUICK);
        let stored = hasher.hash(password("right horse"), [1; 16]).await.unwrap();
        assert_eq!(hasher.verify(password("right horse"), &stored).await, Ok(true));
        assert_eq!(hasher.verify(password("wrong horse"), &stored).await, Ok(false));
        assert_eq!(hasher.verify(password("x"), "!").await, Err(FormatFault::Unknown.into()));
    }

    #[tokio::test]
    async fn a_hash_that_panics_does_not_end_its_thread() {
        let hasher = hasher(8, Duration::from_secs(10), QUICK);
        let done = hasher.run(|_| -> () { panic!("as a test wants it") });
        assert_eq!(done.await, Err(HashError::Busy));
        assert!(hasher.hash(password("right horse"), [1; 16]).await.is_ok());
    }

    #[tokio::test]
    async fn what_waits_is_bounded() {
        let hasher = hasher(1, Duration::from_secs(60), SLOW);
        let mut jobs: JoinSet<_> = (0..20)
            .map(|byte| (Arc::clone(&hasher), [byte; 16]))
            .map(|(hasher, salt)| async move { hasher.hash(password("a"), salt).await })
            .collect();
        let (mut hashed, mut refused) = (0, 0);
        while let Some(result) = jobs.join_next().await {
            match result.unwrap() {
                Ok(_) => hashed += 1,
                Err(error) => refused += usize::from(error == HashError::Busy),
            }
        }
        assert!(
            hashed >= 1 && refused >= 1 && hashed + refused == 20,
            "{hashed} hashed, {refused} refused"
        );
    }

    #[tokio::test]
    async fn who_waits_too_long_is_refused_while_another_is_hashed() {
        let hasher = hasher(8, Duration::from_millis(50), SLOW);
        let give_up = Instant::now() + Duration::from_secs(30);
        loop {
            let (first, second) = tokio::join!(
                hasher.hash(password("a"), [1; 16]),
                hasher.hash(password("b"), [2; 16])
            );
            assert_eq!(second, Err(HashError::Busy));
            // On a crowded machine the thread may not even begin the first in time.
            if first.is_ok() {
                break;
            }
            assert!(Instant::now() < give_up, "{first:?}");
        }
    }

    #[tokio::test]
    async fn dropping_the_hasher_ends_its_threads() {
        let hasher = hasher(8, Duration::from_secs(10), QUICK);
        let queue = Arc::clone(&hasher.queue);
        drop(hasher);
        assert_eq!(Arc::strong_count(&queue), 1);
    }

    #[test]
    fn costs_beyond_the_ceiling_are_refused() {
        let cost = Cost { memory_kib: 1 << 22, ..QUICK };
        let recipe = Recipe::Argon2id(cost);
        let config = HasherConfig { threads: 1, queue: 1, deadline: Duration::ZERO, recipe };
        let refused = Hasher::new(config, Peppers::default()).unwrap_err();
        assert_eq!(refused, HashError::Format(FormatFault::Costly));
    }
}
