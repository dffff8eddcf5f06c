//! The one thread that writes. All operations that wait when a transaction begins go into it (group commit), each in a
//! savepoint of its own. Invariant: nobody is answered before the commit; a panic in one operation undoes that one only.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;

use rusqlite::Connection;

use super::super::work::Work;
use super::{StoreError, Tx, judge};

/// Operations that may wait; beyond it callers are told that the store is busy.
const QUEUE: usize = 4096;

/// Operations in one transaction.
const GROUP: usize = 256;

#[derive(Clone)]
pub(super) struct Writer(SyncSender<Box<dyn Work>>);

impl std::fmt::Debug for Writer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Writer(..)")
    }
}

impl Writer {
    /// The thread ends, and closes the file, when the last sender is gone.
    pub(super) fn start(connection: Connection) -> Result<Self, StoreError> {
        let (sender, waiting) = sync_channel(QUEUE);
        let thread = thread::Builder::new().name("store".into());
        thread.spawn(move || serve(&connection, &waiting)).map_err(|_| StoreError::Failed)?;
        Ok(Self(sender))
    }

    pub(super) fn submit(&self, work: Box<dyn Work>) -> Result<(), StoreError> {
        self.0.try_send(work).map_err(|refused| match refused {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })
    }
}

/// An operation of the group, and how it ended.
struct Member {
    work: Box<dyn Work>,
    ended: Result<(), StoreError>,
}

impl Member {
    fn new(work: Box<dyn Work>) -> Self {
        Self { work, ended: Ok(()) }
    }
}

fn serve(connection: &Connection, waiting: &Receiver<Box<dyn Work>>) {
    while let Ok(first) = waiting.recv() {
        let mut group = vec![Member::new(first)];
        let committed = transact(connection, &mut group, waiting).map_err(|error| {
            let kind = judge(&error);
            if !connection.is_autocommit() {
                // What cannot be rolled back either stays open, and the next BEGIN fails: closed, not wrong.
                drop(connection.execute_batch("ROLLBACK"));
            }
            kind
        });
        for Member { work, ended } in group {
            work.answer(committed.and(ended));
        }
    }
}

/// Takes into `group` what arrives while it runs, too: the disk is the slow part.
fn transact(
    connection: &Connection,
    group: &mut Vec<Member>,
    waiting: &Receiver<Box<dyn Work>>,
) -> rusqlite::Result<()> {
    let run = |statement: &str| connection.prepare_cached(statement)?.execute([]).map(drop);
    run("BEGIN IMMEDIATE")?;
    let mut at = 0;
    while let Some(member) = group.get_mut(at) {
        run("SAVEPOINT one")?;
        let mut tx = Tx::sqlite(connection);
        member.ended = member.work.run(&mut tx).map_err(StoreError::from);
        if member.ended.is_err() || tx.is_undone() {
            run("ROLLBACK TO one")?;
        }
        run("RELEASE one")?;
        at += 1;
        if at < GROUP
            && let Ok(next) = waiting.try_recv()
        {
            group.push(Member::new(next));
        }
    }
    run("COMMIT")
}

#[cfg(test)]
mod tests {
    use super::super::Broken;
    use super::*;

    fn memory() -> Writer {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (n INTEGER UNIQUE)").unwrap();
        Writer::start(connection).unwrap()
    }

    async fn submit<T: Send + 'static>(
        writer: &Writer,
        act: impl Fn(&mut Tx<'_>) -> Result<T, Broken> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (work, answer) = super::super::work(act);
        writer.submit(work)?;
        answer.await.unwrap()
    }

    async fn insert(writer: &Writer, n: i64) -> Result<u64, StoreError> {
        submit(writer, move |tx| tx.run("INSERT INTO t VALUES (?1)", &[n.into()])).await
    }

    async fn count(writer: &Writer) -> i64 {
        submit(writer, |tx| tx.only("SELECT COUNT(*) FROM t", &[])).await.unwrap()
    }

    #[tokio::test]
    async fn one_that_fails_or_panics_or_is_undone_undoes_itself_only() {
        let writer = memory();
        let broken = submit(&writer, |tx| {
            tx.run("INSERT INTO t VALUES (7)", &[])?;
            Err::<(), _>(Broken::Row)
        });
        let bad = submit::<()>(&writer, |tx| {
            tx.run("INSERT INTO t VALUES (8)", &[])?;
            panic!("an operation's fault");
        });
        let undone = submit(&writer, |tx| {
            tx.run("INSERT INTO t VALUES (9)", &[])?;
            tx.undo();
            Ok("told all the same")
        });
        let (one, broken, two, bad, undone, three) = tokio::join!(
            insert(&writer, 1),
            broken,
            insert(&writer, 1),
            bad,
            undone,
            insert(&writer, 3)
        );
        assert_eq!(one, Ok(1));
        assert_eq!(broken, Err(StoreError::Row));
        assert_eq!(two, Err(StoreError::Failed));
        assert_eq!(bad, Err(StoreError::Failed));
        assert_eq!(undone, Ok("told all the same"));
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
