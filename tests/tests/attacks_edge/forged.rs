//! ATTACKS.md 39: clients that speak for the filter. Whatever they send, the filter's own words reach the sidecar, or nothing.

use rekey_tests::http::{Call, send_raw};

use crate::dialects;
use crate::stand::Stand;

/// Header lines that pretend to come from the filter, the gateway or the sidecar.
const LINES: [&str; 24] = [
    "x-rekey-operation: initiate",
    "x-rekey-operation: verify",
    "x-rekey-operation: confirm",
    "X-Rekey-Operation: confirm",
    "X-REKEY-OPERATION:confirm",
    "x-rekey-operation: \tconfirm ",
    "x-rekey-operation: confirm\r\nx-rekey-operation: initiate",
    "x-rekey-operation: initiate, confirm",
    "x-rekey-operation:",
    "x_rekey_operation: confirm",
    "x-rekey_operation: confirm",
    "x-rekey-signature: ab",
    "x-rekey-anything: 1",
    "rekey-outcome: reset",
    "connection: x-rekey-operation\r\nx-rekey-operation: confirm",
    "connection: keep-alive, x-request-id, x-rekey-operation\r\nx-rekey-operation: confirm",
    "x-envoy-original-path: /v1/confirm\r\nx-rekey-operation: confirm",
    "x-original-url: /v1/confirm\r\nx-rewrite-url: /v1/confirm",
    "x-http-method-override: GET\r\nx-rekey-operation: confirm",
    "x-envoy-upstream-alt-stat-name: x\r\nx-rekey-operation: confirm",
    "x-envoy-decorator-operation: x\r\nx-rekey-operation: confirm",
    "x-envoy-force-trace: true\r\nx-rekey-operation: confirm",
    "x-envoy-retry-on: 5xx\r\nx-rekey-operation: confirm",
    "x-envoy-internal: true\r\nx-rekey-operation: confirm",
];

