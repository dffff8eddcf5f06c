//! ATTACKS.md 38: requests that are framed or spelt oddly. After each the next ordinary request works, the app saw no
//! reset, and the sidecar nothing that our edge did not sign.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rekey_tests::http::{Line, send_raw};

use crate::dialects::{self, Ordinary};
use crate::stand::Stand;

pub(crate) type Bytes = Vec<u8>;

const HOST: &[u8] = b"host: g";
const JSON: &[u8] = b"content-type: application/json";
pub(crate) const CHUNKED: &[u8] = b"transfer-encoding: chunked";

fn head(ordinary: &Ordinary, version: &str, lines: &[&[u8]]) -> Bytes {
    let mut bytes = format!("POST {} {version}\r\n", ordinary.path).into_bytes();
    for (name, value) in dialects::headers(ordinary.path) {
        bytes.extend(format!("{name}: {value}\r\n").into_bytes());
    }
    for line in lines {
        bytes.extend(*line);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"\r\n");
    bytes
}

/// An ordinary request with more header lines.
pub(crate) fn with(ordinary: &Ordinary, lines: &[&[u8]]) -> Bytes {
    let length = format!("content-length: {}", ordinary.body.len());
    let lines = [&[HOST, JSON, length.as_bytes()], lines].concat();
    [head(ordinary, "HTTP/1.1", &lines).as_slice(), ordinary.body.as_bytes()].concat()
}

/// An ordinary request with these instead of its length.
pub(crate) fn framed(ordinary: &Ordinary, lines: &[&[u8]], rest: &[u8]) -> Bytes {
    [head(ordinary, "HTTP/1.1", &[&[HOST, JSON], lines].concat()).as_slice(), rest].concat()
}

