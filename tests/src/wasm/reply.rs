//! Answers made inside the gateway, completed as Envoy completes them.

use super::exchange::{Response, first};
use super::host::LocalReply;
use super::profile::Strictness;

/// The length is the host's; the type is `text/plain` unless the filter named one; without a body
/// there is neither.
pub(super) fn local_response(strictness: &Strictness, reply: LocalReply) -> Response {
    let LocalReply { status, mut headers, mut body, .. } = reply;
    headers.retain(|(name, _)| name != b"content-length");
    if body.is_empty() {
        headers.retain(|(name, _)| name != b"content-type");
        return Response { status, headers, body, trailers: None };
    }
    if strictness.newline_after_reply {
        body.push(b'\n');
    }
    headers.push((b"content-length".to_vec(), body.len().to_string().into()));
    if first(&headers, "content-type").is_none() {
        headers.push((b"content-type".to_vec(), b"text/plain".to_vec()));
    }
    Response { status, headers, body, trailers: None }
}

pub(super) fn host_reply(status: u16, body: &str) -> LocalReply {
    LocalReply { status, headers: Vec::new(), body: body.into(), by_filter: false }
}

/// What a request gets whose VM died.
pub(super) fn unavailable() -> Response {
    Response { status: 503, ..Response::default() }
}
