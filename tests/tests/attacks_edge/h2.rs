//! ATTACKS.md 38 over HTTP/2: a client of 60 lines that encodes headers without compression, so that every byte of them can
//! be wrong. It understands no answer but the end of a stream.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::dialects::{self, Ordinary};
use crate::stand::Stand;

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), body].concat()
}

/// HPACK literals without indexing and without Huffman.
fn block(fields: &Fields) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.push(0);
        for text in [name, value] {
            let mut length = text.len();
            if length < 127 {
                bytes.push(u8::try_from(length).unwrap());
            } else {
                bytes.push(127);
                length -= 127;
                while length >= 128 {
                    bytes.push(u8::try_from(length % 128).unwrap() | 128);
                    length /= 128;
                }
                bytes.push(u8::try_from(length).unwrap());
            }
            bytes.extend(text);
        }
    }
    bytes
}

/// How a stream ended.
#[derive(Debug, PartialEq)]
enum End {
    Answered(Vec<u8>),
    Refused,
}

/// What HTTP/2 forbids is often not answered at all: it is not worth waiting for.
const IMPATIENT: Duration = Duration::from_millis(300);

fn exchange(to: SocketAddr, fields: &Fields, pieces: &[&[u8]], trailers: Option<&Fields>) -> End {
    exchange_for(Duration::from_secs(20), to, fields, pieces, trailers)
}

fn exchange_for(
    patience: Duration,
    to: SocketAddr,
    fields: &Fields,
    pieces: &[&[u8]],
    trailers: Option<&Fields>,
) -> End {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(patience)).unwrap();
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(SETTINGS, 0, 0, &[]));
    let alone = if pieces.is_empty() && trailers.is_none() { END_STREAM } else { 0 };
    bytes.extend(frame(HEADERS, END_HEADERS | alone, 1, &block(fields)));
    for (at, piece) in pieces.iter().enumerate() {
        let last = at + 1 == pieces.len() && trailers.is_none();
        bytes.extend(frame(DATA, u8::from(last), 1, piece));
    }
    if let Some(trailers) = trailers {
        bytes.extend(frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(trailers)));
    }
    let _closed = stream.write_all(&bytes);
    answer(&mut stream)
}

fn answer(stream: &mut TcpStream) -> End {
    let mut body = Vec::new();
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).is_err() {
            return End::Refused;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut rest = vec![0; usize::try_from(length).unwrap()];
        if stream.read_exact(&mut rest).is_err() {
            return End::Refused;
        }
        let (kind, flags) = (head[3], head[4]);
        match kind {
            SETTINGS if flags == 0 => stream.write_all(&frame(SETTINGS, 1, 0, &[])).unwrap(),
            RESET | GOAWAY => return End::Refused,
            DATA => body.extend(rest),
            _ => {}
        }
        if matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
            return End::Answered(body);
        }
    }
}

fn fields(ordinary: &Ordinary, more: &[(&[u8], &[u8])]) -> Fields {
    let mut fields: Fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "g"),
        (":path", ordinary.path),
        ("content-type", "application/json"),
    ]
    .into_iter()
    .chain(dialects::headers(ordinary.path))
    .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
    .collect();
    fields.extend(more.iter().map(|(name, value)| (name.to_vec(), value.to_vec())));
    fields
}

/// HTTP/2 bodies of one piece, of many, without a length, and ended by trailers: understood alike.
#[test]
fn lawful_streams_are_understood() {
    let stand = Stand::start();
    let trailers: Fields = vec![
        (b"x-rekey-operation".to_vec(), b"confirm".to_vec()),
        (b"a".to_vec(), b"\xE9".to_vec()),
    ];
    for ordinary in dialects::ordinary() {
        let body = ordinary.body.as_bytes();
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        let (left, right) = body.split_at(body.len() / 2);
        let length = body.len().to_string();
        for (context, more, pieces, trailers) in [
            ("one piece", vec![], vec![body], None),
            ("a length", vec![(&b"content-length"[..], length.as_bytes())], vec![body], None),
            ("bytes", vec![], bytes, None),
            ("an empty last piece", vec![], vec![left, b"", right, b""], None),
            ("trailers", vec![], vec![left, right], Some(&trailers)),
        ] {
            let end = exchange(stand.addr(), &fields(&ordinary, &more), &pieces, trailers);
            let answered = matches!(&end, End::Answered(body) if !body.is_empty() || ordinary.path.contains("/v2/"));
            assert!(answered, "{context}: {}: {end:?}", ordinary.name);
            assert_eq!(stand.messages().len(), 1, "{context}: {}", ordinary.name);
            stand.holds(context);
        }
    }
    stand.lives("lawful streams");
}

