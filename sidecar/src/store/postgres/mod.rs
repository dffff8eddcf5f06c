//! PostgreSQL, shared by several sidecars: some threads with a connection each, READ COMMITTED, and what waits committed
//! together. Invariant: what the server undid runs again; what may have been committed is never run twice by itself.

mod fault;
mod lane;
mod migrate;

use std::fmt;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use postgres::Row;
use postgres::types::Type;
use tokio::time::{Instant, timeout};

use super::sql::schema::STEPS;
use super::sql::tx::{Broken, Cell, Tx};
use super::work::{Mode, Work, work};
use super::{Standing, StoreError};
use crate::config::PostgresConfig;

pub(super) use lane::Lane;

/// Operations that may wait; beyond it callers are told that the store is busy.
const QUEUE: usize = 4096;

/// Operations in one transaction.
const GROUP: usize = 16;

/// Beyond a statement's own time: begin, commit, and what waits before it.
const PATIENCE: Duration = Duration::from_millis(500);

/// For what reads or changes very many rows: a start may have to revoke all of them.
const LONG: Duration = Duration::from_secs(600);

/// Ways to one database; a clone is the same store.
#[derive(Clone)]
pub struct Postgres {
    queue: SyncSender<Job>,
    patience: Duration,
}

/// An operation that waits for a lane.
pub(super) struct Job {
    work: Box<dyn Work>,
    mode: Mode,
    since: Instant,
}

type Jobs = Arc<Mutex<Receiver<Job>>>;

impl Postgres {
    /// Connects, migrates, and starts the lanes. Waits for other instances that migrate.
    pub fn open(config: &PostgresConfig) -> Result<Self, StoreError> {
        Self::open_at(config, STEPS.len())
    }

    /// Looks at the schema of the database; it must exist.
    pub(super) fn standing(config: &PostgresConfig) -> Result<Standing, StoreError> {
        migrate::standing(&lane::Way::new(config)?)
    }

    /// As a program does that knows these steps of the schema only.
    pub(super) fn open_at(config: &PostgresConfig, steps: usize) -> Result<Self, StoreError> {
        let way = lane::Way::new(config)?;
        let migrating = way.clone();
        // The client blocks its thread, which must not be one of the runtime's.
        let migrated = thread::spawn(move || migrate::migrate(&migrating, steps)).join();
        migrated.map_err(|_| StoreError::Failed)??;
        let patience = config.statement_timeout.saturating_add(PATIENCE);
        let (queue, jobs) = sync_channel(QUEUE);
        let jobs: Jobs = Arc::new(Mutex::new(jobs));
        for number in 0..config.connections {
            let (jobs, mut lane) = (Arc::clone(&jobs), Lane::new(way.clone()));
            let thread = thread::Builder::new().name(format!("store-{number}"));
            thread
                .spawn(move || serve(&mut lane, &jobs, patience))
                .map_err(|_| StoreError::Failed)?;
        }
        Ok(Self { queue, patience })
    }

    pub(super) async fn run<T, F>(&self, mode: Mode, act: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, Broken> + Send + 'static,
    {
        let (work, answer) = work(act);
        let job = Job { work, mode, since: Instant::now() };
        self.queue.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })?;
        let patience = match mode {
            Mode::Survey | Mode::Alone => LONG,
            Mode::Read | Mode::Write => self.patience,
        };
        // A server that is frozen answers nobody: its lanes wait, and callers are told what is true.
        match timeout(patience, answer).await {
            Ok(answer) => answer.unwrap_or(Err(StoreError::Closed)),
            Err(_) => Err(StoreError::Unknown),
        }
    }
}

/// Ends when the last `Postgres` is gone.
fn serve(lane: &mut Lane, jobs: &Jobs, patience: Duration) {
    while let Some(waiting) = next(jobs) {
        let mut group = Vec::new();
        for Job { mut work, mode, since } in waiting {
            let ended = match mode {
                _ if since.elapsed() > patience => Err(StoreError::Busy),
                Mode::Read => lane.look(&mut *work),
                Mode::Survey | Mode::Alone => lane.alone(&mut *work),
                Mode::Write => {
                    group.push(work);
                    continue;
                }
            };
            work.answer(ended);
        }
        match lane.together(&mut group) {
            Some(ended) => group.into_iter().for_each(|work| work.answer(ended)),
            None => {
                for mut work in group {
                    let ended = lane.alone(&mut *work);
                    work.answer(ended);
                }
            }
        }
    }
}

/// What waits: at least one, and then what is there already.
fn next(jobs: &Jobs) -> Option<Vec<Job>> {
    let jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
    let first = jobs.recv().ok()?;
    Some(std::iter::once(first).chain(jobs.try_iter().take(GROUP - 1)).collect())
}

/// What a column holds.
pub(super) fn cell(row: &Row, at: usize) -> Result<Cell, Broken> {
    let kind = row.columns().get(at).ok_or(Broken::Row)?.type_();
    let cell = match *kind {
        Type::BOOL => {
            row.try_get::<_, Option<bool>>(at).map(|flag| flag.map(|flag| Cell::Int(flag.into())))
        }
        Type::INT4 => row
            .try_get::<_, Option<i32>>(at)
            .map(|number| number.map(|number| Cell::Int(number.into()))),
        Type::INT8 => row.try_get::<_, Option<i64>>(at).map(|number| number.map(Cell::Int)),
        Type::TEXT | Type::VARCHAR => {
            row.try_get::<_, Option<String>>(at).map(|text| text.map(Cell::Text))
        }
        Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(at).map(|bytes| bytes.map(Cell::Bytes)),
        _ => return Err(Broken::Row),
    };
    Ok(cell.map_err(|_| Broken::Row)?.unwrap_or(Cell::Null))
}

impl fmt::Debug for Postgres {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Postgres(..)")
    }
}
