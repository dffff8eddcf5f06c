//! What `rekey edge` waits for, and how long; and what it carries through beside bodies.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rekey_tests::http::{Call, Line, send_raw};
use rekey_tests::stage::{Answer, Edge, EdgeOptions, Reaction, Server, until};

const KEY: &str = "9f3c1b7ae04d58622c91d3f8a7b6405e1d2cf9083b64a75e8812c06fd4a93b57";
const SWITCHED: &[u8] =
    b"HTTP/1.1 101 .\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\n\r\n";
/// More than sockets and buffers on the way take.
const LARGE: usize = 64 * 1024 * 1024;

/// An edge before an app that is told what to do, with no sidecar behind it.
struct Stand {
    app: Server,
    edge: Edge,
}

impl Stand {
    fn with(lines: &str) -> Self {
        let app = Server::start(|request| match request.target.as_str() {
            "/socket" => Reaction::Echo(SWITCHED.to_vec()),
            "/large" => Reaction::Answer(Answer::json(200, vec![b'x'; LARGE])),
            _ => Reaction::Answer(Answer::json(200, "{}")),
        })
        .unwrap();
        let mut options = EdgeOptions::new(app.addr(), app.addr(), KEY).unwrap();
        lines.clone_into(&mut options.lines);
        Self { edge: Edge::start(&options).unwrap(), app }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.edge.addr()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }
}

/// What comes before the end, whatever end that is.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _reset = stream.read_to_end(&mut bytes);
    bytes
}

#[test]
fn a_head_that_comes_slowly_is_not_waited_for() {
    let stand = Stand::with("head_timeout = \"1s\"");
    let (mut slow, begun) = (stand.connect(), Instant::now());
    slow.write_all(b"GET /x HTTP/1.1\r\nhost: g\r\n").unwrap();
    assert_eq!(rest(&mut slow), b"");
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(9), "{took:?}");
    assert!(stand.app.requests().is_empty());
}

/// The answer is the dialect's, and a connection that is out of step ends.
#[test]
fn a_body_of_ours_that_comes_slowly_is_not_waited_for() {
    let stand = Stand::with("body_timeout = \"1s\"");
    let mut slow = Line::connect(stand.edge.addr()).unwrap();
    let head = "POST /reset/v1/initiate HTTP/1.1\r\nhost: g\r\ncontent-type: application/json\r\ncontent-length: 40\r\n\r\n{\"channel\":";
    slow.write(head.as_bytes()).unwrap();
    let reply = slow.reply(false).unwrap();
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("\"code\":\"malformed\""), "{}", reply.text());
    assert!(stand.app.requests().is_empty());
}

/// It holds the only place until it is given up; then the next one is served.
#[test]
fn a_reader_that_takes_nothing_is_given_up() {
    let stand = Stand::with("idle = \"1s\"\nconnections = 1");
    let mut stalled = stand.connect();
    stalled.write_all(&Call::get("/large").to_bytes("g")).unwrap();
    stand.app.wait_for(1).unwrap();
    assert_eq!(Call::get("/x").send(stand.edge.addr()).unwrap().status, 200);
    assert!(rest(&mut stalled).len() < LARGE);
}

#[test]
fn tunnels_are_counted_beside_connections() {
    let stand = Stand::with("tunnels = 1");
    let dig = || {
        let mut line = Line::connect(stand.edge.addr()).unwrap();
        let call = Call::get("/socket").header("connection", "upgrade");
        line.write(&call.header("upgrade", "websocket").to_bytes("g")).unwrap();
        let status = line.reply(false).unwrap().status;
        (status, line)
    };
    let (status, mut first) = dig();
    assert_eq!(status, 101);
    first.write(b"echo").unwrap();
    assert_eq!(first.bytes(4).unwrap(), b"echo");
    assert_eq!(dig().0, 503);
    assert_eq!(Call::get("/x").send(stand.edge.addr()).unwrap().status, 200);
    drop(first);
    until("a place for another tunnel", || Ok((dig().0 == 101).then_some(()))).unwrap();
}

/// Those that are announced, as HTTP/1.1 wants it; framing and our own names end here.
#[test]
fn trailers_of_a_request_reach_the_app() {
    let stand = Stand::with("");
    let request = "POST /x HTTP/1.1\r\nhost: g\r\ntrailer: x-sum, x-rekey-operation\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 7\r\nx-rekey-operation: confirm\r\n\r\n";
    assert_eq!(send_raw(stand.edge.addr(), request.as_bytes()).unwrap().status, 200);
    let seen = stand.app.requests().pop().unwrap();
    assert_eq!(seen.text(), "abc");
    assert_eq!(seen.trailers, [("x-sum".to_owned(), b"7".to_vec())]);
}

/// RFC 9112 (6.3) lets the length be dropped; nothing behind the body is taken for a request.
#[test]
fn a_length_beside_chunks_has_no_say() {
    let stand = Stand::with("");
    for lengths in [
        "content-length: 3\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 90",
    ] {
        let request = format!(
            "POST /x HTTP/1.1\r\nhost: g\r\nconnection: close\r\n{lengths}\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: g\r\n\r\n"
        );
        let reply = send_raw(stand.edge.addr(), request.as_bytes()).unwrap();
        assert!([200, 400].contains(&reply.status), "{lengths}: {}", reply.status);
        for seen in stand.app.requests() {
            assert_eq!((seen.target.as_str(), seen.text().as_str()), ("/x", "abc"), "{lengths}");
            assert!(seen.header("content-length").is_none(), "{lengths}");
        }
    }
}
