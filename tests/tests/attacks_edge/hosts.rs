//! ATTACKS.md 1, invariant 9: no request byte chooses the host of a link.

use contract::message::Message;
use rekey_tests::http::send_raw;

use crate::dialects;
use crate::stand::Stand;

const EVIL: &str = "evil.example";

/// Start of the target, and header lines; the first variant is the honest one.
const VARIANTS: [(&str, &str); 18] = [
    ("", "host: gateway.example"),
    ("", "host: evil.example"),
    ("", "host: evil.example:8443"),
    ("", "host: gateway.example:@evil.example"),
    ("", "host: gateway.example\r\nhost: evil.example"),
    ("", "host: evil.example\r\nhost: gateway.example"),
    ("", "host: gateway.example\r\nx-forwarded-host: evil.example"),
    ("", "host: gateway.example\r\nx-host: evil.example\r\nx-forwarded-server: evil.example"),
    ("", "host: gateway.example\r\nforwarded: for=1.2.3.4;host=evil.example;proto=https"),
    ("", "host: gateway.example\r\nx-forwarded-proto: evil.example\r\nx-forwarded-port: 1"),
    ("", "host: gateway.example\r\nx-forwarded-for: 203.0.113.7, 9.9.9.9"),
    (
        "",
        "host: gateway.example\r\nx-real-ip: 203.0.113.7\r\ntrue-client-ip: 203.0.113.7\r\ncf-connecting-ip: 203.0.113.7",
    ),
    (
        "",
        "host: gateway.example\r\nx-envoy-external-address: 203.0.113.7\r\nx-client-ip: 203.0.113.7",
    ),
    (
        "",
        "host: gateway.example\r\nx-original-host: evil.example\r\nx-http-host-override: evil.example",
    ),
    ("", "host: gateway.example\r\nreferer: http://evil.example/"),
    ("http://evil.example", "host: gateway.example"),
    ("http://evil.example:1234", "host: evil.example"),
    ("https://gateway.example@evil.example", "host: gateway.example"),
];

fn request(method: &str, target: &str, host: &str, more: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut head = format!("{method} {target} HTTP/1.1\r\n{host}\r\n");
    for (name, value) in more {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        head.push_str(&format!(
            "content-type: application/json\r\ncontent-length: {}\r\n",
            body.len()
        ));
    }
    format!("{head}\r\n{body}").into_bytes()
}

/// The message without what differs from request to request.
fn bare(message: &Message) -> String {
    let mut message = message.clone();
    message.context.request = contract::name::Name::parse("r").unwrap();
    message.encode()
}

/// ATTACKS.md 1: the message is the same, its sender the connection's address, whatever the client says of hosts.
#[test]
fn no_header_changes_the_message() {
    let stand = Stand::start();
    for ordinary in dialects::ordinary() {
        let mut honest = None;
        for (start, host) in VARIANTS {
            let target = format!("{start}{}", ordinary.path);
            let bytes =
                request("POST", &target, host, &dialects::headers(ordinary.path), &ordinary.body);
            let reply = send_raw(stand.addr(), &bytes).unwrap();
            let messages = stand.messages();
            let context = format!("{} {start} {host}: {}", ordinary.name, reply.text());
            if messages.is_empty() {
                assert!(matches!(reply.status, 400 | 403), "{context}");
                assert!(honest.is_some(), "{context}");
                continue;
            }
            let found = bare(&messages[0]);
            assert_eq!(&found, honest.get_or_insert_with(|| found.clone()), "{context}");
            assert_eq!(messages[0].context.sender.to_string(), "127.0.0.1", "{context}");
            assert!(!found.contains(EVIL) && !found.contains("203.0.113.7"), "{context}");
            stand.holds(&context);
        }
    }
    stand.lives("host variants");
}

