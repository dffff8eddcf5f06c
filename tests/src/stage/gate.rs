//! A gate before a server: bytes go through it both ways, until a test has it stall, shut, or lose the answer to certain
//! words. What is lost was said and heard; only nobody learns of it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::Staged;

/// How the gate is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    #[default]
    Open,
    /// Connections are made and kept, and nothing goes through.
    Stalled,
    /// Every connection ends, and so does each new one.
    Shut,
}

/// A gate on a port of its own. It ends with every connection when it is dropped.
#[derive(Debug)]
pub struct Gate {
    addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    server: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
    stopped: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    way: Way,
    /// Words to the server, and whether they get there.
    lose: Option<(Vec<u8>, bool)>,
    streams: Vec<TcpStream>,
}

impl Gate {
    /// # Errors
    /// No port is free.
    pub fn before(server: SocketAddr) -> Staged<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared {
            server,
            state: Mutex::default(),
            changed: Condvar::new(),
            stopped: AtomicBool::new(false),
        });
        let ours = Arc::clone(&shared);
        let accepting = std::thread::spawn(move || accept(&listener, &ours));
        Ok(Self { addr, shared, accepting: Some(accepting) })
    }

    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// From now on.
    pub fn set(&self, way: Way) {
        let mut state = self.shared.lock();
        state.way = way;
        if way == Way::Shut {
            close(&mut state);
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    /// The next time that somebody says this, the server does as it is told, and its answer is lost with the connection.
    pub fn lose_answer_to(&self, words: &[u8]) {
        self.shared.lock().lose = Some((words.to_vec(), true));
    }

    /// The next time that somebody says this, it is lost with the connection.
    pub fn lose(&self, words: &[u8]) {
        self.shared.lock().lose = Some((words.to_vec(), false));
    }

    /// Whether what was to be lost was said.
    #[must_use]
    pub fn has_lost(&self) -> bool {
        self.shared.lock().lose.is_none()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.set(Way::Shut);
        // Wakes the accepting thread, which then sees the flag.
        let _woken = TcpStream::connect(self.addr);
        if let Some(thread) = self.accepting.take() {
            let _ended = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while it stalls; false where nothing goes through any more.
    fn passes(&self) -> bool {
        let mut state = self.lock();
        while state.way == Way::Stalled {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.way == Way::Open
    }

    /// Whether these are the words to be lost, and if so whether they get there.
    fn loses(&self, bytes: &[u8]) -> Option<bool> {
        let mut state = self.lock();
        let found = state.lose.as_ref().is_some_and(|(words, _)| {
            bytes.windows(words.len().max(1)).any(|window| window == words.as_slice())
        });
        if found { state.lose.take().map(|(_, arrives)| arrives) } else { None }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(client) = client else { continue };
        // Whoever comes while it is shut is let go.
        let Some(pair) = join(client, shared) else { continue };
        let doomed = Arc::new(AtomicBool::new(false));
        for is_up in [true, false] {
            let (shared, doomed) = (Arc::clone(shared), Arc::clone(&doomed));
            let Some((from, to)) = ends(&pair, is_up) else { continue };
            std::thread::spawn(move || carry(from, to, is_up, &shared, &doomed));
        }
    }
}

fn join(client: TcpStream, shared: &Shared) -> Option<(TcpStream, TcpStream)> {
    let mut state = shared.lock();
    if state.way == Way::Shut {
        return None;
    }
    let server = TcpStream::connect(shared.server).ok()?;
    for stream in [&client, &server] {
        let _delayed = stream.set_nodelay(true);
        state.streams.push(stream.try_clone().ok()?);
    }
    Some((client, server))
}

fn ends((client, server): &(TcpStream, TcpStream), is_up: bool) -> Option<(TcpStream, TcpStream)> {
    let (client, server) = (client.try_clone().ok()?, server.try_clone().ok()?);
    Some(if is_up { (client, server) } else { (server, client) })
}

/// One direction of a connection; its end is the end of both.
fn carry(
    mut from: TcpStream,
    mut to: TcpStream,
    is_up: bool,
    shared: &Shared,
    doomed: &AtomicBool,
) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let bytes = &buffer[..count];
        if !shared.passes() {
            break;
        }
        match is_up.then(|| shared.loses(bytes)).flatten() {
            Some(true) => doomed.store(true, Ordering::SeqCst),
            Some(false) => break,
            None => {}
        }
        let is_lost = !is_up && doomed.load(Ordering::SeqCst);
        if is_lost || to.write_all(bytes).is_err() {
            break;
        }
    }
    for stream in [from, to] {
        let _gone = stream.shutdown(Shutdown::Both);
    }
}

fn close(state: &mut State) {
    for stream in state.streams.drain(..) {
        let _gone = stream.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::until;

    fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut from = stream.try_clone().unwrap();
                std::thread::spawn(move || std::io::copy(&mut from, &mut stream));
            }
        });
        addr
    }

    fn says(stream: &mut TcpStream, words: &[u8]) -> Option<Vec<u8>> {
        stream.write_all(words).ok()?;
        let mut heard = vec![0; words.len()];
        stream.read_exact(&mut heard).ok().map(|()| heard)
    }

    #[test]
    fn bytes_go_through_until_they_are_to_be_lost() {
        let gate = Gate::before(echo()).unwrap();
        let connect = || TcpStream::connect(gate.addr()).unwrap();
        let mut line = connect();
        assert_eq!(says(&mut line, b"one").unwrap(), b"one");
        gate.lose_answer_to(b"COMMIT");
        assert_eq!(says(&mut line, b"two").unwrap(), b"two");
        assert!(!gate.has_lost());
        assert_eq!(says(&mut line, b"a COMMIT b"), None);
        assert!(gate.has_lost());
        assert_eq!(says(&mut connect(), b"COMMIT").unwrap(), b"COMMIT", "once");
        gate.set(Way::Shut);
        until("the end of a connection", || Ok(says(&mut connect(), b"x").is_none().then_some(())))
            .unwrap();
        gate.set(Way::Open);
        assert_eq!(says(&mut connect(), b"three").unwrap(), b"three");
    }
}
