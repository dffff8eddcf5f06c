//! ATTACKS.md 40: the gateway dies in the middle; clients are slow, leave, or do not wait.

use rekey_tests::http::Line;
use rekey_tests::stage::Reaction;

use crate::stand::Stand;
use crate::{dialects, gateway};

/// Killed while requests are under way: the clients learn it, the app saw nothing, and the next one on the same port works.
#[test]
fn a_gateway_killed_in_the_middle_leaves_nothing_behind() {
    let mut stand = Stand::start();
    stand.sidecar_does(|_| Reaction::Silence);
    let mut lines: Vec<Line> = dialects::ordinary()
        .into_iter()
        .map(|ordinary| {
            let mut line = Line::connect(stand.addr()).unwrap();
            line.write(&ordinary.call.to_bytes("g")).unwrap();
            line
        })
        .collect();
    let mut half = Line::connect(stand.addr()).unwrap();
    let bytes = dialects::ordinary()[0].call.to_bytes("g");
    half.write(&bytes[..bytes.len() - 5]).unwrap();
    stand.sidecar.wait_for(lines.len()).unwrap();
    stand.gateway.kill();
    lines.push(half);
    for mut line in lines {
        assert!(line.reply(false).is_err(), "an answer from a dead gateway");
    }
    assert!(stand.app.requests().is_empty());
    stand.sidecar.clear();
    stand.sidecar_is_kind();
    stand.gateway.start_again();
    stand.lives("after a restart");
}

/// Clients that go away in every phase of an exchange leave the VM alive and nothing at the app.
#[test]
fn clients_that_leave_do_no_harm() {
    let stand = Stand::start();
    stand.sidecar_does(|_| Reaction::Silence);
    for ordinary in dialects::ordinary() {
        let bytes = ordinary.call.to_bytes("g");
        let body = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        for end in [1, body - 1, body, body + 1, bytes.len() - 1, bytes.len()] {
            let mut line = Line::connect(stand.addr()).unwrap();
            line.write(&bytes[..end]).unwrap();
            drop(line);
        }
    }
    stand.sidecar_is_kind();
    stand.lives("clients that left");
}

/// A body that comes one byte at a time is read all the same.
#[test]
fn a_slow_body_is_read() {
    let stand = Stand::start();
    for ordinary in dialects::ordinary() {
        let bytes = ordinary.call.to_bytes("g");
        let mut line = Line::connect(stand.addr()).unwrap();
        for byte in bytes.chunks(1) {
            line.write(byte).unwrap();
        }
        assert_eq!(line.reply(false).unwrap().status, ordinary.status, "{}", ordinary.name);
    }
    assert_eq!(stand.messages().len(), dialects::ordinary().len());
    stand.lives("slow bodies");
}

/// Many requests behind each other on one connection, sent without waiting.
#[test]
fn pipelined_requests_are_each_judged() {
    let stand = Stand::start();
    let foreign = dialects::post("/api/verify/email", r#"{"state":"register"}"#);
    let mut line = Line::connect(stand.addr()).unwrap();
    let (mut all, mut expected) = (Vec::new(), Vec::new());
    for ordinary in dialects::ordinary() {
        all.extend(ordinary.call.to_bytes("g"));
        all.extend(foreign.to_bytes("g"));
        expected.extend([ordinary.status, 200]);
    }
    line.write(&all).unwrap();
    for status in expected {
        assert_eq!(line.reply(false).unwrap().status, status);
    }
    assert_eq!(stand.messages().len(), dialects::ordinary().len());
    let passed = if gateway::SHARES_CALLS { dialects::ordinary().len() } else { 0 };
    assert_eq!(stand.app.requests().len(), passed);
    stand.lives("pipelining");
}
