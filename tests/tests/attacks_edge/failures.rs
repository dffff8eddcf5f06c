//! ATTACKS.md 40, invariant 1: what fails behind the filter is refused in the dialect's own words, and goes on afterwards.

use rekey_tests::stage::{Answer, Reaction, Received};

use crate::dialects::{self, assert_busy};
use crate::stand::Stand;

fn raw(text: &str) -> Reaction {
    Reaction::Raw(text.as_bytes().to_vec())
}

/// Every dialect says "busy" while the sidecar does this, and works again afterwards.
fn all_busy(context: &str, react: impl Fn(&Received) -> Reaction + Send + Sync + 'static) {
    let stand = Stand::start();
    stand.sidecar_does(react);
    for ordinary in dialects::ordinary() {
        let reply = ordinary.call.send(stand.addr()).unwrap();
        assert_busy(ordinary.path, &reply, context);
    }
    assert!(stand.app.requests().is_empty(), "{context}");
    stand.holds(context);
    stand.sidecar_is_kind();
    stand.lives(context);
}

/// ATTACKS.md 40
#[test]
fn a_sidecar_that_is_gone_is_busy() {
    let mut stand = Stand::start();
    stand.sidecar.stop();
    for ordinary in dialects::ordinary() {
        let reply = ordinary.call.send(stand.addr()).unwrap();
        assert_busy(ordinary.path, &reply, "a closed port");
    }
    assert!(stand.app.requests().is_empty());
}

/// ATTACKS.md 40
#[test]
fn a_sidecar_that_closes_is_busy() {
    all_busy("closes at once", |_| Reaction::Close);
    all_busy("closes in the head", |_| raw("HTTP/1.1 200 OK\r\ncontent-le"));
    all_busy("closes in the body", |_| {
        raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"outcome\":\"reset\"}")
    });
    all_busy("closes in a chunk", |_| {
        raw(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n13\r\n{\"outcome\":\"reset\"}\r\n",
        )
    });
}

/// ATTACKS.md 40
#[test]
fn a_sidecar_that_speaks_no_http_is_busy() {
    all_busy("garbage", |_| raw("\u{1}\u{2}garbage\r\n\r\n"));
    all_busy("no version", |_| raw("200 OK\r\n\r\n{\"outcome\":\"reset\"}"));
    all_busy("two lengths", |_| {
        raw(
            "HTTP/1.1 200 OK\r\ncontent-length: 19\r\ncontent-length: 3\r\n\r\n{\"outcome\":\"reset\"}",
        )
    });
}

