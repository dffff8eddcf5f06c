//! The threads that read. Invariant: each has a connection of its own, so that none waits for another or for the writer.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rusqlite::Connection;

use super::super::work::Work;
use super::queue::Queue;
use super::{StoreError, Tx};

pub(super) fn start(connections: Vec<Connection>) -> Result<Queue, StoreError> {
    let (queue, waiting) = Queue::new();
    let waiting = Arc::new(Mutex::new(waiting));
    for connection in connections {
        let waiting = Arc::clone(&waiting);
        let thread = thread::Builder::new().name("store-read".into());
        thread.spawn(move || serve(&connection, &waiting)).map_err(|_| StoreError::Failed)?;
    }
    Ok(queue)
}

fn serve(connection: &Connection, waiting: &Mutex<Receiver<Box<dyn Work>>>) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut work) = next else {
            return;
        };
        let ended = work.run(&mut Tx::sqlite(connection));
        work.answer(ended.map_err(StoreError::from));
    }
}
