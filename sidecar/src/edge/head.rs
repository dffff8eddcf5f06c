//! The strictness of a gateway, before a request is anybody's. hyper refuses by itself: bad request lines, folded lines, bad
//! or differing lengths, bad chunks, a coding that does not end in `chunked`; a length beside `chunked` it drops, and nothing
//! that we send on is framed by the client. Invariant: what is addressed here names one host and one path.

use hyper::header::{EXPECT, HOST, HeaderValue, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::http::uri::{Authority, PathAndQuery};
use hyper::{HeaderMap, Method, StatusCode, Uri, Version};

use super::path::normalize;

/// Where a request goes.
#[derive(Debug)]
pub(super) struct Addressed {
    pub(super) host: HeaderValue,
    /// Its path in its one spelling.
    pub(super) target: PathAndQuery,
}

/// Why a request is nobody's. The text is the answer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    /// For metrics.
    pub(super) reason: &'static str,
    pub(super) text: &'static str,
}

const fn refused(status: StatusCode, reason: &'static str, text: &'static str) -> Refused {
    Refused { status, reason, text }
}

const TUNNEL: Refused =
    refused(StatusCode::METHOD_NOT_ALLOWED, "connect", "this is no proxy for tunnels\n");
const OLD: Refused = refused(
    StatusCode::UPGRADE_REQUIRED,
    "version",
    "HTTP/1.1 or HTTP/2 is spoken here (nginx: proxy_http_version 1.1)\n",
);
const NO_HOST: Refused = refused(StatusCode::BAD_REQUEST, "host", "one host must be named\n");
const CODING: Refused =
    refused(StatusCode::NOT_IMPLEMENTED, "coding", "no transfer coding but chunked is known\n");
const EXPECTATION: Refused =
    refused(StatusCode::EXPECTATION_FAILED, "expectation", "only 100-continue can be expected\n");
const PATH: Refused =
    refused(StatusCode::BAD_REQUEST, "path", "the path has more than one meaning\n");

pub(super) fn judge(parts: &Parts) -> Result<Addressed, Refused> {
    if parts.method == Method::CONNECT {
        return Err(TUNNEL);
    }
    if !matches!(parts.version, Version::HTTP_11 | Version::HTTP_2) {
        return Err(OLD);
    }
    let mut codings = parts.headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => {}
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => {}
        _ => return Err(CODING),
    }
    let expected = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"100-continue");
    if !parts.headers.get_all(EXPECT).iter().all(expected) {
        return Err(EXPECTATION);
    }
    Ok(Addressed { host: host(parts)?, target: target(&parts.uri)? })
}

/// The host as one valid authority; that of the target counts, but HTTP/1.1 wants the header as well, once.
fn host(parts: &Parts) -> Result<HeaderValue, Refused> {
    let named = only_host(&parts.headers)?;
    if let Some(header) = named {
        check_authority(header.as_bytes())?;
    }
    match (parts.uri.authority(), named) {
        (None, Some(header)) => Ok(header.clone()),
        (None, None) => Err(NO_HOST),
        (Some(_), None) if parts.version == Version::HTTP_11 => Err(NO_HOST),
        (Some(authority), named) => {
            check_authority(authority.as_str().as_bytes())?;
            let differs = named.is_some_and(|header| header != authority.as_str());
            if differs && parts.version == Version::HTTP_2 {
                return Err(NO_HOST);
            }
            HeaderValue::from_str(authority.as_str()).map_err(|_| NO_HOST)
        }
    }
}

fn only_host(headers: &HeaderMap) -> Result<Option<&HeaderValue>, Refused> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (found, None) => Ok(found),
        _ => Err(NO_HOST),
    }
}

fn check_authority(bytes: &[u8]) -> Result<(), Refused> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_~:[]".contains(byte);
    let good = !bytes.is_empty() && bytes.iter().all(plain) && Authority::try_from(bytes).is_ok();
    good.then_some(()).ok_or(NO_HOST)
}

fn target(uri: &Uri) -> Result<PathAndQuery, Refused> {
    let path = normalize(uri.path()).map_err(|_| PATH)?;
    let query = uri.query();
    if query.is_some_and(|query| !query.bytes().all(|byte| matches!(byte, b'!'..=b'~'))) {
        return Err(PATH);
    }
    match (uri.path_and_query(), path) {
        (Some(whole), std::borrow::Cow::Borrowed(_)) => Ok(whole.clone()),
        (_, path) => {
            let text = query.map_or_else(|| path.to_string(), |query| format!("{path}?{query}"));
            PathAndQuery::try_from(text).map_err(|_| PATH)
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    /// Target, version, headers; host and path, or the reason.
    type Row<'r> = (&'r str, Version, &'r [(&'r str, &'r str)], Result<&'r str, &'r str>);

    fn judged(
        uri: &str,
        version: Version,
        headers: &[(&str, &str)],
    ) -> Result<String, &'static str> {
        let mut request = Request::get(uri).version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let parts = request.body(()).unwrap().into_parts().0;
        let found = judge(&parts).map_err(|refused| refused.reason)?;
        Ok(format!("{}{}", found.host.to_str().unwrap(), found.target))
    }

    #[test]
    fn a_request_names_one_host_and_one_path() {
        let (one, two) = (Version::HTTP_11, Version::HTTP_2);
        let table: [Row<'_>; 19] = [
            ("/a?b", one, &[("host", "h:1")], Ok("h:1/a?b")),
            ("//a/%62?c=//d", one, &[("host", "h")], Ok("h/a/b?c=//d")),
            ("http://a.example/x", one, &[("host", "h")], Ok("a.example/x")),
            ("http://a.example/x", one, &[], Err("host")),
            ("http://u@a.example/x", one, &[("host", "h")], Err("host")),
            ("http://a.example/x", two, &[], Ok("a.example/x")),
            ("http://a.example/x", two, &[("host", "a.example")], Ok("a.example/x")),
            ("http://a.example/x", two, &[("host", "b.example")], Err("host")),
            ("/a", one, &[], Err("host")),
            ("/a", one, &[("host", "")], Err("host")),
            ("/a", one, &[("host", "h"), ("host", "h")], Err("host")),
            ("/a", one, &[("host", "h/b")], Err("host")),
            ("/a", one, &[("host", "h, i")], Err("host")),
            ("/a%2fb", one, &[("host", "h")], Err("path")),
            ("/a?\u{e9}", one, &[("host", "h")], Err("path")),
            ("/a", one, &[("host", "h"), ("transfer-encoding", "gzip, chunked")], Err("coding")),
            ("/a", one, &[("host", "h"), ("transfer-encoding", "Chunked")], Ok("h/a")),
            ("/a", one, &[("host", "h"), ("expect", "more")], Err("expectation")),
            ("/a", Version::HTTP_10, &[("host", "h")], Err("version")),
        ];
        for (uri, version, headers, expected) in table {
            let found = judged(uri, version, headers);
            let found = found.as_deref().map_err(|reason| *reason);
            assert_eq!(found, expected, "{uri} {version:?} {headers:?}");
        }
    }
}
