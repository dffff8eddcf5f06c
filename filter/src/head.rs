//! What of a head goes on, and what does not. Invariant: nothing that only we may say comes from anybody else.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use contract::edge::{Answer, AnswerHead, Exchange, FETCH, Headers, MadeBy};

use crate::host::{self, HostFault};

/// Response headers that the translated answer takes the place of. Others, that the gateway added, stay.
pub(crate) const REPLACED: [&[u8]; 13] = [
    b":status",
    b"allow",
    b"cache-control",
    b"content-encoding",
    b"content-length",
    b"content-type",
    b"rekey-outcome",
    b"retry-after",
    b"set-cookie",
    b"transfer-encoding",
    b"x-content-type-options",
    b"x-envoy-upstream-service-time",
    b"x-request-id",
];

/// Request headers that go on to the sidecar beside our own; all of them are the gateway's.
pub(crate) const KEPT: [&[u8]; 8] = [
    b":authority",
    b":method",
    b":scheme",
    b"traceparent",
    b"tracestate",
    b"x-b3-traceid",
    b"x-forwarded-proto",
    b"x-request-id",
];

/// Headers that only we may set, whoever sent them.
pub(crate) fn remove_ours(headers: &Headers) -> Result<(), HostFault> {
    let ours = headers.iter().filter(|(name, _)| name.starts_with(b"x-rekey-"));
    for (name, _) in ours {
        host::remove_request_header(name)?;
    }
    Ok(())
}

/// The head of a message of ours; what the gateway said of the request stays.
pub(crate) fn set_request_head(
    exchange: &Exchange,
    operation: &str,
    length: Option<&str>,
) -> Result<(), HostFault> {
    let kept = |name: &[u8]| name == b":path" || KEPT.contains(&name);
    let came = exchange.headers().iter().filter(|(name, _)| kept(name));
    let ours: [(&[u8], &[u8]); 2] =
        [(b"content-type", b"application/vnd.rekey"), (b"x-rekey-operation", operation.as_bytes())];
    let length = length.map(|length| (&b"content-length"[..], length.as_bytes()));
    let headers: Vec<(&[u8], &[u8])> = came.chain(ours).chain(length).collect();
    host::set_request_headers(&headers)
}

/// No host can give a body to a request that has none, so this one goes on as it came, but for its head.
pub(crate) fn set_fetch_head(exchange: &Exchange) -> Result<(), HostFault> {
    let came = exchange.headers();
    let path = came.first(b":path").and_then(|path| path.split(|byte| *byte == b'?').next());
    let path = path.map(|path| (&b":path"[..], path));
    let kept = came.iter().filter(|(name, _)| KEPT.contains(name));
    let ours: (&[u8], &[u8]) = (b"x-rekey-operation", FETCH.as_bytes());
    let headers: Vec<(&[u8], &[u8])> = kept.chain(path).chain([ours]).collect();
    host::set_request_headers(&headers)
}

/// What the head of an answer says.
pub(crate) struct Back {
    status: u16,
    pub(crate) made_by: MadeBy,
    outcome: Option<String>,
    retry_after: Option<u32>,
}

impl Back {
    pub(crate) fn read(headers: &Headers) -> Self {
        let outcome = text(headers, b"rekey-outcome").map(Into::into);
        // No proxy says this header, so that one look at the host is saved.
        let is_sidecars = outcome.is_some() || host::is_from_upstream().unwrap_or(false);
        Self {
            status: number(headers, b":status").and_then(|n| n.try_into().ok()).unwrap_or(503),
            made_by: if is_sidecars { MadeBy::Sidecar } else { MadeBy::Proxy },
            outcome,
            retry_after: number(headers, b"retry-after").and_then(|n| n.try_into().ok()),
        }
    }

    pub(crate) fn head(&self) -> AnswerHead<'_> {
        let Self { status, made_by, retry_after, .. } = *self;
        AnswerHead { status, made_by, outcome: self.outcome.as_deref(), retry_after }
    }
}

/// Puts our answer's head in the place of the one that came; what the gateway added stays.
pub(crate) fn set_answer_head(
    answer: &Answer,
    came: &Headers,
    length: Option<&str>,
) -> Result<(), HostFault> {
    let status = answer.status.to_string();
    let mut headers: Vec<(&[u8], &[u8])> = Vec::from([(&b":status"[..], status.as_bytes())]);
    headers.extend(answer.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    headers.extend(length.map(|length| (&b"content-length"[..], length.as_bytes())));
    let stays = |name: &[u8]| !REPLACED.contains(&name) && !name.starts_with(b"x-rekey-");
    headers.extend(came.iter().filter(|(name, _)| stays(name)));
    host::set_response_headers(&headers)
}

/// The first value of this header, trimmed, when it is text.
pub(crate) fn text<'h>(headers: &'h Headers, name: &[u8]) -> Option<&'h str> {
    core::str::from_utf8(headers.first(name)?).ok().map(str::trim)
}

pub(crate) fn number(headers: &Headers, name: &[u8]) -> Option<usize> {
    text(headers, name)?.parse().ok()
}
