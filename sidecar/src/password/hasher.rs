//! The hashing threads. Invariant: at most `threads` hashes run and `queue` wait; a job that has begun keeps its thread
//! to the end, even if its caller left, so leaving early buys nobody a second hash.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use contract::secret::Password;
use rustix::process::setpriority_process;
use thiserror::Error;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::desk::Desk;
use super::engine::{EngineChoice, EngineKind};
use super::format::{FormatFault, Peppers, Recipe, Salt, Stored};
use super::pace::Pace;
use super::queue::{Claim, Found, Queue};
use crate::config::PasswordConfig;

/// A thread that has had no job for so long gives its memory back.
const REST: Duration = Duration::from_secs(5);

/// Without memory there is nothing to give back: a thread just waits.
const LONG: Duration = Duration::from_secs(3600);

/// What the request path has, less ten: a tenth of its share of a core, and it never waits for a hash to end its slice.
const NICE: i32 = 10;

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
    /// What computes argon2.
    pub engine: EngineChoice,
}

impl From<&PasswordConfig> for HasherConfig {
    fn from(config: &PasswordConfig) -> Self {
        let &PasswordConfig { threads, queue, deadline, recipe, engine, .. } = config;
        Self { threads, queue, deadline, recipe, engine }
    }
}

/// Why there is no hash, or no verdict.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum HashError {
    /// After so many seconds what waits now will have been done.
    #[error("too many passwords to hash at a time")]
    Busy { retry_after: u32 },
    #[error(transparent)]
    Format(#[from] FormatFault),
    #[error("no thread to hash on")]
    Threads,
}

/// Hashes and checks passwords on threads of its own; dropping it waits for the hashes that have begun.
pub struct Hasher {
    shop: Arc<Shop>,
    threads: Vec<JoinHandle<()>>,
    deadline: Duration,
}

/// What the threads share.
struct Shop {
    queue: Queue<Job>,
    pace: Pace,
    recipe: Recipe,
    peppers: Peppers,
    choice: EngineChoice,
    /// The first thread that comes tries the engine; the others wait for it.
    kind: OnceLock<EngineKind>,
    hashed: AtomicU64,
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
        let HasherConfig { threads, queue, deadline, recipe, engine: choice } = config;
        let (recipe, threads) = (recipe.check()?, threads.max(1));
        let (queue, pace) = (Queue::new(queue.max(1)), Pace::of(threads));
        let (kind, hashed) = (OnceLock::new(), AtomicU64::new(0));
        let shop = Arc::new(Shop { queue, pace, recipe, peppers, choice, kind, hashed });
        let mut hasher = Self { shop, threads: Vec::new(), deadline };
        for _ in 0..threads {
            let shop = Arc::clone(&hasher.shop);
            let thread = thread::Builder::new().name("hash".into());
            let thread = thread.spawn(move || shop.serve());
            hasher.threads.push(thread.map_err(|_| HashError::Threads)?);
        }
        Ok(hasher)
    }

    /// How many new passwords were hashed.
    pub fn hashed(&self) -> u64 {
        self.shop.hashed.load(Ordering::Relaxed)
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
        self.run_by(Instant::now() + self.deadline, job).await
    }

    /// As `run`, where the wait for a thread ends at a moment that others have waited for already.
    pub async fn run_by<T, F>(&self, by: Instant, job: F) -> Result<T, HashError>
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
        if !self.shop.queue.push(Job { claim, work }) {
            return Err(self.shop.busy());
        }
        if let Ok(answered) = timeout_at(by, &mut result).await {
            return answered.map_err(|_| self.shop.busy());
        }
        if leave.0.take() {
            return Err(self.shop.busy());
        }
        result.await.map_err(|_| self.shop.busy())
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
        self.shop.queue.close();
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to wait for.
            drop(thread.join());
        }
    }
}

impl Shop {
    fn desk(&self, kind: EngineKind) -> Desk {
        Desk::new(self.recipe, self.peppers.clone(), kind)
    }

