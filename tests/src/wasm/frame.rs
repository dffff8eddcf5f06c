//! A message cut into the callbacks it causes.

use super::exchange::{Framing, Pair};
use super::host::Side;
use super::profile::Strictness;

pub(super) enum Frame {
    Headers { end: bool },
    Body { piece: Vec<u8>, end: bool },
    Trailers(Vec<Pair>),
}

/// The names of one direction's callbacks.
pub(super) struct Callbacks {
    pub(super) headers: &'static str,
    pub(super) body: &'static str,
    pub(super) trailers: &'static str,
}

pub(super) const fn callbacks(side: Side) -> Callbacks {
    match side {
        Side::Request => Callbacks {
            headers: "proxy_on_request_headers",
            body: "proxy_on_request_body",
            trailers: "proxy_on_request_trailers",
        },
        Side::Response => Callbacks {
            headers: "proxy_on_response_headers",
            body: "proxy_on_response_body",
            trailers: "proxy_on_response_trailers",
        },
    }
}

/// With trailers no body callback carries the end.
pub(super) fn frames(
    strictness: &Strictness,
    body: &[Vec<u8>],
    trailers: Option<&Vec<Pair>>,
    framing: Framing,
) -> Vec<Frame> {
    let empty = body.iter().all(Vec::is_empty);
    let body = if empty && !strictness.empty_body_callback { &[] } else { body };
    let end = trailers.is_none();
    let mut frames =
        vec![Frame::Headers { end: end && body.is_empty() && strictness.end_in_headers }];
    if !empty || framing == Framing::Http2 {
        frames.extend(body.iter().map(|piece| Frame::Body { piece: piece.clone(), end: false }));
    }
    if end && framing == Framing::Http1 && !body.is_empty() {
        frames.push(Frame::Body { piece: Vec::new(), end: true });
    }
    if end && let Some(Frame::Body { end: last, .. }) = frames.last_mut() {
        *last = true;
    }
    frames.extend(trailers.cloned().map(Frame::Trailers));
    frames
}

/// Header names as the host hands them to a filter.
pub(super) fn cased(pairs: Vec<Pair>, lower: bool) -> Vec<Pair> {
    let name = |name: Vec<u8>| if lower { name.to_ascii_lowercase() } else { name };
    pairs.into_iter().map(|(key, value)| (name(key), value)).collect()
}
