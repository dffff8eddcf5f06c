//! One listening socket, TCP or Unix. Invariant: it holds no more connections than configured (more wait in the system's
//! queue), and when told to stop it takes no new one and finishes the others.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::config::Endpoint;

use super::reply::Reply;

/// After an accept that failed (no file descriptors left, mostly).
const PAUSE: Duration = Duration::from_millis(100);

/// What answers behind a door.
pub(crate) trait Room: Send + Sync + 'static {
    fn answer(self: Arc<Self>, request: Request<Incoming>) -> impl Future<Output = Reply> + Send;
}

#[derive(Debug)]
pub(crate) struct Door {
    name: &'static str,
    socket: Socket,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A door that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {address} cannot be listened on: {source}")]
pub struct BindError {
    key: &'static str,
    address: String,
    source: io::Error,
}

impl Door {
    /// `name` is for the log, `key` the configuration's.
    pub(crate) async fn bind(
        name: &'static str,
        key: &'static str,
        endpoint: &Endpoint,
    ) -> Result<Self, BindError> {
        let bound = match endpoint {
            Endpoint::Tcp(address) => TcpListener::bind(address).await.map(Socket::Tcp),
            Endpoint::Unix(path) => bind_unix(path).await,
        };
        bound.map(|socket| Self { name, socket }).map_err(|source| BindError {
            key,
            address: show(endpoint),
            source,
        })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Where it listens; with port 0 configured, the port that the system chose.
    pub(crate) fn address(&self) -> String {
        match &self.socket {
            Socket::Tcp(listener) => {
                listener.local_addr().map(|address| address.to_string()).unwrap_or_default()
            }
            Socket::Unix(_, path) => show(&Endpoint::Unix(path.clone())),
        }
    }

    /// Takes connections and has each one served, until `stop` turns true; then waits for what was begun.
    pub(crate) async fn run<Served>(
        self,
        connections: usize,
        mut stop: watch::Receiver<bool>,
        serve: impl Fn(Stream) -> Served,
    ) where
        Served: Future<Output = ()> + Send + 'static,
    {
        let slots = Arc::new(Semaphore::new(connections));
        let mut open = JoinSet::new();
        loop {
            let (permit, stream) = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                next = self.next(&slots) => next,
            };
            while open.try_join_next().is_some() {}
            let served = serve(stream);
            open.spawn(async move {
                served.await;
                drop(permit);
            });
        }
        drop(self);
        while open.join_next().await.is_some() {}
    }

    async fn next(&self, slots: &Arc<Semaphore>) -> (Option<OwnedSemaphorePermit>, Stream) {
        // The semaphore is never closed, so there always is a permit.
        let permit = Arc::clone(slots).acquire_owned().await.ok();
        loop {
            match self.socket.accept().await {
                Ok(stream) => return (permit, stream),
                Err(error) => {
                    tracing::warn!(event = "accept_failed", listener = self.name, error = %error);
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

impl Socket {
    async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Self::Unix(listener, _) => {
                listener.accept().await.map(|(stream, _)| Stream::Unix(stream))
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            // A file left behind is taken over by the next start.
            let _ = fs::remove_file(path);
        }
    }
}

/// Takes over a socket file that nobody listens on; one that is in use is left alone.
async fn bind_unix(path: &Path) -> io::Result<Socket> {
    if path.exists() {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path)?,
            _ => return Err(ErrorKind::AddrInUse.into()),
        }
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o660))?;
    Ok(Socket::Unix(listener, path.to_owned()))
}

fn show(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Tcp(address) => address.to_string(),
        Endpoint::Unix(path) => format!("unix:{}", path.display()),
    }
}
