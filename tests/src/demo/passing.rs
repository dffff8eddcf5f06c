//! Comparing bytes: two answers that must be alike, and a request that must pass unchanged.

use crate::http::{Call, Reply};
use crate::stage::Received;

/// What Envoy adds to every request that it passes on.
const ADDED: [&str; 7] = [
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-envoy-internal",
    "x-envoy-external-address",
    "x-envoy-expected-rq-timeout-ms",
    "x-request-id",
    "x-envoy-original-path",
];

/// Whether two answers are one, but for what differs between any two: date, request id, cookie value, time taken.
///
/// # Errors
/// In what they differ.
pub(super) fn alike(one: &Reply, other: &Reply) -> Result<(), String> {
    let (one, other) = (bare(one), bare(other));
    if one == other { Ok(()) } else { Err(format!("{one:?} and {other:?}")) }
}

fn bare(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let request = reply.header("x-request-id").unwrap_or_default();
    let headers = reply.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value).into_owned();
        let kept = match name.as_str() {
            "date" | "x-envoy-upstream-service-time" | "x-request-id" => String::new(),
            "set-cookie" => drawn_aside(&value),
            _ => value,
        };
        (name.clone(), kept)
    });
    let headers = headers.collect();
    let body = reply.text();
    let body = if request.is_empty() { body } else { body.replace(&request, "{request}") };
    (reply.status, headers, body)
}

/// A cookie without its random value; its length stays.
fn drawn_aside(cookie: &str) -> String {
    let end = cookie.find(';').unwrap_or(cookie.len());
    let start = cookie.find('=').map_or(0, |at| at + 1);
    format!("{}{}{}", &cookie[..start], "?".repeat(end.saturating_sub(start)), &cookie[end..])
}

/// Whether what arrived is what was sent: method, target, headers in their order, body.
///
/// # Errors
/// What differs.
pub(super) fn unchanged(sent: &Call, arrived: &Received) -> Result<(), String> {
    let authority = arrived.header("host").unwrap_or_default();
    let bytes = sent.to_bytes(&authority);
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
    let (head, body) = (&bytes[..end], bytes.get(end + 4..).unwrap_or_default());
    let head = String::from_utf8_lossy(head).into_owned();
    let mut lines = head.split("\r\n");
    let line = format!("{} {} HTTP/1.1", arrived.method, arrived.target);
    if lines.next() != Some(line.as_str()) {
        return Err(format!("{line} arrived"));
    }
    let sent: Vec<String> = lines.map(lowered).collect();
    let came: Vec<String> = arrived
        .headers
        .iter()
        .filter(|(name, _)| !ADDED.contains(&name.to_ascii_lowercase().as_str()))
        .map(|(name, value)| lowered(&format!("{name}: {}", String::from_utf8_lossy(value))))
        .collect();
    if sent != came {
        return Err(format!("the headers {came:?} arrived instead of {sent:?}"));
    }
    if arrived.body != body {
        return Err(format!("the body {:?} arrived", arrived.text()));
    }
    Ok(())
}

/// The name in lower case: HTTP/2 and Envoy write it so, and nobody may care.
fn lowered(line: &str) -> String {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    format!("{}: {}", name.to_ascii_lowercase(), value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(headers: &[(&str, &str)], body: &str) -> Reply {
        let field = |(name, value): &(&str, &str)| ((*name).to_owned(), value.as_bytes().to_vec());
        Reply {
            status: 200,
            headers: headers.iter().map(field).collect(),
            body: body.as_bytes().to_vec(),
            trailers: vec![],
        }
    }

    #[test]
    fn only_what_must_differ_may() {
        let one =
            reply(&[("date", "1"), ("x-request-id", "a"), ("set-cookie", "f=12; Path=/")], "{a}");
        let other =
            reply(&[("date", "2"), ("x-request-id", "b"), ("set-cookie", "f=34; Path=/")], "{b}");
        assert_eq!(alike(&one, &other), Ok(()));
        for different in [
            reply(&[("date", "2"), ("x-request-id", "b"), ("set-cookie", "f=345; Path=/")], "{b}"),
            reply(&[("date", "2"), ("x-request-id", "b")], "{b}"),
            reply(&[("date", "2"), ("x-request-id", "b"), ("set-cookie", "f=34; Path=/")], "{a}"),
        ] {
            assert!(alike(&one, &different).is_err());
        }
    }

    #[test]
    fn a_changed_request_is_seen() {
        let sent = Call::post_json("/x", "{}").header("X-A", "1");
        let field = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
        let arrived = Received {
            method: "POST".to_owned(),
            target: "/x".to_owned(),
            headers: vec![
                field("host", "h"),
                field("content-type", "application/json"),
                field("x-a", "1"),
                field("content-length", "2"),
                field("x-forwarded-for", "127.0.0.1"),
            ],
            body: b"{}".to_vec(),
            trailers: vec![],
            head: vec![],
        };
        assert_eq!(unchanged(&sent, &arrived), Ok(()));
        let body = Received { body: b"{ }".to_vec(), ..arrived.clone() };
        let target = Received { target: "/X".to_owned(), ..arrived.clone() };
        let mut header = arrived;
        header.headers.push(field("x-rekey-operation", "confirm"));
        for changed in [body, target, header] {
            assert!(unchanged(&sent, &changed).is_err());
        }
    }
}
