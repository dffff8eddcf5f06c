//! Invariant 3: traffic on other routes is the app's, to the byte.

use rekey_tests::http::{Call, Line, send_pieces};

use crate::dialects;
use crate::framing::poke;
use crate::stand::Stand;

/// Invariant 3: bodies of any size and form on paths that are not claimed.
#[test]
fn other_routes_pass_byte_for_byte() {
    let stand = Stand::start();
    let large: Vec<u8> = (0_u8..=255).cycle().take(3_000_000).collect();
    for path in [
        "/",
        "/upload",
        "/api/password",
        "/api/password/resets",
        "/api/v1/auth/login",
        "/api/v3/send",
        "/reset/v1",
        "/a%C3%A9b",
        "/api/verify/email/x",
    ] {
        for body in [&b""[..], b"{\"state\":\"reset\"}", b"\0\xff", &large] {
            let reply = Call::new("POST", path)
                .header("content-type", "application/json")
                .header("x-a", [0xE9])
                .body(body)
                .send(stand.addr())
                .unwrap();
            assert_eq!(reply.status, 200, "{path}");
            let got = stand.app.requests().pop().unwrap();
            assert_eq!((got.target.as_str(), got.body.as_slice()), (path, body));
            assert_eq!(
                got.headers.iter().find(|(name, _)| name == "x-a").unwrap().1,
                [0xE9],
                "{path}"
            );
            stand.app.clear();
        }
    }
    assert!(stand.sidecar.requests().is_empty());
    stand.lives("other routes");
}

/// Invariant 3: what a shared route passes on keeps its bytes, at every size up to the limit and in every framing.
#[test]
fn a_shared_route_passes_foreign_calls_byte_for_byte() {
    let stand = Stand::start();
    for path in ["/api/verify/email", "/api/v3/send-email", "/api/v2/sdk/sms/send"] {
        for size in [0, 1, 1000, 4095, 16_000, 16_330] {
            let body =
                format!("{{ \"other\" : \"{}\\u00e9é\" , \"n\":1.50e+2}}\r\n", "x".repeat(size));
            for chunked in [false, true] {
                let call = dialects::bare("POST", path, path)
                    .header("content-type", "application/json")
                    .header("x-a", [0xE9]);
                let reply = if chunked {
                    let head = call.header("transfer-encoding", "chunked").to_bytes("g");
                    let chunks = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
                    send_pieces(stand.addr(), &[&head, chunks.as_bytes()])
                } else {
                    call.body(&body).send(stand.addr())
                };
                assert_eq!(reply.unwrap().status, 200, "{path} {size} {chunked}");
                let got = stand.app.requests().pop().unwrap();
                assert_eq!(
                    (got.target.as_str(), got.text()),
                    (path, body.clone()),
                    "{size} {chunked}"
                );
                stand.app.clear();
            }
        }
        let over = format!("{{\"other\":\"{}\"}}", "x".repeat(16_384));
        let reply = dialects::post(path, over).send(stand.addr()).unwrap();
        assert!(
            stand.app.requests().is_empty(),
            "{path}: a body over the limit passed: {}",
            reply.status
        );
    }
    assert!(stand.sidecar.requests().is_empty());
    stand.lives("shared routes");
}

/// Invariant 3: an upgraded connection is not ours.
#[test]
fn websockets_pass_on_other_routes() {
    let stand = Stand::start();
    let mut line = Line::connect(stand.addr()).unwrap();
    let upgrade = "GET /chat HTTP/1.1\r\nhost: g\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n";
    line.write(upgrade.as_bytes()).unwrap();
    assert_eq!(line.reply(false).unwrap().status, 101);
    line.write(b"{\"state\":\"reset\"}").unwrap();
    assert_eq!(line.bytes(100).unwrap(), b"{\"state\":\"reset\"}");
    stand.app.clear();
    stand.lives("a websocket beside us");
}

/// ATTACKS.md 38: an upgrade cannot carry a reset past the filter.
#[test]
fn an_upgrade_on_a_claimed_path_is_no_way_round() {
    let stand = Stand::start();
    for ordinary in dialects::ordinary() {
        for method in ["GET", "POST"] {
            let call = dialects::bare(method, ordinary.path, ordinary.path)
                .header("connection", "Upgrade")
                .header("upgrade", "websocket")
                .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
                .header("sec-websocket-version", "13")
                .header("content-type", "application/json")
                .header("content-length", ordinary.body.len().to_string());
            let mut bytes = call.to_bytes("g");
            bytes.extend(ordinary.body.as_bytes());
            // Whatever is answered, also nothing at all, the app must not have seen it.
            poke(&stand, &bytes);
        }
        stand.holds(ordinary.name);
    }
    stand.lives("upgrades");
}

/// Invariant 9: safe methods on every claimed path, 20 times each, reach no sidecar.
#[test]
fn safe_methods_reach_no_sidecar() {
    let stand = Stand::start();
    for ordinary in dialects::ordinary() {
        for method in
            ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "PATCH", "get", "PROPFIND"]
        {
            for _ in 0..3 {
                let call = dialects::bare(method, ordinary.path, ordinary.path)
                    .header("content-type", "application/json");
                let reply = call.body(&ordinary.body).send(stand.addr());
                if let Ok(reply) = reply {
                    assert_ne!(reply.status, 503, "{method} {}", ordinary.name);
                }
            }
        }
        assert!(stand.sidecar.requests().is_empty(), "{}", ordinary.name);
        for (reset, request) in stand.app.resets() {
            let method = request.method;
            assert_eq!(method, "OPTIONS", "{}: the app saw {reset:?} in a {method}", ordinary.name);
        }
        stand.app.clear();
    }
    stand.lives("safe methods");
}
