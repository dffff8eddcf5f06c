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
    TooLarge,
    /// It came too slowly, or broke off; the status that a proxy would give.
    Broken(u16),
}

pub(super) async fn read(body: &mut Incoming, within: Duration) -> Collected {
    timeout(within, read_frames(body)).await.unwrap_or(Collected::Broken(408))
}

async fn read_frames(body: &mut Incoming) -> Collected {
    let mut first = Bytes::new();
    let mut more = Vec::new();
    let mut trailers = None;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Collected::Broken(400) };
        match frame.into_data() {
            // Almost every body is one frame, and is not copied.
            Ok(data) if first.is_empty() => first = data,
            Ok(data) if more.is_empty() => more = [&first[..], &data[..]].concat(),
            Ok(data) => more.extend_from_slice(&data),
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
        if first.len().max(more.len()) > MAX_BODY {
            return Collected::TooLarge;
        }
    }
    let bytes = if more.is_empty() { first } else { more.into() };
    Collected::Whole(bytes, trailers)
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
