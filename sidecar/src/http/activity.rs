//! What a connection does at the moment: whether it waits for a request, a head or its reader. Invariant: a request that
//! is being answered is not idle, but a peer that takes nothing of its answer is.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep};

/// From the first byte of an HTTP/1.1 request to the end of its headers, where nothing else is configured.
pub(crate) const HEAD: Duration = Duration::from_secs(10);
/// How often idle time is looked at.
const TICK: Duration = Duration::from_millis(500);

/// What a connection does at the moment.
pub(crate) struct Activity(Mutex<State>);

struct State {
    requests: usize,
    /// When the last request ended, or the connection began.
    since: Instant,
    /// When the first byte of the next HTTP/1.1 request came.
    head: Option<Instant>,
    /// The first bytes read; `None` before them.
    is_http2: Option<bool>,
    /// Since when the peer takes nothing of what we write.
    stalled: Option<Instant>,
}

/// One request that is being answered.
pub(crate) struct Open(Arc<Activity>);

impl Activity {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            requests: 0,
            since: Instant::now(),
            head: None,
            is_http2: None,
            stalled: None,
        })))
    }

    /// A stream whose reads and writes are told to this activity.
    pub(crate) fn watch<S>(self: &Arc<Self>, stream: S) -> Watched<S> {
        Watched { stream, activity: Arc::clone(self) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(self: Arc<Self>) -> Open {
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

    fn wrote<T>(&self, polled: &Poll<T>) {
        let mut state = self.state();
        match polled {
            Poll::Ready(_) => state.stalled = None,
            Poll::Pending => {
                state.stalled.get_or_insert(Instant::now());
            }
        }
    }

    /// Ends when the connection has been idle, a request's headers have been coming, or an answer was not taken, for too
    /// long.
    pub(crate) async fn lapse(&self, idle: Duration, head: Duration) {
        while !self.state().has_lapsed(Instant::now(), idle, head) {
            sleep(TICK.min(idle)).await;
        }
    }
}

impl State {
    fn has_lapsed(&self, now: Instant, idle: Duration, head: Duration) -> bool {
        let slow_head = self.head.is_some_and(|begun| now.duration_since(begun) >= head);
        let stalled = self.stalled.is_some_and(|begun| now.duration_since(begun) >= idle);
        stalled || self.requests == 0 && (slow_head || now.duration_since(self.since) >= idle)
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
pub(crate) struct Watched<S> {
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
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.activity.wrote(&polled);
        polled
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
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.activity.wrote(&polled);
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_the_peer_too_long_lapses() {
        let begun = Instant::now();
        let (at, idle) = (|seconds| begun + Duration::from_secs(seconds), Duration::from_secs(60));
        let state = |requests, head| State {
            requests,
            since: begun,
            head,
            is_http2: Some(false),
            stalled: None,
        };
        let stalled = State { stalled: Some(at(5)), ..state(1, None) };
        let table = [
            (stalled, 65, true),
            (state(0, None), 59, false),
            (state(0, None), 60, true),
            (state(0, Some(at(20))), 29, false),
            (state(0, Some(at(20))), 30, true),
            (state(1, None), 600, false),
        ];
        for (state, seconds, expected) in table {
            let lapsed = state.has_lapsed(at(seconds), idle, HEAD);
            assert_eq!(lapsed, expected, "{} {:?} {seconds}", state.requests, state.head);
        }
    }

    #[tokio::test]
    async fn only_http1_heads_are_timed() {
        for (first, timed) in [(b"GET / HTTP/1.1\r\n".as_slice(), true), (b"PRI * HTTP/2.0", false)]
        {
            let activity = Activity::new();
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
