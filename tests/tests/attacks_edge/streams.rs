//! ATTACKS.md 40: clients that are slow, leave, or do not wait.

use rekey_tests::http::Line;
use rekey_tests::stage::Reaction;

use crate::dialects;
use crate::stand::Stand;

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
    assert_eq!(stand.app.requests().len(), dialects::ordinary().len());
    stand.lives("pipelining");
}