/// ATTACKS.md 40: an answer that is not the sidecar's is never taken for a success, whatever its status.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn an_answer_that_is_not_canonical_is_busy() {
    let stand = Stand::start();
    let html = "<html>reset</html>";
    let large = format!(r#"{{"outcome":"reset","x":"{}"}}"#, "y".repeat(100_000));
    let answers: Vec<(&str, Answer)> = vec![
        (
            "HTML",
            Answer {
                status: 200,
                headers: vec![("content-type".into(), "text/html".into())],
                body: html.into(),
            },
        ),
        ("nothing", Answer { status: 200, headers: vec![], body: vec![] }),
        ("204", Answer { status: 204, headers: vec![], body: vec![] }),
        ("an error of a library", Answer::json(500, "Internal Server Error")),
        ("not found", Answer::json(404, r#"{"code":"not_found"}"#)),
        ("a redirect", Answer::json(302, "").header("location", "http://evil.example/")),
        ("an unknown outcome", Answer::json(200, r#"{"outcome":"other"}"#)),
        ("an outcome twice", Answer::json(200, r#"{"outcome":"reset","outcome":"reset"}"#)),
        ("an outcome that is no text", Answer::json(200, r#"{"outcome":["reset"]}"#)),
        ("a grant without a token", Answer::json(200, r#"{"outcome":"granted","expires_in":1}"#)),
        ("an unknown refusal", Answer::json(400, r#"{"code":"other"}"#)),
        ("a refusal only edges make", Answer::json(404, r#"{"code":"method_not_allowed"}"#)),
        ("trailing data", Answer::json(200, r#"{"outcome":"reset"}{"outcome":"reset"}"#)),
        (
            "a compressed body",
            Answer::json(200, [0x1f, 0x8b, 8, 0, 0]).header("content-encoding", "gzip"),
        ),
        (
            "a cookie",
            Answer::json(200, "x")
                .header("set-cookie", "a=b")
                .header("access-control-allow-origin", "*"),
        ),
        ("more than 64 KiB", Answer::json(200, large.clone())),
        (
            "a header that is not UTF-8",
            Answer::json(503, "x").header("x-a", "é").header("retry-after", "é"),
        ),
    ];
    for (context, answer) in answers {
        let given = answer.clone();
        stand.sidecar_does(move |_| Reaction::Answer(given.clone()));
        for ordinary in dialects::ordinary() {
            let reply = ordinary.call.send(stand.addr()).unwrap();
            assert_busy(ordinary.path, &reply, context);
        }
        stand.holds(context);
        stand.sidecar_is_kind();
        stand.lives(context);
    }
    stand.sidecar_does(move |_| {
        let body = format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
        raw(&format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{body}"))
    });
    for ordinary in dialects::ordinary() {
        let reply = ordinary.call.send(stand.addr()).unwrap();
        assert_busy(ordinary.path, &reply, "more than 64 KiB in chunks");
    }
    stand.sidecar_is_kind();
    stand.lives("more than 64 KiB in chunks");
}

/// ATTACKS.md 39, 40: a sidecar that does not believe the edge: clients are told to come back.
#[test]
fn an_edge_that_is_not_believed_is_busy() {
    let body = r#"{"type":"urn:rekey:problem:unsigned","title":"x","status":401,"code":"unsigned","instance":"i"}"#;
    all_busy("unsigned", move |_| Reaction::Answer(Answer::json(401, body)));
}

/// ATTACKS.md 40: the route's time-out, not the client's patience.
#[test]
fn a_sidecar_that_never_answers_is_busy() {
    let stand = Stand::start();
    stand.sidecar_does(|_| Reaction::Silence);
    std::thread::scope(|scope| {
        for ordinary in dialects::ordinary() {
            let addr = stand.addr();
            scope.spawn(move || {
                let reply = ordinary.call.send(addr).unwrap();
                assert_busy(ordinary.path, &reply, "silence");
            });
        }
    });
    assert!(stand.app.requests().is_empty());
    stand.holds("silence");
    stand.sidecar_is_kind();
    stand.lives("silence");
}

/// ATTACKS.md 40: an answer that begins and never ends.
#[test]
fn a_sidecar_that_stops_in_its_answer_is_busy() {
    let stand = Stand::start();
    stand.sidecar_does(|_| {
        Reaction::Echo(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"outcome\":".to_vec())
    });
    std::thread::scope(|scope| {
        for ordinary in dialects::ordinary() {
            let addr = stand.addr();
            scope.spawn(move || {
                let reply = ordinary.call.send(addr).unwrap();
                assert_busy(ordinary.path, &reply, "half an answer");
            });
        }
    });
    stand.sidecar_is_kind();
    stand.lives("half an answer");
}

/// A retried message has the same bytes, so that the sidecar can know it again.
#[test]
fn a_retry_carries_the_same_message() {
    let stand = Stand::start();
    let first = std::sync::atomic::AtomicBool::new(true);
    stand.sidecar_does(move |request| {
        if first.swap(false, std::sync::atomic::Ordering::SeqCst) {
            return Reaction::Close;
        }
        crate::stand::kindly(request)
    });
    let ordinary = &dialects::ordinary()[0];
    assert_eq!(ordinary.call.send(stand.addr()).unwrap().status, ordinary.status);
    let seen = stand.sidecar.wait_for(2).unwrap();
    assert_eq!((seen.len(), &seen[0].body), (2, &seen[1].body));
    stand.lives("a retry");
}
