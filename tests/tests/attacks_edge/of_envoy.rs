//! Invariant 10: what only Envoy has: its own limit.

use rekey_tests::http::Reply;
use rekey_tests::stage::Limits;

use crate::dialects;
use crate::stand::Stand;

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

/// Asserts that the answer is this dialect's own "throttled".
fn assert_throttled(path: &str, reply: &Reply) {
    let text = reply.text();
    let context = format!("{path}: {} {text}", reply.status);
    assert_eq!(reply.status, 429, "{context}");
    let right = match dialects::dialect(path) {
        "anqicms" => text == "{\"code\":-1,\"msg\":\"请求过于频繁，请稍后再试\"}\n",
        "authing" => {
            text.starts_with(
                "{\"statusCode\":429,\"message\":\"您的请求已超过最大数量限制，请稍后重试\"",
            ) && !text.contains("apiCode")
        }
        "bamboocloud" => {
            text == r#"{"error_code":"IDAAS.SDK.COM.0002","error_msg":"系统繁忙,请稍后重试"}"#
        }
        "native" => text.contains(r#""code":"throttled""#),
        _ => text == r#"{"status":"fail","message":"Too many requests, please try again later"}"#,
    };
    assert!(right, "{context}");
    dialects::assert_complete(reply, &context);
}
