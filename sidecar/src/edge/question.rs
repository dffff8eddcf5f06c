//! What a sidecar is asked. Invariant: beside our own words it holds traces and the scheme, and nothing else of the client's.

use contract::edge::{FETCH, Forward};
use contract::name::Name;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};

use super::hop::{FORWARDED_PROTO, REQUEST_ID};

const OPERATION: HeaderName = HeaderName::from_static("x-rekey-operation");
/// Where the public keys are.
const KEYS: &str = "/v1/keys";
/// Traces, which go on to the sidecar.
const TRACES: [&str; 3] = ["traceparent", "tracestate", "x-b3-traceid"];

#[derive(Debug)]
pub(super) struct Question {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Question {
    /// Whether the sidecar is ready; said by the listener that takes messages.
    pub(super) fn health() -> Self {
        let mut headers = HeaderMap::with_capacity(1);
        headers.insert(HOST, HeaderValue::from_static("rekey"));
        Self { method: Method::GET, path: "/readyz", headers, body: Bytes::new() }
    }

    /// A signed message.
    pub(super) fn message(forward: Forward, parts: &Parts, request: &Name) -> Self {
        let mut headers = headers(forward.operation.as_str(), parts, request);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/vnd.rekey"));
        let path = forward.operation.path();
        Self { method: Method::POST, path, headers, body: forward.body.into() }
    }

    /// The public keys. A HEAD asks by GET as well, so that the answer's length is known.
    pub(super) fn keys(parts: &Parts, request: &Name) -> Self {
        let headers = headers(FETCH, parts, request);
        Self { method: Method::GET, path: KEYS, headers, body: Bytes::new() }
    }
}

fn headers(operation: &'static str, parts: &Parts, request: &Name) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(HOST, HeaderValue::from_static("rekey"));
    headers.insert(OPERATION, HeaderValue::from_static(operation));
    if let Ok(name) = HeaderValue::from_str(request.as_str()) {
        headers.insert(REQUEST_ID, name);
    }
    let kept = |name: &HeaderName| name == FORWARDED_PROTO || TRACES.contains(&name.as_str());
    for (name, value) in parts.headers.iter().filter(|(name, _)| kept(name)) {
        headers.append(name.clone(), value.clone());
    }
    headers
}
