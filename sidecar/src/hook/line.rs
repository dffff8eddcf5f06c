//! Connections to one system: made to an address that was judged, kept for the next call, given up soon.
//! Invariant: the name is asked once for a connection, and it is made to one of that answer's addresses.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::yield_now;
use tokio::time::Instant;

use super::HookFault;
use super::judge::is_called;
use super::names::Names;
use crate::peer::Peer;

/// Calls under way at a time.
const WIDTH: usize = 64;

/// Connections that wait for the next call.
const KEPT: usize = 8;

/// Shorter than common servers wait, so that few calls meet a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(4);

/// Bytes of an answer's head.
const HEAD: usize = 32 * 1024;

/// How one system is reached, and who is connected with it.
#[derive(Debug)]
pub(super) struct Lines {
    peer: Peer,
    names: Names,
    allow_private: bool,
    idle: Mutex<Vec<(SendRequest<Full<Bytes>>, Instant)>>,
    width: Semaphore,
}

pub(super) struct Line {
    pub(super) sender: SendRequest<Full<Bytes>>,
    pub(super) is_new: bool,
}

impl Lines {
    pub(super) fn new(peer: Peer, names: Names, allow_private: bool) -> Self {
        let (idle, width) = (Mutex::default(), Semaphore::new(WIDTH));
        Self { peer, names, allow_private, idle, width }
    }

    #[cfg(test)]
    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// Waits until there is room for one more call.
    pub(super) async fn place(&self) -> Option<SemaphorePermit<'_>> {
        // Nobody closes it.
        self.width.acquire().await.ok()
    }

    /// A kept connection, or a new one.
    pub(super) async fn take(&self) -> Result<Line, HookFault> {
        while let Some(mut sender) = self.kept() {
            // Its end may have come, and not been seen yet.
            yield_now().await;
            if sender.ready().await.is_ok() {
                return Ok(Line { sender, is_new: false });
            }
        }
        let stream = self.connect(&self.addresses().await?).await?;
        let stream = self.peer.wrap(stream).await.map_err(|error| unwrapped(&error))?;
        let (sender, connection) = Builder::new()
            .max_buf_size(HEAD)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|_| HookFault::Unreachable)?;
        // It ends with its sender.
        tokio::spawn(async move {
            let _broken_off = connection.await;
        });
        Ok(Line { sender, is_new: true })
    }

    /// For the next call, when the answer was read to its end.
    pub(super) fn keep(&self, line: Line) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push((line.sender, Instant::now()));
        }
    }

    fn kept(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(sender, since)| since.elapsed() < IDLE && !sender.is_closed());
        idle.pop().map(|(sender, _)| sender)
    }

    /// The addresses that may be called; the others are as if they were not there.
    async fn addresses(&self) -> Result<Vec<IpAddr>, HookFault> {
        let literal: Option<IpAddr> = self.peer.host().parse().ok();
        let found = match literal {
            Some(address) => vec![address],
            None => self.names.of(self.peer.host()).await,
        };
        if found.is_empty() {
            return Err(HookFault::Nameless);
        }
        let called = |address: &IpAddr| {
            // In clear to this machine only, whatever its name leads to.
            let is_near = self.peer.is_encrypted() || address.to_canonical().is_loopback();
            is_near && is_called(*address, literal.is_some(), self.allow_private)
        };
        let called: Vec<IpAddr> = found.into_iter().filter(called).collect();
        if called.is_empty() { Err(HookFault::Private) } else { Ok(called) }
    }

    async fn connect(&self, addresses: &[IpAddr]) -> Result<TcpStream, HookFault> {
        for address in addresses {
            let address = SocketAddr::new(*address, self.peer.port());
            if let Ok(stream) = TcpStream::connect(address).await {
                // Without it a small answer is late, not lost.
                let _unset = stream.set_nodelay(true);
                return Ok(stream);
            }
        }
        Err(HookFault::Unreachable)
    }
}

fn unwrapped(error: &io::Error) -> HookFault {
    let is_tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
    if is_tls { HookFault::Tls } else { HookFault::Unreachable }
}
