//! ATTACKS.md 40, invariant 10: what only Envoy has: its own limit, and a successor on the same port.

use rekey_tests::http::Line;
use rekey_tests::stage::{Limits, Reaction};

use crate::dialects::{self, assert_throttled};
use crate::gateway::Gateway;
use crate::stand::Stand;

/// Killed while requests are under way: the clients learn it, the app saw nothing, and the next Envoy on the same port works.
#[test]
fn an_envoy_killed_in_the_middle_leaves_nothing_behind() {
    let mut stand = Stand::start();
    let port = stand.addr().port();
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
    let mut options = stand.options.clone();
    options.port = Some(port);
    stand.gateway = Gateway::start(&options);
    stand.lives("after a restart");
}

/// Invariant 10: the gateway's own limit answers in the dialect's words, and each client has a bucket for each operation.
#[test]
fn the_gateways_limit_speaks_the_dialect() {
    let stand = Stand::with(|mut options| {
        options.limits = Limits::PerMinute(3);
        options
    });
    let mut throttled = std::collections::HashSet::new();
    for round in 0..4 {
        for ordinary in dialects::ordinary() {
            let reply = ordinary.call.send(stand.addr()).unwrap();
            match reply.status {
                429 => {
                    assert_throttled(ordinary.path, &reply);
                    throttled.insert(ordinary.name);
                }
                status => assert_eq!(
                    status,
                    ordinary.status,
                    "round {round}: {}: {}",
                    ordinary.name,
                    reply.text()
                ),
            }
        }
    }
    assert_eq!(throttled.len(), dialects::ordinary().len(), "{throttled:?}");
    assert!(stand.sidecar.requests().len() <= 9, "three operations, three each");
    let foreign =
        dialects::post("/api/verify/email", r#"{"state":"register"}"#).send(stand.addr()).unwrap();
    assert_eq!(foreign.status, 200, "what is the app's is not limited by us");
    stand.holds("throttled");
}
