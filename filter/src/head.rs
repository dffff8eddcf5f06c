//! What of a head goes on, and what does not. Invariant: nothing that only we may say comes from anybody else.

use crate::host::{self, Headers, HostFault};

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

pub(crate) fn number<N: core::str::FromStr>(headers: &Headers, name: &[u8]) -> Option<N> {
    let (_, value) = headers.iter().find(|(known, _)| known == name)?;
    core::str::from_utf8(value).ok()?.trim().parse().ok()
}
