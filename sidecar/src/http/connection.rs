//! One connection, HTTP/1.1 or HTTP/2 without TLS. Invariant: its headers, bodies, streams and idle time are bounded, and
//! a request that was begun is answered, even where the answering task panics.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use std::{io, pin};

use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::listener::Room;
use super::reply::{self, Reply};

/// All headers of one request, in bytes.
const MAX_HEADERS: u32 = 16 * 1024;
/// Requests that one HTTP/2 connection has open at a time.
const MAX_STREAMS: u32 = 256;
/// From the first byte of an HTTP/1.1 request to the end of its headers.
const HEAD: Duration = Duration::from_secs(10);
/// What a connection gets to finish when the program stops.
const FINISH: Duration = Duration::from_secs(10);
/// What a connection gets to say good-bye when it was idle for too long.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often idle time is looked at.
const TICK: Duration = Duration::from_millis(500);

/// Serves a connection until it ends, is idle for too long, or `stop` turns true.
pub(super) async fn serve<S, R>(
    stream: S,
    room: Arc<R>,
    idle: Duration,
    mut stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    R: Room,
{
    let activity = Arc::new(Activity::new());
    let io = TokioIo::new(Watched { stream, activity: Arc::clone(&activity) });
    let counted = Arc::clone(&activity);
    let service =
        service_fn(move |request| answer(Arc::clone(&room), Arc::clone(&counted).begin(), request));
    let builder = builder();
    let mut connection = pin::pin!(builder.serve_connection(io, service));
    let grace = tokio::select! {
        // How a connection ends is the client's affair.
        _ = connection.as_mut() => return,
        () = activity.lapse(idle) => FAREWELL,
        _ = stop.wait_for(|stop| *stop) => FINISH,
    };
    connection.as_mut().graceful_shutdown();
    let _ = timeout(grace, connection).await;
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // hyper's own header timer would run while a kept-alive connection waits; `Activity` tells the two apart.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(MAX_HEADERS as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADERS);
    builder
}

/// Answers on a task of its own: it goes on when the client leaves, and its panic is an answer.
async fn answer<R: Room>(
    room: Arc<R>,
    _open: Open,
    request: Request<Incoming>,
) -> Result<Reply, Infallible> {
    let task = tokio::spawn(room.answer(request));
    Ok(task.await.unwrap_or_else(|_| {
        tracing::error!(event = "task_failed");
        reply::busy()
    }))
}

/// What a connection does at the moment.
struct Activity(Mutex<State>);

struct State {
    requests: usize,
    /// When the last request ended, or the connection began.
    since: Instant,
    /// When the first byte of the next HTTP/1.1 request came.
    head: Option<Instant>,
    /// The first bytes read; `None` before them.
    is_http2: Option<bool>,
}

/// One request that is being answered.
struct Open(Arc<Activity>);

impl Activity {
    fn new() -> Self {
        Self(Mutex::new(State { requests: 0, since: Instant::now(), head: None, is_http2: None }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(self: Arc<Self>) -> Open {
        let mut state = self.state();
        state.requests = state.requests.saturating_add(1);
        state.head = None;
        drop(state);
        Open(self)
    }

    fn saw(&self, bytes: &[u8]) {
        let mut state = self.state();
        let is_http2 = *state.is_http2.get_or_insert(bytes.starts_with(b"PRI"));
        if !is_http2 && state.requests == 0 {
            state.head.get_or_insert(Instant::now());
        }
    }

    /// Ends when the connection has been idle, or a request's headers have been coming, for too long.
    async fn lapse(&self, idle: Duration) {
        while !self.state().has_lapsed(Instant::now(), idle) {
            sleep(TICK.min(idle)).await;
        }
    }
}

impl State {
    fn has_lapsed(&self, now: Instant, idle: Duration) -> bool {
        let slow_head = self.head.is_some_and(|begun| now.duration_since(begun) >= HEAD);
        self.requests == 0 && (slow_head || now.duration_since(self.since) >= idle)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.requests = state.requests.saturating_sub(1);
        state.since = Instant::now();
    }
}

/// A stream that tells `Activity` what is read.
struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if let Some(read) = buffer.filled().get(before..).filter(|read| !read.is_empty()) {
            self.activity.saw(read);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_connections_and_slow_headers_lapse_but_no_request_does() {
        let begun = Instant::now();
        let (at, idle) = (|seconds| begun + Duration::from_secs(seconds), Duration::from_secs(60));
        let state = |requests, head| State { requests, since: begun, head, is_http2: Some(false) };
        let table = [
            (state(0, None), 59, false),
            (state(0, None), 60, true),
            (state(0, Some(at(20))), 29, false),
            (state(0, Some(at(20))), 30, true),
            (state(1, None), 600, false),
        ];
        for (state, seconds, expected) in table {
            let lapsed = state.has_lapsed(at(seconds), idle);
            assert_eq!(lapsed, expected, "{} {:?} {seconds}", state.requests, state.head);
        }
    }

    #[tokio::test]
    async fn only_http1_heads_are_timed() {
        for (first, timed) in [(b"GET / HTTP/1.1\r\n".as_slice(), true), (b"PRI * HTTP/2.0", false)]
        {
            let activity = Arc::new(Activity::new());
            activity.saw(first);
            assert_eq!(activity.state().head.is_some(), timed);
            let open = Arc::clone(&activity).begin();
            activity.saw(b"body");
            assert!(activity.state().head.is_none());
            drop(open);
            assert_eq!(activity.state().requests, 0);
        }
    }
}
