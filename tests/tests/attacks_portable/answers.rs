//! ATTACKS.md 35, 40: answers whose body contradicts their head, when the head is out already.

use rekey_tests::stage::{Answer, Reaction};

use crate::dialects::{self, assert_busy};
use crate::stand::Stand;

/// At once, because Envoy takes a second for each to close its connection.
fn all_broken_off(stand: &Stand, context: &str) {
    let addr = stand.addr();
    std::thread::scope(|scope| {
        for ordinary in dialects::ordinary() {
            scope.spawn(move || {
                let reply = ordinary.call.send(addr);
                assert!(reply.is_err(), "{}: {context}: {reply:?}", ordinary.name);
            });
        }
    });
}

/// The client must not take for "done" what was none: the stream is reset, nothing of the body leaves, the VM lives.
#[test]
fn an_answer_that_contradicts_its_head_is_reset() {
    let stand = Stand::start();
    for body in [
        r#"{"code":"busy","retry_after":5}"#,
        r#"{"outcome":"granted","token":"a1b2","expires_in":300}"#,
        r#"{"outcome":"reset"} and more"#,
        "<html>reset</html>",
    ] {
        let code = if body.contains("granted") { "unsigned" } else { "throttled" };
        stand.sidecar_does(move |_| {
            Reaction::Answer(Answer::json(200, body).header("rekey-outcome", code))
        });
        all_broken_off(&stand, body);
        stand.holds(body);
        stand.sidecar_is_kind();
        stand.lives(body);
    }
}

/// A sidecar that announces what it never says is cut off by the route's time-out or by its own end.
#[test]
fn an_answer_that_breaks_off_is_broken_off() {
    let stand = Stand::start();
    stand.sidecar_does(|_| {
        let head = "HTTP/1.1 200 OK\r\nrekey-outcome: busy\r\ncontent-length: 100\r\n\r\n";
        Reaction::Raw(format!("{head}{{\"code\":").into_bytes())
    });
    all_broken_off(&stand, "an answer that breaks off");
    stand.sidecar_is_kind();
    stand.lives("an answer that breaks off");
}

/// What is not believed by its head has not begun: the whole answer is the dialect's own.
#[test]
fn an_outcome_that_does_not_fit_is_busy() {
    let stand = Stand::start();
    for code in ["done", "keys", "method_not_allowed", "RESET", "reset, reset", ""] {
        stand.sidecar_does(move |_| {
            let answer = Answer::json(200, r#"{"outcome":"reset"}"#);
            Reaction::Answer(answer.header("rekey-outcome", code))
        });
        for ordinary in dialects::ordinary() {
            let reply = ordinary.call.send(stand.addr()).unwrap();
            assert_busy(ordinary.path, &reply, code);
        }
    }
    stand.sidecar_is_kind();
    stand.lives("outcomes that do not fit");
}
