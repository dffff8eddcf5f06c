//! Pages of other origins: which may call, and the headers that tell their browsers (Fetch standard).
//! Invariant: an origin is compared whole and to the byte; no request byte is ever reflected.

use alloc::{string::String, vec::Vec};

use crate::edge::Head;
use crate::outcome::Refusal;

const REQUEST_HEADERS: &str = "authorization, client-id, client_id, content-type, x-agent, x-authing-app-id, \
x-authing-lang, x-client-id, x-device-fingerprint, x-device-ip, x-genauth-app-id, x-genauth-lang, x-l, \
x-operating-sys-version, x-tenant-id";

/// The origin of the request when it is one of `known`.
pub(super) fn allowed<'k>(head: &Head, known: impl Iterator<Item = &'k str>) -> Option<String> {
    let origin = head.text("origin")?;
    let mut known = known;
    known.find(|candidate| *candidate == origin).map(Into::into)
}

/// Refuses what another site's page sent.
pub(super) fn check(head: &Head, allowed: Option<&str>) -> Result<(), Refusal> {
    let cross_site = head.has("sec-fetch-site")
        && head.text("sec-fetch-site").is_none_or(|site| site.eq_ignore_ascii_case("cross-site"));
    let unknown_origin = head.has("origin") && allowed.is_none();
    if cross_site || unknown_origin {
        return Err(Refusal::OriginRefused);
    }
    Ok(())
}

pub(super) fn is_preflight(head: &Head) -> bool {
    head.method() == "OPTIONS" && head.has("origin") && head.has("access-control-request-method")
}

/// The headers of an answer that a page may read.
pub(super) fn headers(origin: Option<&str>) -> Vec<(&'static str, String)> {
    let mut headers = Vec::from([("vary", "Origin".into())]);
    if let Some(origin) = origin {
        headers.push(("access-control-allow-origin", origin.into()));
        headers.push(("access-control-allow-credentials", "true".into()));
        headers.push(("access-control-expose-headers", "retry-after, x-request-id".into()));
    }
    headers
}

/// The further headers of a preflight's answer.
pub(super) fn preflight(methods: &str) -> [(&'static str, String); 3] {
    [
        ("access-control-allow-methods", methods.into()),
        ("access-control-allow-headers", REQUEST_HEADERS.into()),
        ("access-control-max-age", "600".into()),
    ]
}
