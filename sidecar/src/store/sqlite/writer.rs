//! The one thread that writes. All operations that wait when a transaction begins go into it (group commit), each in a
//! savepoint of its own. Invariant: nobody is answered before the commit; a panic in one operation undoes that one only.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{Broken, StoreError, judge};

/// Operations that may wait; beyond it callers are told that the store is busy.
const QUEUE: usize = 4096;

/// Operations in one transaction.
const GROUP: usize = 256;

#[derive(Clone, Debug)]
pub(super) struct Writer(SyncSender<Box<dyn Work>>);

/// One operation: first run, later answered.
trait Work: Send {
    /// False: it failed, and what it did is to be undone.
    fn run(&mut self, connection: &Connection) -> bool;
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Task<T, F> {
    act: Option<F>,
    done: Result<T, StoreError>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl Writer {
    /// The thread ends, and closes the file, when the last sender is gone.
    pub(super) fn start(connection: Connection) -> Result<Self, StoreError> {
        let (sender, waiting) = sync_channel(QUEUE);
        let thread = thread::Builder::new().name("store".into());
        thread.spawn(move || serve(&connection, &waiting)).map_err(|_| StoreError::Failed)?;
        Ok(Self(sender))
    }

    pub(super) async fn submit<T, F>(&self, act: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Broken> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let task = Task { act: Some(act), done: Err(StoreError::Failed), reply };
        self.0.try_send(Box::new(task)).map_err(|refused| match refused {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }
}

impl<T, F> Work for Task<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, Broken> + Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        if let Some(act) = self.act.take() {
            let caught = catch_unwind(AssertUnwindSafe(|| act(connection)));
            self.done =
                caught.map_or(Err(StoreError::Failed), |done| done.map_err(StoreError::from));
        }
        self.done.is_ok()
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        // The caller may have left; what was done stays done.
        drop(self.reply.send(committed.and(self.done)));
    }
}

fn serve(connection: &Connection, waiting: &Receiver<Box<dyn Work>>) {
    while let Ok(first) = waiting.recv() {
        let mut group = vec![first];
        let committed = transact(connection, &mut group, waiting).map_err(|error| {
            let kind = judge(&error);
            if !connection.is_autocommit() {
                // What cannot be rolled back either stays open, and the next BEGIN fails: closed, not wrong.
                drop(connection.execute_batch("ROLLBACK"));
            }
            kind
        });
        for work in group {
            work.answer(committed);
        }
    }
}

/// Takes into `group` what arrives while it runs, too: the disk is the slow part.
fn transact(
    connection: &Connection,
    group: &mut Vec<Box<dyn Work>>,
    waiting: &Receiver<Box<dyn Work>>,
) -> rusqlite::Result<()> {
    let run = |statement: &str| connection.prepare_cached(statement)?.execute([]).map(drop);
    run("BEGIN IMMEDIATE")?;
    let mut at = 0;
    while let Some(work) = group.get_mut(at) {
        run("SAVEPOINT one")?;
        if !work.run(connection) {
            run("ROLLBACK TO one")?;
        }
        run("RELEASE one")?;
        at += 1;
        if at < GROUP
            && let Ok(next) = waiting.try_recv()
        {
            group.push(next);
        }
    }
    run("COMMIT")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> Writer {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (n INTEGER UNIQUE)").unwrap();
        Writer::start(connection).unwrap()
    }

    async fn insert(writer: &Writer, n: i64) -> Result<usize, StoreError> {
        writer.submit(move |c| Ok(c.execute("INSERT INTO t VALUES (?1)", [n])?)).await
    }

    async fn count(writer: &Writer) -> i64 {
        writer
            .submit(|c| Ok(c.query_row("SELECT COUNT(*) FROM t", [], |row| row.get(0))?))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn one_that_fails_or_panics_undoes_itself_only() {
        let writer = memory();
        let broken = writer.submit(|c| {
            c.execute("INSERT INTO t VALUES (7)", [])?;
            Err::<(), _>(Broken::Row)
        });
        let bad = writer.submit::<(), _>(|c| {
            c.execute("INSERT INTO t VALUES (8)", [])?;
            panic!("an operation's fault");
        });
        let (one, broken, two, bad, three) =
            tokio::join!(insert(&writer, 1), broken, insert(&writer, 1), bad, insert(&writer, 3));
        assert_eq!(one, Ok(1));
        assert_eq!(broken, Err(StoreError::Row));
        assert_eq!(two, Err(StoreError::Failed));
        assert_eq!(bad, Err(StoreError::Failed));
        assert_eq!(three, Ok(1));
        assert_eq!(count(&writer).await, 2);
    }

    #[tokio::test]
    async fn a_thousand_at_once_are_all_answered() {
        let writer = memory();
        let tasks: Vec<_> = (0..1000)
            .map(|n| {
                let writer = writer.clone();
                tokio::spawn(async move { insert(&writer, n).await })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), Ok(1));
        }
        assert_eq!(count(&writer).await, 1000);
    }
}
