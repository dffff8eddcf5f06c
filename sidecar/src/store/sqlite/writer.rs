//! The one thread that writes. All operations that wait when a transaction begins go into it (group commit), each as if in
//! a savepoint of its own. Invariant: nobody is answered before the commit; a panic in one operation undoes that one only.

use std::sync::mpsc::Receiver;
use std::thread;

use rusqlite::Connection;

use super::super::work::Work;
use super::queue::Queue;
use super::{StoreError, Tx, judge};

/// Operations in one transaction.
const GROUP: usize = 256;

pub(super) fn start(connection: Connection) -> Result<Queue, StoreError> {
    let (queue, waiting) = Queue::new();
    let thread = thread::Builder::new().name("store".into());
    thread.spawn(move || serve(&connection, &waiting)).map_err(|_| StoreError::Failed)?;
    Ok(queue)
}

/// An operation of the group, and how it ended.
struct Member {
    work: Box<dyn Work>,
    ended: Result<(), StoreError>,
}

fn serve(connection: &Connection, waiting: &Receiver<Box<dyn Work>>) {
    while let Ok(first) = waiting.recv() {
        let mut group = vec![Member { work: first, ended: Ok(()) }];
        let committed = commit(connection, &mut group, waiting);
        if committed.is_err() {
            back(connection);
        }
        for Member { work, ended } in group {
            work.answer(committed.and(ended));
        }
    }
}

/// First as if nothing could go wrong, for hardly ever anything does, and a savepoint copies every page that changes. When
/// something does, everything is undone and run again, each operation in a savepoint of its own.
fn commit(
    connection: &Connection,
    group: &mut Vec<Member>,
    waiting: &Receiver<Box<dyn Work>>,
) -> Result<(), StoreError> {
    run(connection, "BEGIN IMMEDIATE")?;
    if gather(connection, group, waiting) {
        return run(connection, "COMMIT");
    }
    back(connection);
    run(connection, "BEGIN IMMEDIATE")?;
    for member in group {
        run(connection, "SAVEPOINT one")?;
        if !member.run(connection) {
            // Some faults, a full disk among them, undo the whole transaction at once.
            if connection.is_autocommit() {
                return Err(member.ended.err().unwrap_or(StoreError::Failed));
            }
            run(connection, "ROLLBACK TO one")?;
        }
        run(connection, "RELEASE one")?;
    }
    run(connection, "COMMIT")
}

/// Takes into `group` what arrives while it runs, too: the disk is the slow part. False when one has to be undone.
fn gather(
    connection: &Connection,
    group: &mut Vec<Member>,
    waiting: &Receiver<Box<dyn Work>>,
) -> bool {
    let mut at = 0;
    while let Some(member) = group.get_mut(at) {
        if !member.run(connection) {
            return false;
        }
        at += 1;
        if at < GROUP
            && let Ok(work) = waiting.try_recv()
        {
            group.push(Member { work, ended: Ok(()) });
        }
    }
    true
}

impl Member {
    /// False: what it did is to be undone.
    fn run(&mut self, connection: &Connection) -> bool {
        let mut tx = Tx::sqlite(connection);
        self.ended = self.work.run(&mut tx).map_err(StoreError::from);
        self.ended.is_ok() && !tx.is_undone()
    }
}

fn run(connection: &Connection, statement: &str) -> Result<(), StoreError> {
    let ran = connection.prepare_cached(statement).and_then(|mut word| word.execute([]));
    ran.map(drop).map_err(|error| judge(&error))
}

/// What cannot be rolled back either stays open, and the next BEGIN fails: closed, not wrong.
fn back(connection: &Connection) {
    if !connection.is_autocommit() {
        drop(connection.execute_batch("ROLLBACK"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::Broken;
    use super::*;

    fn memory() -> Queue {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (n INTEGER UNIQUE)").unwrap();
        start(connection).unwrap()
    }

    async fn insert(writer: &Queue, n: i64) -> Result<u64, StoreError> {
        writer.run(move |tx| tx.run("INSERT INTO t VALUES (?1)", &[n.into()])).await
    }

    async fn count(writer: &Queue) -> i64 {
        writer.run(|tx| tx.only("SELECT COUNT(*) FROM t", &[])).await.unwrap()
    }

    #[tokio::test]
    async fn one_that_fails_or_panics_or_is_undone_undoes_itself_only() {
        let writer = memory();
        let broken = writer.run(|tx| {
            tx.run("INSERT INTO t VALUES (7)", &[])?;
            Err::<(), _>(Broken::Row)
        });
        let bad = writer.run::<(), _>(|tx| {
            tx.run("INSERT INTO t VALUES (8)", &[])?;
            panic!("an operation's fault");
        });
        let undone = writer.run(|tx| {
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
