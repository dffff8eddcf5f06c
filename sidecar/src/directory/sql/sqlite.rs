//! SQLite: a thread of its own for each connection. Invariant: nothing blocks the runtime, and what is in the middle of
//! something is undone when its user leaves.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, InterruptHandle, OpenFlags};
use tokio::sync::{mpsc, oneshot};

use super::fault::{self, Broken};
use super::lane::{Answer, Cell};
use crate::directory::DirectoryError;

const STATEMENTS: usize = 16;

#[derive(Debug)]
pub(super) struct SqliteWay {
    path: PathBuf,
    patience: Duration,
}

pub(super) struct SqliteLane {
    jobs: mpsc::UnboundedSender<Job>,
    interrupt: InterruptHandle,
}

/// A statement on its way to the thread.
struct Job {
    text: String,
    values: Vec<Option<String>>,
    reply: oneshot::Sender<Result<(Answer, u64), Broken>>,
}

impl SqliteWay {
    pub(super) fn new(path: &Path, patience: Duration) -> Self {
        Self { path: path.to_owned(), patience }
    }

    pub(super) async fn connect(&self) -> Result<SqliteLane, Broken> {
        let (opened, lane) = oneshot::channel();
        let (path, patience) = (self.path.clone(), self.patience);
        let thread = thread::Builder::new().name("directory".to_owned());
        let started = thread.spawn(move || serve(&path, patience, opened));
        started.map_err(|_| Broken::Is(DirectoryError::Failed))?;
        lane.await.unwrap_or(Err(Broken::Lost))
    }
}

impl SqliteLane {
    pub(super) async fn say(&mut self, word: &str) -> Result<(), Broken> {
        self.ask(word, &[]).await.map(drop)
    }

    pub(super) async fn ask(
        &mut self,
        text: &str,
        values: &[Option<&str>],
    ) -> Result<Answer, Broken> {
        self.send(text, values).await.map(|(answer, _)| answer)
    }

    pub(super) async fn change(
        &mut self,
        text: &str,
        values: &[Option<&str>],
    ) -> Result<u64, Broken> {
        self.send(text, values).await.map(|(_, changed)| changed)
    }

    async fn send(&mut self, text: &str, values: &[Option<&str>]) -> Result<(Answer, u64), Broken> {
        let (reply, answer) = oneshot::channel();
        let values = values.iter().map(|value| value.map(str::to_owned)).collect();
        let job = Job { text: text.to_owned(), values, reply };
        self.jobs.send(job).map_err(|_| Broken::Lost)?;
        answer.await.unwrap_or(Err(Broken::Lost))
    }
}

impl Drop for SqliteLane {
    fn drop(&mut self) {
        self.interrupt.interrupt();
    }
}

impl std::fmt::Debug for SqliteLane {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("SqliteLane(..)")
    }
}

/// Ends, and closes the file, when the lane is gone.
fn serve(path: &Path, patience: Duration, opened: oneshot::Sender<Result<SqliteLane, Broken>>) {
    let connection = match open(path, patience) {
        Ok(connection) => connection,
        Err(error) => {
            // Nobody listens any more where the time was over.
            let _told = opened.send(Err(fault::sqlite(&error)));
            return;
        }
    };
    let (jobs, mut waiting) = mpsc::unbounded_channel();
    let lane = SqliteLane { jobs, interrupt: connection.get_interrupt_handle() };
    if opened.send(Ok(lane)).is_err() {
        return;
    }
    while let Some(Job { text, values, reply }) = waiting.blocking_recv() {
        let answer = answer(&connection, &text, &values).map_err(|error| fault::sqlite(&error));
        let _told = reply.send(answer);
    }
}

/// A file that is not there is not made.
fn open(path: &Path, patience: Duration) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(patience)?;
    // A column that is not there is an error, not a text of that name.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// What it found, and how many rows it changed.
fn answer(
    connection: &Connection,
    text: &str,
    values: &[Option<String>],
) -> rusqlite::Result<(Answer, u64)> {
    let mut statement = connection.prepare_cached(text)?;
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let before = connection.total_changes();
    let mut found = statement.query(rusqlite::params_from_iter(values))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.push((0..names.len()).map(|at| row.get_ref(at).map(cell)).collect::<Result<_, _>>()?);
    }
    let changed = match connection.total_changes() == before {
        true => 0,
        false => connection.changes(),
    };
    Ok((Answer { names, rows }, changed))
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Text(number.to_string()),
        ValueRef::Real(number) => Cell::Text(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            str::from_utf8(bytes).map_or(Cell::Strange, |text| Cell::Text(text.to_owned()))
        }
    }
}
