//! Steady clients of a gateway, each asking again as soon as it is answered. Invariant: every request is accounted for, and
//! one that gets no proper answer is kept, word for word.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rekey_tests::http::{Line, Reply};
use rekey_tests::stage::{Staged, until};

use crate::envoy::initiate;

const CLIENTS: usize = 4;
/// Accepted, or told by the sidecar to come back: both say that it believed the message.
const PROPER: [u16; 2] = [202, 429];

/// Clients at work.
pub(crate) struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    answered: AtomicUsize,
    lost: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl Load {
    pub(crate) fn start(to: SocketAddr) -> Self {
        let shared = Arc::<Shared>::default();
        let client = |_| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || shared.work(to))
        };
        let clients = (0..CLIENTS).map(client).collect();
        Self { shared, clients }
    }

    /// Waits until so many more are answered; none may be lost by then.
    pub(crate) fn go_on(&self, count: usize) {
        let before = self.shared.answered.load(Ordering::SeqCst);
        until("answers under load", || {
            self.shared.check();
            Ok((self.shared.answered.load(Ordering::SeqCst) >= before + count).then_some(()))
        })
        .unwrap();
    }

    /// How many were answered, all of them properly.
    pub(crate) fn end(self) -> usize {
        self.shared.is_over.store(true, Ordering::SeqCst);
        for client in self.clients {
            client.join().unwrap();
        }
        self.shared.check();
        self.shared.answered.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn work(&self, to: SocketAddr) {
        let bytes = initiate().to_bytes("g");
        let mut line = Line::connect(to);
        while !self.is_over.load(Ordering::SeqCst) {
            match line.as_mut().map(|line| exchange(line, &bytes)) {
                Ok(Ok(reply)) if PROPER.contains(&reply.status) => {
                    self.answered.fetch_add(1, Ordering::SeqCst);
                    // A gateway that drains a connection says so.
                    if reply.header("connection").is_some_and(|value| value == "close") {
                        line = Line::connect(to);
                    }
                }
                other => {
                    self.lost.lock().unwrap().push(format!("{other:?}"));
                    line = Line::connect(to);
                }
            }
        }
    }

    /// Panics when any was lost.
    fn check(&self) {
        let lost = self.lost.lock().unwrap().clone();
        assert!(lost.is_empty(), "{} lost; the first: {}", lost.len(), lost[0]);
    }
}

fn exchange(line: &mut Line, bytes: &[u8]) -> Staged<Reply> {
    line.write(bytes)?;
    line.reply(false)
}
