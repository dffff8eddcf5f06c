//! Bodies on their way through. Invariant: what streams is never held, a body that pauses for too long is a fault, and a
//! connection to the app goes back to its pool only when its answer was whole.

use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::HeaderMap;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep};

use super::hop;
use super::upstream::Lease;
use crate::http::activity::Open;

/// A body of a request that goes on, or of an answer that goes back.
pub(super) enum Content {
    Whole(Whole),
    Streamed(Box<Streamed>),
}

/// Bytes that are all here, in the framing that they came in.
pub(super) struct Whole {
    bytes: Bytes,
    trailers: Option<HeaderMap>,
    is_chunked: bool,
    open: Option<Open>,
}

pub(super) struct Streamed {
    /// What was read of the body already.
    begun: Bytes,
    body: Incoming,
    limit: Duration,
    pause: Pin<Box<Sleep>>,
    is_paused: bool,
    lease: Option<Lease>,
    open: Option<Open>,
    /// Dropped with the body.
    end: Option<oneshot::Sender<()>>,
}

impl Content {
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::Whole(Whole { bytes, trailers: None, is_chunked: false, open: None })
    }

    /// What was read from a request in pieces, as it came.
    pub(super) fn collected(bytes: Bytes, trailers: Option<HeaderMap>, is_chunked: bool) -> Self {
        Self::Whole(Whole { bytes, trailers, is_chunked, open: None })
    }

    pub(super) fn streamed(body: Incoming, limit: Duration) -> Self {
        let pause = Box::pin(sleep(limit));
        Self::Streamed(Box::new(Streamed {
            begun: Bytes::new(),
            body,
            limit,
            pause,
            is_paused: false,
            lease: None,
            open: None,
            end: None,
        }))
    }

    /// With what was read of it before.
    pub(super) fn behind(mut self, begun: Bytes) -> Self {
        if let Self::Streamed(streamed) = &mut self {
            streamed.begun = begun;
        }
        self
    }

    /// Resolves when nobody reads the body any more: it was sent whole, or given up.
    pub(super) fn ended(&mut self) -> oneshot::Receiver<()> {
        let (end, ended) = oneshot::channel();
        if let Self::Streamed(streamed) = self {
            streamed.end = Some(end);
        }
        ended
    }

    /// Gives the connection back when the answer has ended.
    pub(super) fn with_lease(mut self, lease: Lease) -> Self {
        if let Self::Streamed(streamed) = &mut self {
            match streamed.body.is_end_stream() {
                true => lease.give_back(),
                false => streamed.lease = Some(lease),
            }
        }
        self
    }

    /// Counts the request as open until its answer has ended.
    pub(super) fn with_open(mut self, guard: Open) -> Self {
        match &mut self {
            Self::Whole(whole) => whole.open = Some(guard),
            Self::Streamed(streamed) => streamed.open = Some(guard),
        }
        self
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Self::Whole(whole) => Poll::Ready(whole.next().map(Ok)),
            Self::Streamed(streamed) => streamed.poll_next(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) => {
                whole.bytes.is_empty() && whole.trailers.is_none() && !whole.is_chunked
            }
            Self::Streamed(streamed) => streamed.begun.is_empty() && streamed.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) if whole.is_chunked => SizeHint::new(),
            Self::Whole(whole) => {
                SizeHint::with_exact(u64::try_from(whole.bytes.len()).unwrap_or(u64::MAX))
            }
            Self::Streamed(streamed) => streamed.size_hint(),
        }
    }
}

impl Whole {
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    fn next(&mut self) -> Option<Frame<Bytes>> {
        if !self.bytes.is_empty() {
            return Some(Frame::data(mem::take(&mut self.bytes)));
        }
        self.is_chunked = false;
        self.trailers.take().map(Frame::trailers)
    }
}

impl Streamed {
    fn size_hint(&self) -> SizeHint {
        let begun = u64::try_from(self.begun.len()).unwrap_or(u64::MAX);
        match self.body.size_hint().exact() {
            Some(rest) => SizeHint::with_exact(begun.saturating_add(rest)),
            None => SizeHint::new(),
        }
    }

    fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if !self.begun.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(mem::take(&mut self.begun)))));
        }
        let Poll::Ready(next) = Pin::new(&mut self.body).poll_frame(context) else {
            return self.poll_pause(context);
        };
        self.is_paused = false;
        Poll::Ready(match next {
            Some(Ok(mut frame)) => {
                if let Some(trailers) = frame.trailers_mut() {
                    hop::trailers(trailers);
                }
                if self.body.is_end_stream() {
                    self.give_back();
                }
                Some(Ok(frame))
            }
            Some(Err(error)) => Some(Err(io::Error::other(error))),
            None => {
                self.give_back();
                None
            }
        })
    }

    fn poll_pause(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if !self.is_paused {
            self.is_paused = true;
            if let Some(end) = Instant::now().checked_add(self.limit) {
                self.pause.as_mut().reset(end);
            }
        }
        ready!(self.pause.as_mut().poll(context));
        Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())))
    }

    fn give_back(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
    }
}