pub(crate) fn chunks(body: &str, size: usize, end: &str) -> Bytes {
    let pieces = body.as_bytes().chunks(size);
    let mut bytes: Bytes = pieces
        .flat_map(|piece| [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat())
        .collect();
    bytes.extend(end.as_bytes());
    bytes
}

/// Sends bytes and gives whatever comes first, or nothing: a gateway may wait for more, or close.
pub(crate) fn poke(stand: &Stand, bytes: &[u8]) -> Bytes {
    let mut stream = TcpStream::connect(stand.addr()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let _closed = stream.write_all(bytes);
    let mut answer = vec![0; 4000];
    let count = stream.read(&mut answer).unwrap_or_default();
    answer.truncate(count);
    answer
}

pub(crate) fn survives(context: &str, make: impl Fn(&Ordinary) -> Bytes) {
    let stand = Stand::start();
    survives_on(&stand, context, make);
}

fn survives_on(stand: &Stand, context: &str, make: impl Fn(&Ordinary) -> Bytes) {
    for ordinary in dialects::ordinary() {
        let answer = poke(stand, &make(&ordinary));
        let text = String::from_utf8_lossy(&answer);
        // Where a VM died the answer has no `vary`, which only our own answers carry.
        let dead = text.starts_with("HTTP/1.1 503") && !text.contains("\r\nvary: ");
        assert!(!dead, "{context}: {}: {text}", ordinary.name);
        stand.holds(context);
    }
    stand.lives(context);
}

/// Every operation is understood, whole, when it is framed so.
fn understood(stand: &Stand, context: &str, make: impl Fn(&Ordinary) -> Bytes) {
    for ordinary in dialects::ordinary() {
        let reply = send_raw(stand.addr(), &make(&ordinary)).unwrap();
        assert_eq!(reply.status, ordinary.status, "{context}: {}: {}", ordinary.name, reply.text());
        assert_eq!(stand.messages().len(), 1, "{context}: {}", ordinary.name);
        stand.holds(context);
    }
    stand.lives(context);
}

/// Framings that HTTP allows: in chunks, with extensions, with trailers, with an expectation.
#[test]
fn lawful_framings_are_understood() {
    let stand = Stand::start();
    for (context, size, end) in [
        ("one chunk", 20_000, "0\r\n\r\n"),
        ("chunks of one byte", 1, "0\r\n\r\n"),
        ("trailers", 20_000, "0\r\ntrailer-a: b\r\n\r\n"),
        (
            "trailers of ours",
            7,
            "0\r\nx-rekey-operation: confirm\r\ncontent-type: text/plain\r\n\r\n",
        ),
        ("trailers not UTF-8", 7, "0\r\na: \u{e9}\r\n\r\n"),
    ] {
        understood(&stand, context, |ordinary| {
            framed(ordinary, &[CHUNKED], &chunks(&ordinary.body, size, end))
        });
    }
    understood(&stand, "a chunk extension", |ordinary| {
        let body = format!("{:x};a=b\r\n{}\r\n0;c\r\n\r\n", ordinary.body.len(), ordinary.body);
        framed(ordinary, &[CHUNKED], body.as_bytes())
    });
    understood(&stand, "an expectation", |ordinary| with(ordinary, &[b"expect: 100-continue"]));
    understood(&stand, "identity", |ordinary| with(ordinary, &[b"content-encoding: identity"]));
}

/// Headers with a byte that is no UTF-8: the SDK's own getters would panic.
#[test]
fn headers_that_are_not_utf8_kill_no_vm() {
    let stand = Stand::start();
    for name in [
        "a",
        "accept-language",
        "authorization",
        "client-id",
        "content-encoding",
        "content-type",
        "cookie",
        "forwarded",
        "origin",
        "sec-fetch-site",
        "traceparent",
        "user-agent",
        "x-agent",
        "x-authing-lang",
        "x-client-id",
        "x-device-ip",
        "x-forwarded-for",
        "x-l",
        "x-rekey-operation",
        "x-request-id",
    ] {
        let line = [name.as_bytes(), b": caf\xE9\xFF\x80"].concat();
        survives_on(&stand, name, |ordinary| with(ordinary, &[&line]));
    }
    survives_on(&stand, "host", |ordinary| {
        let length = format!("content-length: {}", ordinary.body.len());
        let head = head(ordinary, "HTTP/1.1", &[b"host: g\xE9", JSON, length.as_bytes()]);
        [head.as_slice(), ordinary.body.as_bytes()].concat()
    });
    survives_on(&stand, "path", |ordinary| {
        let bytes = with(ordinary, &[]);
        let end = bytes.windows(5).position(|five| five == b" HTTP").unwrap();
        [&bytes[..end], b"\xE9", &bytes[end..]].concat()
    });
}

/// Doubled headers: the first is never taken silently.
#[test]
fn doubled_headers_are_never_chosen_from() {
    let stand = Stand::start();
    for line in [
        "content-type: text/plain",
        "content-type: application/json",
        "content-length: 1",
        "host: evil.example",
        "x-request-id: a\r\nx-request-id: b",
        "cookie: __Host-rekey_flow=a\r\ncookie: __Host-rekey_flow=b",
        "content-encoding: gzip\r\ncontent-encoding: identity",
        "origin: http://localhost:3000\r\norigin: http://evil.example",
        "user-agent: a\r\nuser-agent: b",
        "sec-fetch-site: same-origin\r\nsec-fetch-site: cross-site",
    ] {
        survives_on(&stand, line, |ordinary| with(ordinary, &[line.as_bytes()]));
    }
    for ordinary in dialects::ordinary() {
        for line in [
            "content-length: 1",
            "content-encoding: gzip\r\ncontent-encoding: identity",
            "origin: http://localhost:3000\r\norigin: http://evil.example",
        ] {
            poke(&stand, &with(&ordinary, &[line.as_bytes()]));
            assert!(stand.sidecar.requests().is_empty(), "{}: {line}", ordinary.name);
        }
        if ordinary.path.starts_with("/api/verify") || ordinary.path.starts_with("/api/password") {
            continue;
        }
        poke(&stand, &with(&ordinary, &[b"content-type: text/plain"]));
        assert!(stand.sidecar.requests().is_empty(), "{}: two content types", ordinary.name);
    }
}

/// ATTACKS.md 38: lengths and codings that two parsers may read differently.
#[test]
fn ambiguous_lengths_smuggle_nothing() {
    let stand = Stand::start();
    let hidden = "POST /api/password/reset HTTP/1.1\r\nhost: g\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    for lines in [
        "content-length: 4\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 4",
        "content-length: 4\r\ntransfer-encoding: xchunked",
        "content-length: 4\r\ntransfer-encoding: identity",
        "content-length: 4\r\ntransfer-encoding : chunked",
        "content-length: 4\r\ntransfer-encoding:\tchunked",
        "content-length: 4\r\ntransfer-encoding: chunked, identity",
        "content-length: 4\r\ntransfer-encoding: identity, chunked",
        "content-length: 4\r\ntransfer-encoding: chunked\r\ntransfer-encoding: x",
        "content-length: 4\r\nx: y\r\n transfer-encoding: chunked",
        "content-length: 4\ntransfer-encoding: chunked",
        "content-length: 4\rtransfer-encoding: chunked",
        "content-length: 4\r\ntransfer_encoding: chunked",
        "content-length: 4\r\nTE: trailers, chunked",
        "content-length: 0",
        "content-length: +4",
        "content-length: -4",
        "content-length: 0x4",
        "content-length: 4, 4",
        "content-length: 4,100",
        "content-length: 4 4",
        "content-length: 99999999999999999999",
        "content-length: 4\0",
        "content-length:",
        "connection: content-length\r\ncontent-length: 4",
        "connection: transfer-encoding\r\ntransfer-encoding: chunked",
    ] {
        survives_on(&stand, lines, |ordinary| {
            let body = format!("0\r\n\r\n{hidden}");
            framed(ordinary, &[lines.as_bytes()], body.as_bytes())
        });
    }
}

/// ATTACKS.md 38: chunks that end wrongly.
#[test]
fn broken_chunks_smuggle_nothing() {
    let stand = Stand::start();
    let hidden = "POST /api/password/reset HTTP/1.1\r\nhost: g\r\ncontent-length: 2\r\n\r\n{}";
    for body in [
        "0\r\n\r\n",
        "0\r\n",
        "\r\n0\r\n\r\n",
        "-1\r\n\r\n",
        "0x2\r\n{}\r\n0\r\n\r\n",
        "2 \r\n{}\r\n0\r\n\r\n",
        "2\n{}\n0\n\n",
        "2\r\n{}0\r\n\r\n",
        "fffffffffffffffff\r\n{}",
        "3\r\n{}\r\n0\r\n\r\n",
        "2;\n{}\r\n0\r\n\r\n",
        "g\r\n",
        "0;x\r\n\r\n",
        "0\r\ncontent-length: 9\r\n\r\n",
        "0\r\n: x\r\n\r\n",
        "0\r\n:path: /api/password/reset\r\n\r\n",
        "2\r\n{}\r\n00000\r\n\r\n",
    ] {
        survives_on(&stand, body, |ordinary| {
            framed(ordinary, &[CHUNKED], format!("{body}{hidden}").as_bytes())
        });
    }
}

/// ATTACKS.md 38: request lines and heads that parsers read differently.
#[test]
fn odd_heads_smuggle_nothing() {
    let stand = Stand::start();
    for version in
        ["HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "http/1.1", "HTTP/1.1 x", "", "HTTP/1.1\0"]
    {
        survives_on(&stand, version, |ordinary| {
            let length = format!("content-length: {}", ordinary.body.len());
            [
                head(ordinary, version, &[HOST, JSON, length.as_bytes()]).as_slice(),
                ordinary.body.as_bytes(),
            ]
            .concat()
        });
    }
    for line in [
        "a b: c",
        " a: b",
        "a",
        ":a: b",
        "a\0: b",
        "a: b\0",
        "\u{1}: x",
        "a: b\r\n\tc",
        "é: x",
        "a: b\rc: d",
        "__proto__: x",
        "content-length : 2",
    ] {
        survives_on(&stand, line, |ordinary| with(ordinary, &[line.as_bytes()]));
    }
    for (from, to) in [
        ("POST /", "POST  /"),
        ("POST /", "\r\n\r\nPOST /"),
        ("POST /", "POST\t/"),
        ("POST /", "post /"),
        ("POST /", "PO\0ST /"),
        (" HTTP/1.1", "  HTTP/1.1"),
        (" HTTP/1.1", "#x HTTP/1.1"),
        (" HTTP/1.1", " x HTTP/1.1"),
        ("POST /", "POST *"),
        ("POST /", "POST "),
    ] {
        survives_on(&stand, to, |ordinary| {
            let bytes = with(ordinary, &[]);
            String::from_utf8(bytes).unwrap().replacen(from, to, 1).into_bytes()
        });
    }
}

/// A connection that was used for anything else serves the next call.
#[test]
fn kept_connections_serve_on() {
    let stand = Stand::start();
    let mut line = Line::connect(stand.addr()).unwrap();
    for ordinary in dialects::ordinary() {
        for bytes in [with(&ordinary, &[]), b"GET /x HTTP/1.1\r\nhost: g\r\n\r\n".to_vec()] {
            line.write(&bytes).unwrap();
            assert!(line.reply(false).unwrap().status < 300, "{}", ordinary.name);
        }
    }
    stand.lives("a kept connection");
}