/// ATTACKS.md 1, 24; invariant 9: where an old link leads is the configured base and the link's own values, in the fragment.
#[test]
fn no_request_byte_chooses_where_an_old_link_leads() {
    let stand = Stand::start();
    let query = "token=ab12&code=123456&state=reset&email=jo%40example.com";
    let expected = "http://127.0.0.1:8080/account/password/reset#token=ab12&code=123456&email=jo%40example.com";
    for (start, host) in VARIANTS {
        let target = format!("{start}/api/verify/email?{query}");
        let reply = send_raw(stand.addr(), &request("GET", &target, host, &[], "")).unwrap();
        if matches!(reply.status, 400 | 403) {
            continue;
        }
        assert_eq!(
            (reply.status, reply.header("location").as_deref()),
            (302, Some(expected)),
            "{start} {host}"
        );
        assert_eq!(reply.header("referrer-policy").as_deref(), Some("no-referrer"));
        assert_eq!(reply.header("cache-control").as_deref(), Some("no-store"));
    }
    for value in [
        "//evil.example",
        "ab%0d%0alocation:%20http://evil.example",
        "ab%23x",
        "ab/../..",
        "a%40evil.example",
        "%e2%80%ae",
    ] {
        for name in ["token", "code"] {
            let target = format!(
                "/api/verify/email?{}",
                query.replacen(&format!("{name}="), &format!("{name}={value}"), 1)
            );
            let reply =
                send_raw(stand.addr(), &request("GET", &target, "host: g", &[], "")).unwrap();
            let location = reply.header("location").unwrap_or_default();
            assert!(!location.contains(EVIL), "{target} leads to {location}");
            assert_ne!(reply.status, 302, "{target} leads to {location}");
        }
    }
    assert!(stand.sidecar.requests().is_empty());
    stand.lives("old links");
}

/// ATTACKS.md 24, invariant 8: the access log has neither query nor body, so no token, code or address of a link.
#[test]
fn the_access_log_holds_no_secret() {
    let stand = Stand::start();
    let target = "/api/verify/email?token=feedc0de77&code=424242&state=reset&email=secret.name%40example.com";
    send_raw(stand.addr(), &request("GET", target, "host: g", &[("x-request-id", "first")], ""))
        .unwrap();
    for ordinary in dialects::ordinary() {
        ordinary.call.send(stand.addr()).unwrap();
    }
    let missing = "/api/verify/email;x?token=feedc0de77";
    send_raw(stand.addr(), &request("GET", missing, "host: g", &[], "")).unwrap();
    stand.access_line("\"status\":404");
    for log in stand.gateway.logs() {
        for secret in [
            "feedc0de77",
            "424242",
            "123456",
            "secret.name",
            "jo.mark",
            "13800138000",
            "new password",
            crate::stand::KEY,
        ] {
            assert!(!log.contains(secret), "{secret} in the log:\n{log}");
        }
    }
}

/// ATTACKS.md 37: another site's page may not call, and what a page may read names only configured origins.
#[test]
fn pages_of_other_sites_are_refused() {
    let stand = Stand::start();
    for ordinary in dialects::ordinary() {
        for (name, value) in [
            ("origin", "http://evil.example"),
            ("origin", "null"),
            ("origin", "http://localhost:3000.evil.example"),
            ("origin", "http://localhost:30000"),
            ("origin", "https://localhost:3000"),
            ("origin", "http://localhost:3000/"),
            ("origin", "http://LOCALHOST:3000"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "Cross-Site"),
        ] {
            let mut call = rekey_tests::http::Call::post_json(ordinary.path, &ordinary.body);
            for (own, of) in dialects::headers(ordinary.path) {
                if own != name {
                    call = call.header(own, of);
                }
            }
            let reply = call.header(name, value).send(stand.addr()).unwrap();
            let context =
                format!("{} {name}: {value}: {} {}", ordinary.name, reply.status, reply.text());
            assert!(stand.sidecar.requests().is_empty(), "{context}");
            let allowed = reply.header("access-control-allow-origin");
            assert!(allowed.is_none_or(|origin| origin == "http://localhost:3000"), "{context}");
            assert_ne!(reply.status, 503, "{context}");
        }
        stand.holds(ordinary.name);
    }
    stand.lives("other sites");
}