/// ATTACKS.md 38: pseudo headers, names and lengths that an HTTP/2 to HTTP/1.1 gateway can get wrong.
#[test]
fn odd_streams_smuggle_nothing() {
    let stand = Stand::start();
    let odd: [(&[u8], &[u8]); 22] = [
        (b":path", b"/x"),
        (b":path", b"/api/password/reset"),
        (b":method", b"GET"),
        (b":authority", b"evil.example"),
        (b":scheme", b"https"),
        (b":protocol", b"websocket"),
        (b":status", b"200"),
        (b"host", b"evil.example"),
        (b"content-length", b"1"),
        (b"content-length", b"99999"),
        (b"content-length", b"x"),
        (b"transfer-encoding", b"chunked"),
        (b"connection", b"x-rekey-operation"),
        (b"X-Rekey-Operation", b"confirm"),
        (b"x-rekey-operation", b"confirm"),
        (b"x-rekey-operation", b"confirm\r\nx: y"),
        (b"a", b"b\r\n\r\nPOST /api/password/reset HTTP/1.1\r\nhost: g\r\n\r\n"),
        (b"a: b\r\nc", b"d"),
        (b"a", b"\xE9"),
        (b"a", b"\0"),
        (b"", b"x"),
        (b"cookie", b"__Host-rekey_flow=\xE9"),
    ];
    for (name, value) in odd {
        for ordinary in dialects::ordinary() {
            exchange_for(
                IMPATIENT,
                stand.addr(),
                &fields(&ordinary, &[(name, value)]),
                &[ordinary.body.as_bytes()],
                None,
            );
            stand.holds(&String::from_utf8_lossy(name));
        }
    }
    stand.lives("odd streams");
}

/// ATTACKS.md 38: paths that only HTTP/2 can carry.
#[test]
fn odd_paths_smuggle_nothing() {
    let stand = Stand::start();
    for ordinary in dialects::ordinary() {
        for path in [
            format!("{} HTTP/1.1\r\nx: y", ordinary.path),
            format!("{}\t", ordinary.path),
            format!("{} ", ordinary.path),
            format!(" {}", ordinary.path),
            format!("{}#x", ordinary.path),
            format!("{}\u{0}", ordinary.path),
            format!("{}é", ordinary.path),
            format!("http://evil.example{}", ordinary.path),
            ordinary.path.replacen('s', "\u{17f}", 1),
            ordinary.path.trim_start_matches('/').to_owned(),
            String::new(),
        ] {
            let mut fields = fields(&ordinary, &[]);
            fields[3].1 = path.clone().into_bytes();
            exchange_for(IMPATIENT, stand.addr(), &fields, &[ordinary.body.as_bytes()], None);
            stand.holds(&path);
        }
    }
    stand.lives("odd paths");
}

/// A stream without any body, and one that is empty but for trailers.
#[test]
fn streams_without_a_body_are_refused_alive() {
    let stand = Stand::start();
    let trailers: Fields = vec![(b"a".to_vec(), b"b".to_vec())];
    for ordinary in dialects::ordinary() {
        for (pieces, trailers) in [
            (vec![], None),
            (vec![&b""[..]], None),
            (vec![], Some(&trailers)),
            (vec![&b""[..]], Some(&trailers)),
        ] {
            let end = exchange(stand.addr(), &fields(&ordinary, &[]), &pieces, trailers);
            assert!(
                matches!(&end, End::Answered(body) if !body.is_empty()),
                "{}: {end:?}",
                ordinary.name
            );
            assert!(
                stand.sidecar.requests().is_empty() && stand.app.requests().is_empty(),
                "{}",
                ordinary.name
            );
        }
    }
    stand.lives("streams without a body");
}