    fn serve(&self) {
        // Linux takes it for the thread that asks. Where it is refused, the thread is as low as it may be.
        let _lowered = setpriority_process(None, NICE);
        let kind = *self.kind.get_or_init(|| self.choice.settle(self.recipe.argon2_kib()));
        let mut desk = self.desk(kind);
        loop {
            match self.queue.take(if desk.is_warm() { REST } else { LONG }) {
                Found::Job(job) if job.claim.take() => self.work(&mut desk, kind, job.work),
                Found::Job(_) => {}
                Found::Nothing => desk.rest(),
                Found::End => return,
            }
        }
    }

    fn work(&self, desk: &mut Desk, kind: EngineKind, work: Work) {
        let begun = Instant::now();
        self.pace.begin();
        // Unwinding drops the answer's sender, and the caller is told that we are busy.
        if catch_unwind(AssertUnwindSafe(|| work(desk))).is_err() {
            tracing::error!(event = "hash_panicked");
            *desk = self.desk(kind);
        }
        self.pace.end(begun.elapsed());
        self.hashed.fetch_add(desk.tidy(), Ordering::Relaxed);
    }

    fn busy(&self) -> HashError {
        let waiting = self.queue.count(|job| !job.claim.is_taken());
        HashError::Busy { retry_after: self.pace.drained(waiting) }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Hasher({} threads)", self.threads.len())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::task::JoinSet;

    use super::*;
    use crate::password::Cost;

    const QUICK: Cost = Cost { memory_kib: 64, passes: 1, lanes: 1 };
    /// Some tenths of a second at least, on any machine.
    const SLOW: Cost = Cost { memory_kib: 65_536, passes: 8, lanes: 1 };

    const BUSY: HashError = HashError::Busy { retry_after: 1 };

    fn hasher(queue: usize, deadline: Duration, cost: Cost) -> Arc<Hasher> {
        Arc::new(
            Hasher::new(
                HasherConfig {
                    threads: 1,
                    queue,
                    deadline,
                    recipe: Recipe::Argon2id(cost),
                    engine: EngineChoice::Reference,
                },
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
        assert_eq!(done.await, Err(BUSY));
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
                Err(error) => refused += usize::from(error == BUSY),
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
            assert_eq!(second, Err(BUSY));
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
        let shop = Arc::clone(&hasher.shop);
        drop(hasher);
        assert_eq!(Arc::strong_count(&shop), 1);
    }

    #[test]
    fn costs_beyond_the_ceiling_are_refused() {
        let cost = Cost { memory_kib: 1 << 22, ..QUICK };
        let recipe = Recipe::Argon2id(cost);
        let (deadline, engine) = (Duration::ZERO, EngineChoice::Reference);
        let config = HasherConfig { threads: 1, queue: 1, deadline, recipe, engine };
        let refused = Hasher::new(config, Peppers::default()).unwrap_err();
        assert_eq!(refused, HashError::Format(FormatFault::Costly));
    }

    #[tokio::test]
    async fn hashes_run_below_the_request_path() {
        let hasher = hasher(8, Duration::from_secs(10), QUICK);
        let nice = hasher.run(|_| rustix::process::getpriority_process(None)).await.unwrap();
        let ours = rustix::process::getpriority_process(None).unwrap();
        assert_eq!(nice.unwrap(), NICE.max(ours));
    }

    #[tokio::test]
    async fn who_is_refused_hears_how_long_the_queue_is() {
        let hasher = hasher(4, Duration::from_secs(60), QUICK);
        let shop = Arc::clone(&hasher.shop);
        shop.pace.begin();
        shop.pace.end(Duration::from_secs(3));
        let (go, held) = mpsc::channel::<()>();
        let (begin, begun) = oneshot::channel();
        let first = move |_: &mut Desk| begin.send(()).and_then(|()| held.recv().map_err(drop));
        let mut jobs = JoinSet::new();
        let one = Arc::clone(&hasher);
        jobs.spawn(async move { one.run(first).await.unwrap() });
        begun.await.unwrap();
        for _ in 0..4 {
            let one = Arc::clone(&hasher);
            jobs.spawn(async move { one.run(|_| Ok(())).await.unwrap() });
        }
        while shop.queue.count(|_| true) < 4 {
            tokio::task::yield_now().await;
        }
        // Five jobs of three seconds, one thread.
        assert_eq!(hasher.run(|_| ()).await, Err(HashError::Busy { retry_after: 15 }));
        go.send(()).unwrap();
        assert!(jobs.join_all().await.iter().all(Result::is_ok));
    }
}
