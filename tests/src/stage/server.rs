//! A small threaded HTTP/1.1 server that records every request as it came and answers as it is told. It is the app
//! behind the gateway, and in other tests the sidecar's stand-in.

use std::io::{BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Staged, until};
use crate::http::{Fields, Length, first, read_body, read_head};

/// Longer than any test keeps a connection idle.
const IDLE: Duration = Duration::from_secs(120);

/// One request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub method: String,
    pub target: String,
    pub headers: Fields,
    /// Without transfer coding.
    pub body: Vec<u8>,
    pub trailers: Fields,
    /// The bytes of the head, the empty line included.
    pub head: Vec<u8>,
}

impl Received {
    /// The first field of that name, as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        first(&self.headers, name).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What is sent back; `content-length` is added.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    #[must_use]
    pub fn json(status: u16, body: impl AsRef<[u8]>) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body: body.as_ref().to_vec() }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn to_bytes(&self, to_head: bool) -> Vec<u8> {
        let mut text =
            format!("HTTP/1.1 {} .\r\ncontent-length: {}\r\n", self.status, self.body.len());
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut bytes = (text + "\r\n").into_bytes();
        if !to_head {
            bytes.extend(&self.body);
        }
        bytes
    }
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub enum Reaction {
    Answer(Answer),
    /// Closes the connection without a byte.
    Close,
    /// These bytes, then whatever the peer sends is sent back: an upgraded connection.
    Echo(Vec<u8>),
    /// These bytes, then the end: for answers that no server should make.
    Raw(Vec<u8>),
    /// Never answers.
    Silence,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    received: Mutex<Vec<Received>>,
    stopped: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

type Reacts = Arc<dyn Fn(&Received) -> Reaction + Send + Sync>;

impl Server {
    /// Listens on a free port of the loopback address.
    ///
    /// # Errors
    /// No port is free.
    pub fn start(react: impl Fn(&Received) -> Reaction + Send + Sync + 'static) -> Staged<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let addr = listener.local_addr()?;
        let shared = Arc::<Shared>::default();
        let (ours, react): (_, Reacts) = (Arc::clone(&shared), Arc::new(react));
        let accepting = std::thread::spawn(move || accept(&listener, &ours, &react));
        Ok(Self { addr, shared, accepting: Some(accepting) })
    }

    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Everything that arrived, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        lock(&self.shared.received).clone()
    }

    /// Forgets what arrived.
    pub fn clear(&self) {
        lock(&self.shared.received).clear();
    }

    /// Waits until that many requests have arrived.
    ///
    /// # Errors
    /// The deadline passed.
    pub fn wait_for(&self, count: usize) -> Staged<Vec<Received>> {
        until("requests at a server", || Ok(Some(self.requests()).filter(|all| all.len() >= count)))
    }

    /// Stops listening and closes every connection.
    pub fn stop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, which then sees the flag.
        let _woken = TcpStream::connect(self.addr);
        if let Some(thread) = self.accepting.take() {
            let _ended = thread.join();
        }
        for stream in lock(&self.shared.streams).drain(..) {
            let _closed = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>, react: &Reacts) {
    while let Ok((stream, _)) = listener.accept() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(twin) = stream.try_clone() else { continue };
        lock(&shared.streams).push(twin);
        let (shared, react) = (Arc::clone(shared), Arc::clone(react));
        std::thread::spawn(move || {
            // A fault here is the peer's: a connection that broke off.
            let _fault = serve(&stream, &shared, &react);
            let _closed = stream.shutdown(Shutdown::Both);
        });
    }
}

fn serve(stream: &TcpStream, shared: &Shared, react: &Reacts) -> Staged<()> {
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    while let Some(request) = receive(&mut reader, writer)? {
        lock(&shared.received).push(request.clone());
        match react(&request) {
            Reaction::Answer(answer) => {
                writer.write_all(&answer.to_bytes(request.method == "HEAD"))?
            }
            Reaction::Close => return Ok(()),
            Reaction::Echo(bytes) => {
                writer.write_all(&bytes)?;
                std::io::copy(&mut reader, &mut writer)?;
                return Ok(());
            }
            Reaction::Raw(bytes) => return Ok(writer.write_all(&bytes)?),
            Reaction::Silence => {
                std::io::copy(&mut reader, &mut std::io::sink())?;
                return Ok(());
            }
        }
    }
    Ok(())
}

fn receive(reader: &mut BufReader<TcpStream>, mut writer: &TcpStream) -> Staged<Option<Received>> {
    let Some(head) = read_head(reader)? else { return Ok(None) };
    if first(&head.headers, "expect")
        .is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"))
    {
        writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let (body, trailers) = read_body(reader, Length::of(&head.headers, Length::Known(0))?)?;
    let mut words = head.line.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default().to_owned();
    Ok(Some(Received { method, target, headers: head.headers, body, trailers, head: head.raw }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Call, Line};

    #[test]
    fn a_server_records_and_answers_and_stops() {
        let mut server = Server::start(|request| {
            Reaction::Answer(
                Answer::json(201, format!("{{\"n\":{}}}", request.body.len())).header("x-a", "1"),
            )
        })
        .unwrap();
        let reply =
            Call::post_json("/p?q", "{}").header("x-raw", [0xE9]).send(server.addr()).unwrap();
        assert_eq!(
            (reply.status, reply.text().as_str(), reply.header("X-A").as_deref()),
            (201, "{\"n\":2}", Some("1"))
        );
        let seen = server.requests();
        assert_eq!(
            (seen[0].target.as_str(), first(&seen[0].headers, "X-Raw")),
            ("/p?q", Some(&[0xE9][..]))
        );
        server.stop();
        assert!(Line::connect(server.addr()).is_err());
    }

    #[test]
    fn a_server_can_misbehave() {
        let server = Server::start(|request| match request.target.as_str() {
            "/close" => Reaction::Close,
            _ => Reaction::Raw(b"HTTP/1.1 200 .\r\ncontent-length: 9\r\n\r\nab".to_vec()),
        })
        .unwrap();
        assert!(Call::get("/close").send(server.addr()).is_err());
        assert!(Call::get("/short").send(server.addr()).is_err());
    }
}
