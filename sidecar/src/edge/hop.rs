//! Headers on their way past us (RFC 9110, 7.6.1). Invariant: what belongs to one connection ends here, nothing named
//! `x-rekey-*` goes on, and everything else keeps its order and its bytes. There is no `Via`: apps that see one compress and
//! cache otherwise, and the gateways in whose place we stand send none.

use std::net::IpAddr;

use hyper::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, Entry, HOST, HeaderName, HeaderValue, UPGRADE,
};
use hyper::{HeaderMap, Version};

use super::client::{FORWARDED_FOR, Peer};

pub(super) const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(super) const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// What we know of a request that goes on to the app.
#[derive(Debug)]
pub(super) struct Passing<'r> {
    pub(super) host: HeaderValue,
    pub(super) peer: &'r Peer,
    /// Whether what the peer says in forwarding headers was said by a proxy of ours.
    pub(super) keeps_forwarded: bool,
    /// A name for a request that has none.
    pub(super) request: Option<HeaderValue>,
    pub(super) version: Version,
    pub(super) is_websocket: bool,
}

/// The headers that the app gets.
pub(super) fn for_app(headers: HeaderMap, passing: &Passing<'_>) -> HeaderMap {
    let named = named_by_connection(&headers);
    let mut out = HeaderMap::with_capacity(headers.len().saturating_add(6));
    if !headers.contains_key(HOST) {
        out.insert(HOST, passing.host.clone());
    }
    let mut forwarded = Vec::new();
    let mut last = None;
    for (name, value) in headers {
        last = name.or(last);
        let Some(name) = &last else { continue };
        match name.as_str() {
            "host" => {
                out.insert(HOST, passing.host.clone());
            }
            "x-forwarded-for" => forwarded.push(value),
            "x-forwarded-proto" if !passing.keeps_forwarded => {}
            "expect" => {}
            "cookie" if passing.version == Version::HTTP_2 => join_cookie(&mut out, value),
            _ if ends_here(name, &named) => {}
            _ => {
                out.append(name.clone(), value);
            }
        }
    }
    let address = passing.peer.address;
    if let Some(line) = forwarded_for(&forwarded, address) {
        out.insert(FORWARDED_FOR, line);
    }
    let scheme = if passing.peer.is_secure { "https" } else { "http" };
    out.entry(FORWARDED_PROTO).or_insert(HeaderValue::from_static(scheme));
    if let (Entry::Vacant(place), Some(request)) = (out.entry(REQUEST_ID), &passing.request) {
        place.insert(request.clone());
    }
    if passing.is_websocket {
        out.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        out.insert(UPGRADE, WEBSOCKET);
    }
    out
}

/// The headers of the app's answer that the client gets.
pub(super) fn for_client(headers: HeaderMap) -> HeaderMap {
    let named = named_by_connection(&headers);
    // Answers seldom have any such header; then there is nothing to move.
    if !headers.keys().any(|name| ends_here(name, &named)) {
        return headers;
    }
    let mut out = HeaderMap::with_capacity(headers.len());
    let mut last = None;
    for (name, value) in headers {
        last = name.or(last);
        if let Some(name) = last.as_ref().filter(|name| !ends_here(name, &named)) {
            out.append(name.clone(), value);
        }
    }
    out
}

/// Trailers, of which the framing ones and ours end here.
pub(super) fn trailers(headers: &mut HeaderMap) {
    let ours: Vec<HeaderName> =
        headers.keys().filter(|name| ends_here(name, &[])).cloned().collect();
    for name in ours {
        headers.remove(name);
    }
}

fn ends_here(name: &HeaderName, named: &[HeaderName]) -> bool {
    let text = name.as_str();
    let hop = matches!(
        text,
        "connection" | "keep-alive" | "proxy-connection" | "te" | "transfer-encoding" | "upgrade"
    );
    hop || text.starts_with("x-rekey-") || named.contains(name)
}

/// What `Connection` names beside its own options; framing and host are nobody's to take away.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let lines = headers.get_all(CONNECTION).iter().filter_map(|line| line.to_str().ok());
    let names = lines.flat_map(|line| line.split(',')).map(str::trim);
    names
        .filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
        .filter(|name| name != CONTENT_LENGTH && name != HOST)
        .collect()
}