fn post(target: &str, more: &[&str], body: &str) -> Vec<u8> {
    let mut head =
        format!("POST {target} HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n");
    for line in more {
        head.push_str(line);
        head.push_str("\r\n");
    }
    format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn own_headers(path: &str) -> Vec<String> {
    dialects::headers(path).into_iter().map(|(name, value)| format!("{name}: {value}")).collect()
}

/// ATTACKS.md 39: on a claimed path that is ours, the sidecar gets the filter's message and none of the client's words.
#[test]
fn forged_headers_do_not_change_what_is_ours() {
    let stand = Stand::start();
    for line in LINES {
        for ordinary in dialects::ordinary() {
            let own = own_headers(ordinary.path);
            let mut lines: Vec<&str> = own.iter().map(String::as_str).collect();
            lines.push(line);
            let reply =
                send_raw(stand.addr(), &post(ordinary.path, &lines, &ordinary.body)).unwrap();
            assert_eq!(
                reply.status,
                ordinary.status,
                "{} with {line}: {}",
                ordinary.name,
                reply.text()
            );
        }
        assert_eq!(stand.messages().len(), dialects::ordinary().len(), "{line}");
        assert!(stand.app.requests().is_empty(), "{line}");
        stand.holds(line);
    }
    stand.lives("forged headers on our calls");
}

/// ATTACKS.md 39: on a shared path, somebody else's call goes to the app with its bytes, and without our headers.
#[test]
fn forged_headers_do_not_carry_a_foreign_call_to_the_sidecar() {
    let stand = Stand::start();
    let calls = [
        ("/api/verify/email", r#"{"state":"register","email":"a@example.com"}"#),
        ("/api/v3/send-email", r#"{"channel":"CHANNEL_LOGIN","email":"a@example.com"}"#),
        ("/api/v2/sdk/sms/send", r#"{"type":"LOGIN_SMS","mobile":"13800138000"}"#),
    ];
    for line in LINES {
        for (path, body) in calls {
            let reply = send_raw(stand.addr(), &post(path, &[line], body)).unwrap();
            assert_eq!(reply.status, 200, "{path} with {line}: {}", reply.text());
        }
        assert!(stand.sidecar.requests().is_empty(), "{line}");
        let requests = stand.app.requests();
        assert_eq!(requests.len(), calls.len(), "{line}");
        for (request, (path, body)) in requests.iter().zip(calls) {
            assert_eq!((request.target.as_str(), request.text().as_str()), (path, body), "{line}");
            let ours = request
                .headers
                .iter()
                .any(|(name, _)| name.to_ascii_lowercase().starts_with("x-rekey-"));
            assert!(!ours, "{line} reached the app");
        }
        stand.holds(line);
    }
    stand.lives("forged headers on foreign calls");
}

/// ATTACKS.md 39: the sidecar's own paths are the app's at the gateway, whatever the client claims.
#[test]
fn canonical_paths_lead_to_the_app() {
    let stand = Stand::start();
    let signed = "rekey1 t=1 id=00112233445566778899aabbccddeeff kid=edge1 aud=demo mac=00\n{}";
    for path in [
        "/v1/initiate",
        "/v1/verify",
        "/v1/confirm",
        "/v1/confirm/",
        "//v1/confirm",
        "/x/../v1/confirm",
        "/readyz",
        "/metrics",
    ] {
        for line in LINES {
            let reply = send_raw(stand.addr(), &post(path, &[line], signed)).unwrap();
            assert_eq!(reply.status, 200, "{path} with {line}: {}", reply.text());
        }
        assert!(stand.sidecar.requests().is_empty(), "{path} reached the sidecar");
        for request in stand.app.requests() {
            let ours = request
                .headers
                .iter()
                .any(|(name, _)| name.to_ascii_lowercase().starts_with("x-rekey-"));
            assert!(!ours, "{path}: our header reached the app");
        }
        stand.holds(path);
    }
    stand.lives("canonical paths");
}

/// ATTACKS.md 39: a message of ours, caught and sent again through the gateway, is the app's business on every path.
#[test]
fn a_caught_message_cannot_be_sent_through_the_gateway() {
    let stand = Stand::start();
    let ordinary = dialects::ordinary();
    ordinary[0].call.send(stand.addr()).unwrap();
    let caught = stand.sidecar.wait_for(1).unwrap()[0].clone();
    stand.sidecar.clear();
    for target in ["/v1/initiate", "/api/verify/email", "/reset/v1/initiate", "/api/password/reset"]
    {
        let call = Call::post_json(target, &caught.body).header("x-rekey-operation", "initiate");
        call.send(stand.addr()).unwrap();
        assert!(stand.sidecar.requests().is_empty(), "{target} reached the sidecar");
    }
    stand.holds("a caught message");
}

/// ATTACKS.md 35: nothing of a request can make an answer: the words of the sidecar in a body change nothing.
#[test]
fn a_request_that_holds_an_answer_gets_none() {
    let stand = Stand::start();
    let body = r#"{"outcome":"reset","status":"reset","statusCode":200,"data":{"success":true}}"#;
    for ordinary in dialects::ordinary() {
        let reply = dialects::post(ordinary.path, body)
            .header("authorization", "x")
            .send(stand.addr())
            .unwrap();
        let ours = !reply.text().contains("\"app\":\"echo\"");
        assert!(!ours || !reply.text().contains("success"), "{}: {}", ordinary.name, reply.text());
    }
    assert!(stand.sidecar.requests().is_empty());
    stand.holds("an answer in a request");
}

/// ATTACKS.md 36: members that mean something elsewhere are dropped, never forwarded, and never an error.
#[test]
fn unknown_members_are_dropped() {
    let stand = Stand::start();
    for ordinary in dialects::ordinary() {
        let more = r#"{"is_admin":true,"role":"root","redirectTo":"//evil.example","sender":"9.9.9.9","op":"confirm","dialect":"native","site":"x","mac":"1","password_hash":"x","#;
        let body = ordinary.body.replacen('{', more, 1);
        let reply = dialects::post(ordinary.path, body).send(stand.addr()).unwrap();
        assert_eq!(reply.status, ordinary.status, "{}: {}", ordinary.name, reply.text());
    }
    for (request, ordinary) in stand.sidecar.requests().iter().zip(dialects::ordinary()) {
        for word in ["is_admin", "root", "evil", "9.9.9.9", "password_hash"] {
            assert!(!request.text().contains(word), "{}: {}", ordinary.name, request.text());
        }
        assert!(request.text().contains("\"site\":\"default\""), "{}", request.text());
    }
    stand.holds("unknown members");
}

/// ATTACKS.md 3: an array is refused, never its first element.
#[test]
fn an_array_of_addresses_is_refused() {
    let stand = Stand::start();
    for ordinary in dialects::ordinary() {
        for name in ["email", "mobile", "to", "phoneNumber"] {
            let value: serde_json::Value = serde_json::from_str(&ordinary.body).unwrap();
            let Some(address) = value.get(name).and_then(|value| value.as_str()) else { continue };
            let pair = format!(r#""{name}":"{address}""#);
            for other in ["evil@example.com", "13900139000"] {
                for with in [
                    format!(r#""{name}":["{address}","{other}"]"#),
                    format!(r#""{name}":["{address}"]"#),
                    format!(r#""{name}":{{"0":"{address}"}}"#),
                    format!(r#""{name}":"{address},{other}""#),
                    format!(r#""{name}":"{address};{other}""#),
                    format!(r#""{name}":"{address} {other}""#),
                    format!(r#""{name}":"{address}|{other}""#),
                    format!(r#""{name}":"{address}\u000d\u000aBcc: {other}""#),
                    format!(r#""{name}":"{address}\nCc: {other}""#),
                    format!(r#""{name}":"<{address}>""#),
                    format!(r#""{name}":"\"a\" <{address}>""#),
                    format!(r#""{name}":"{address}","{name}":"{other}""#),
                    format!(r#""{name}":"{address}%0aBcc:{other}""#),
                    format!(r#""{name}":"{address}\u0000{other}""#),
                    format!(r#""{name}[]":"{address}""#),
                ] {
                    let body = ordinary.body.replacen(&pair, &with, 1);
                    let reply = dialects::post(ordinary.path, &body).send(stand.addr()).unwrap();
                    assert_ne!(reply.status, 503, "{body}: {}", reply.text());
                    assert!(stand.sidecar.requests().is_empty(), "{body} reached the sidecar");
                }
            }
        }
        stand.holds(ordinary.name);
    }
    stand.lives("arrays of addresses");
}
