//! The answers' shapes. Invariant: no answer can be cached unless it says so itself, and a 5xx is a constant.

use contract::outcome::{Outcome, Refusal};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};

pub(crate) type Reply = Response<Full<Bytes>>;

const REKEY_OUTCOME: HeaderName = HeaderName::from_static("rekey-outcome");

/// Seconds after which a client may come back when something of ours failed.
const RETRY: u32 = 5;

pub(crate) fn plain(status: StatusCode, text: &'static str) -> Reply {
    let mut reply = Response::new(Full::from(text));
    *reply.status_mut() = status;
    set(&mut reply, CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    sealed(reply)
}

pub(crate) fn not_found() -> Reply {
    plain(StatusCode::NOT_FOUND, "not found\n")
}

pub(crate) fn not_allowed(allow: &'static str) -> Reply {
    let mut reply = plain(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
    set(&mut reply, ALLOW, HeaderValue::from_static(allow));
    reply
}

pub(super) fn found(location: &str) -> Reply {
    let Ok(location) = HeaderValue::from_str(location) else {
        return not_found();
    };
    let mut reply = plain(StatusCode::FOUND, "");
    set(&mut reply, LOCATION, location);
    reply
}

/// A document that may be kept for `seconds` by anybody.
pub(crate) fn document(body: String, kind: &'static str, seconds: u32) -> Reply {
    let mut reply = sealed(Response::new(Full::from(body)));
    set(&mut reply, CONTENT_TYPE, HeaderValue::from_static(kind));
    let kept = HeaderValue::try_from(format!("public, max-age={seconds}"));
    if let Ok(kept) = kept {
        set(&mut reply, CACHE_CONTROL, kept);
    }
    reply
}

/// A canonical answer.
pub(super) fn canonical(outcome: &Outcome, instance: &str) -> Reply {
    let mut reply = Response::new(Full::from(outcome.encode(instance)));
    *reply.status_mut() =
        StatusCode::from_u16(outcome.status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    set(&mut reply, CONTENT_TYPE, HeaderValue::from_static(outcome.content_type()));
    set(&mut reply, REKEY_OUTCOME, HeaderValue::from_static(outcome.code()));
    if let Outcome::Refused(refusal) = outcome
        && let Some(seconds) = refusal.retry_after()
    {
        set(&mut reply, RETRY_AFTER, HeaderValue::from(seconds));
    }
    sealed(reply)
}

/// Something of ours failed.
pub(super) fn busy() -> Reply {
    canonical(&Outcome::Refused(Refusal::Busy { retry_after: RETRY }), "-")
}

fn sealed(mut reply: Reply) -> Reply {
    set(&mut reply, CACHE_CONTROL, HeaderValue::from_static("no-store"));
    set(&mut reply, X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    reply
}

fn set(reply: &mut Reply, name: HeaderName, value: HeaderValue) {
    reply.headers_mut().insert(name, value);
}