/// HTTP/2 may split a cookie header; HTTP/1.1 has one (RFC 9113, 8.2.3).
fn join_cookie(out: &mut HeaderMap, value: HeaderValue) {
    let joined =
        out.get(COOKIE).map(|before| [before.as_bytes(), b"; ", value.as_bytes()].concat());
    let joined = joined.and_then(|bytes| HeaderValue::from_bytes(&bytes).ok());
    out.insert(COOKIE, joined.unwrap_or(value));
}

/// What the client sent of it, and the address of who sent it to us.
fn forwarded_for(before: &[HeaderValue], peer: Option<IpAddr>) -> Option<HeaderValue> {
    let peer = peer.map(|address| address.to_string());
    let lines = before.iter().map(HeaderValue::as_bytes).chain(peer.as_ref().map(String::as_bytes));
    let lines: Vec<&[u8]> = lines.filter(|line| !line.is_empty()).collect();
    (!lines.is_empty()).then(|| HeaderValue::from_bytes(&lines.join(&b", "[..])).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(*name, HeaderValue::from_static(value));
        }
        map
    }

    fn lines(map: &HeaderMap) -> Vec<String> {
        map.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect()
    }

    fn passing(peer: &Peer) -> Passing<'_> {
        Passing {
            host: HeaderValue::from_static("h"),
            peer,
            keeps_forwarded: false,
            request: Some(HeaderValue::from_static("r")),
            version: Version::HTTP_11,
            is_websocket: false,
        }
    }

    #[test]
    fn what_belongs_to_a_connection_ends_here() {
        let peer = Peer { address: Some("192.0.2.7".parse().unwrap()), ..Peer::default() };
        let sent = map(&[
            ("a", "1"),
            ("connection", "close, x-own, host, content-length"),
            ("x-own", "2"),
            ("host", "other"),
            ("te", "trailers"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("x-rekey-operation", "confirm"),
            ("cookie", "a=b"),
            ("cookie", "c=d"),
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-for", "2.2.2.2"),
            ("x-forwarded-proto", "https"),
            ("content-length", "4"),
            ("b", ""),
            ("upgrade", "h2c"),
            ("expect", "100-continue"),
            ("b", "3"),
        ]);
        assert_eq!(
            lines(&for_app(sent, &passing(&peer))),
            [
                "a: 1",
                "host: h",
                "cookie: a=b",
                "cookie: c=d",
                "content-length: 4",
                "b: ",
                "b: 3",
                "x-forwarded-for: 1.1.1.1, 2.2.2.2, 192.0.2.7",
                "x-forwarded-proto: http",
                "x-request-id: r",
            ]
        );
    }

    #[test]
    fn a_proxy_of_ours_is_believed_and_http2_is_translated() {
        let peer = Peer { is_secure: true, ..Peer::local() };
        let sent = map(&[("cookie", "a=b"), ("cookie", "c=d"), ("x-request-id", "mine")]);
        let two = Passing { version: Version::HTTP_2, ..passing(&peer) };
        assert_eq!(
            lines(&for_app(sent, &two)),
            ["host: h", "cookie: a=b; c=d", "x-request-id: mine", "x-forwarded-proto: https"]
        );
        let sent = map(&[("x-forwarded-proto", "ftp"), ("upgrade", "websocket")]);
        let kept = Passing { keeps_forwarded: true, is_websocket: true, ..passing(&peer) };
        assert_eq!(
            lines(&for_app(sent, &kept)),
            [
                "host: h",
                "x-forwarded-proto: ftp",
                "x-request-id: r",
                "connection: upgrade",
                "upgrade: websocket"
            ]
        );
    }

    #[test]
    fn answers_lose_what_belongs_to_the_apps_connection() {
        let sent = map(&[
            ("a", "1"),
            ("connection", "x"),
            ("x", "2"),
            ("set-cookie", "a"),
            ("set-cookie", "b"),
        ]);
        assert_eq!(lines(&for_client(sent)), ["a: 1", "set-cookie: a", "set-cookie: b"]);
        let mut found = map(&[("sum", "1"), ("x-rekey-a", "2"), ("transfer-encoding", "x")]);
        trailers(&mut found);
        assert_eq!(lines(&found), ["sum: 1"]);
    }
}
