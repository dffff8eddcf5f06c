//! A claimed request's body, read whole. Invariant: no more than `MAX_BODY` is held, and nobody is waited for longer than
//! configured.

use std::time::Duration;

use contract::edge::MAX_BODY;
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONTENT_LENGTH, EXPECT};
use hyper::http::request::Parts;
use tokio::time::timeout;

use super::gate::is_http1;

/// What is still taken of a body that was refused, so that its sender hears the answer before the connection ends.
const DRAINED: usize = 256 * 1024;
const DRAIN: Duration = Duration::from_millis(500);

pub(super) enum Collected {
    Whole(Bytes, Option<HeaderMap>),
    /// What was read before it was given up; the rest may still come.
    Part(Bytes, Why),
    /// It broke off.
    Broken,
}

/// Why a body was not read to its end.
#[derive(Clone, Copy)]
pub(super) enum Why {
    TooLarge,
    TooSlow,
}

impl Why {
    /// What a proxy would answer.
    pub(super) fn status(self) -> u16 {
        match self {
            Self::TooLarge => 413,
            Self::TooSlow => 408,
        }
    }
}

/// What has been read so far. Almost every body is one frame, and is not copied.
#[derive(Default)]
struct Held {
    first: Bytes,
    more: Vec<u8>,
}

pub(super) async fn read(body: &mut Incoming, within: Duration) -> Collected {
    let mut held = Held::default();
    match timeout(within, read_frames(body, &mut held)).await {
        Err(_) => Collected::Part(held.bytes(), Why::TooSlow),
        Ok(Ok(trailers)) if held.len() <= MAX_BODY => Collected::Whole(held.bytes(), trailers),
        Ok(Ok(_)) => Collected::Part(held.bytes(), Why::TooLarge),
        Ok(Err(_)) => Collected::Broken,
    }
}

/// Reads to the end, or until there is more than we read.
async fn read_frames(body: &mut Incoming, held: &mut Held) -> hyper::Result<Option<HeaderMap>> {
    let mut trailers = None;
    while held.len() <= MAX_BODY
        && let Some(frame) = body.frame().await
    {
        match frame?.into_data() {
            Ok(data) => held.add(data),
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    Ok(trailers)
}

impl Held {
    fn len(&self) -> usize {
        self.first.len().max(self.more.len())
    }

    fn add(&mut self, data: Bytes) {
        if self.first.is_empty() {
            self.first = data;
        } else if self.more.is_empty() {
            self.more = [&self.first[..], &data[..]].concat();
        } else {
            self.more.extend_from_slice(&data);
        }
    }

    fn bytes(self) -> Bytes {
        if self.more.is_empty() { self.first } else { self.more.into() }
    }
}

/// Takes a little more of a body that nobody reads; its sender may not look for the answer before it is all written.
pub(super) async fn drain(parts: &Parts, mut body: Incoming) {
    if body.is_end_stream() || parts.headers.contains_key(EXPECT) || !is_http1(parts) {
        return;
    }
    let reading = async {
        let mut left = DRAINED;
        while let Some(Ok(frame)) = body.frame().await {
            left = match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
                Some(left) => left,
                None => break,
            };
        }
    };
    // Whoever takes longer had his chance.
    let _ = timeout(DRAIN, reading).await;
}

/// Whether the body came without a length.
pub(super) fn is_chunked(parts: &Parts) -> bool {
    !parts.headers.contains_key(CONTENT_LENGTH)
}
