//! The one thread that writes. All operations that wait when a transaction begins go into it (group commit), each in a
//! savepoint of its own. Invariant: nobody is answered before the commit; a panic in one operation undoes that one only.

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
