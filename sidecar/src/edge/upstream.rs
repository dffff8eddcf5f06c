//! Connections to one server behind us, kept while they are good. Invariant: a connection carries one request at a time,
//! and one whose request was given up, or whose answer broke off, is never used again.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::rt::{Read, Write};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout};

use super::content::Content;
use crate::config::Upstream;
use crate::tls::Connector;

const CONNECT: Duration = Duration::from_millis(1_000);
/// Connections that wait for their next request; more are closed.
const KEPT: usize = 128;

#[derive(Debug)]
pub(super) struct Pool {
    upstream: Upstream,
    /// Where TLS is spoken.
    connector: Option<Arc<Connector>>,
    /// Shorter than the server keeps it, so that no request meets a connection that is just being closed.
    kept_for: Duration,
    kept: Mutex<Vec<Kept>>,
}

#[derive(Debug)]
struct Kept {
    sender: SendRequest<Content>,
    since: Instant,
}

/// A connection that carries a request of ours.
pub(super) struct Lease {
    pool: Arc<Pool>,
    sender: SendRequest<Content>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Connect,
    Reset,
    TimeOut,
    /// More than we read.
    Oversize,
    /// An answer that is no sidecar's, but that of something in between which did not reach it.
    Status,
}

impl Fault {
    /// For metrics and the log.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Reset => "reset",
            Self::TimeOut => "timeout",
            Self::Oversize => "oversize",
            Self::Status => "status",
        }
    }
}

impl Pool {
    pub(super) fn new(
        upstream: Upstream,
        connector: Option<Arc<Connector>>,
        kept_for: Duration,
    ) -> Arc<Self> {
        Arc::new(Self { upstream, connector, kept_for, kept: Mutex::default() })
    }

    /// Sends a request and waits for the head of its answer. What a kept connection could not even begin to send goes over
    /// another one.
    pub(super) async fn send(
        self: &Arc<Self>,
        mut request: Request<Content>,
    ) -> Result<(Response<Incoming>, Lease), Fault> {
        while let Some(mut sender) = self.take() {
            match sender.try_send_request(request).await {
                Ok(response) => return Ok((response, self.lease(sender))),
                Err(mut unsent) => request = unsent.take_message().ok_or(Fault::Reset)?,
            }
        }
        let mut sender = self.connect().await?;
        let response = sender.send_request(request).await.map_err(|_| Fault::Reset)?;
        Ok((response, self.lease(sender)))
    }

    fn lease(self: &Arc<Self>, sender: SendRequest<Content>) -> Lease {
        Lease { pool: Arc::clone(self), sender }
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that was used last; those that are too old, or closed, are dropped.
    fn take(&self) -> Option<SendRequest<Content>> {
        let mut kept = self.kept();
        let at = kept.iter().rposition(|one| one.sender.is_ready());
        let found = at.map(|at| kept.remove(at)).filter(|one| one.since.elapsed() < self.kept_for);
        if found.is_none() {
            let kept_for = self.kept_for;
            kept.retain(|one| !one.sender.is_closed() && one.since.elapsed() < kept_for);
        }
        found.map(|one| one.sender)
    }

    async fn connect(&self) -> Result<SendRequest<Content>, Fault> {
        let opened = timeout(CONNECT, self.open()).await;
        opened.ok().and_then(Result::ok).ok_or(Fault::Connect)
    }

    async fn open(&self) -> io::Result<SendRequest<Content>> {
        match &self.upstream {
            Upstream::Tcp { host, port } => {
                handshake(TokioIo::new(reach(host, *port).await?)).await
            }
            Upstream::Tls { host, port } => {
                let connector = self.connector.as_ref().ok_or(io::ErrorKind::Unsupported)?;
                let stream = connector.connect(host, reach(host, *port).await?).await?;
                handshake(TokioIo::new(stream)).await
            }
            Upstream::Unix(path) => handshake(TokioIo::new(UnixStream::connect(path).await?)).await,
        }
    }
}

impl Lease {
    pub(super) fn give_back(self) {
        let mut kept = self.pool.kept();
        if kept.len() < KEPT && !self.sender.is_closed() {
            kept.push(Kept { sender: self.sender, since: Instant::now() });
        }
    }
}

async fn reach(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn handshake<S>(stream: S) -> io::Result<SendRequest<Content>>
where
    S: Read + Write + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(stream).await.map_err(io::Error::other)?;
    // How a connection ends is told to whoever waits for its answer.
    tokio::spawn(async move { drop(connection.with_upgrades().await) });
    Ok(sender)
}
