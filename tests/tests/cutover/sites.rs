//! Several sites behind one gateway: the host of a request chooses among those that are listed, and nothing else.

use rekey_tests::http::{Call, send_raw};
use serde_json::{Value, json};

use crate::stand::{Kind, Stand, initiate};

fn sites() -> [(&'static str, Value); 1] {
    [(
        "/sites",
        json!({
            "shop.example": {
                "site": "shop", "base_url": "https://shop.example",
                "origins": ["https://www.shop.example"]
            },
            "old.example": {
                "site": "default", "base_url": "http://127.0.0.1:8080", "dialects": ["native"]
            },
            "none.example": {
                "site": "default", "base_url": "http://127.0.0.1:8080", "dialects": []
            },
        }),
    )]
}

fn link(host: &str) -> Call {
    let token = "0123456789abcdef".repeat(4);
    Call::get(&format!(
        "/api/verify/email?state=reset&token={token}&code=123456&email=jo%40example.com"
    ))
    .header("host", host)
}

#[test]
fn each_host_has_its_own_site_and_links() {
    let shop = "https://shop.example/account/password/reset#";
    let top = "http://127.0.0.1:8080/account/password/reset#";
    let table = [
        ("shop.example", "shop", shop),
        ("SHOP.Example", "shop", shop),
        ("shop.example:8443", "shop", shop),
        ("shop.example.", "shop", shop),
        ("other.example", "default", top),
        ("shop.example.evil.example", "default", top),
        ("evil.example", "default", top),
        ("xshop.example", "default", top),
        ("127.0.0.1", "default", top),
    ];
    for kind in Kind::BOTH {
        let stand = Stand::start(kind, &sites());
        for (host, site, base) in table {
            stand.send(&initiate().header("host", host));
            let (app, messages) = stand.seen();
            assert!(app.is_empty(), "{kind:?} {host}");
            let [message] = messages.as_slice() else { panic!("{kind:?} {host}: {messages:?}") };
            assert_eq!(message.context.site.as_str(), site, "{kind:?} {host}");
            let location = stand.send(&link(host)).header("location").unwrap_or_default();
            assert!(location.starts_with(base), "{kind:?} {host}: {location}");
        }
    }
}

/// What a request says of its host in more than one place, or falsely.
#[test]
fn no_spelling_of_a_host_leads_out_of_the_list() {
    let bodies = r#"{"channel":"email","to":"jo.mark@example.com"}"#;
    let rest = format!(
        "content-type: application/json\r\ncontent-length: {}\r\n\r\n{bodies}",
        bodies.len()
    );
    let path = "/reset/v1/initiate";
    let table = [
        // The target's authority is the one that counts.
        (
            format!("POST http://shop.example{path} HTTP/1.1\r\nhost: evil.example\r\n{rest}"),
            "shop",
        ),
        (
            format!("POST http://evil.example{path} HTTP/1.1\r\nhost: shop.example\r\n{rest}"),
            "default",
        ),
        (
            format!(
                "POST {path} HTTP/1.1\r\nhost: evil.example\r\nx-forwarded-host: shop.example\r\n{rest}"
            ),
            "default",
        ),
        (
            format!(
                "POST {path} HTTP/1.1\r\nhost: evil.example\r\nforwarded: host=shop.example\r\n{rest}"
            ),
            "default",
        ),
        (
            format!("POST {path} HTTP/1.1\r\nhost: evil.example\r\nx-host: shop.example\r\n{rest}"),
            "default",
        ),
        (format!("POST {path} HTTP/1.1\r\nhost: shop.example, evil.example\r\n{rest}"), "default"),
        (
            format!("POST {path} HTTP/1.1\r\nhost: evil.example\r\nhost: shop.example\r\n{rest}"),
            "default",
        ),
        (format!("POST {path} HTTP/1.1\r\nhost: shop.example@evil.example\r\n{rest}"), "default"),
        (format!("POST {path} HTTP/1.1\r\nhost: evil.example/shop.example\r\n{rest}"), "default"),
    ];
    for kind in Kind::BOTH {
        let stand = Stand::start(kind, &sites());
        for (raw, site) in &table {
            let reply = send_raw(stand.addr(), raw.as_bytes()).unwrap();
            let (app, messages) = stand.seen();
            assert!(app.is_empty(), "{kind:?} {raw}");
            // Gateways may refuse such requests; what they take is of the site that is meant.
            match messages.as_slice() {
                [] => {
                    assert!((400..500).contains(&reply.status), "{kind:?} {raw} {}", reply.status)
                }
                [message] => assert_eq!(message.context.site.as_str(), *site, "{kind:?} {raw}"),
                more => panic!("{kind:?} {raw}: {more:?}"),
            }
        }
    }
}

#[test]
fn a_host_may_have_some_of_the_dialects() {
    for kind in Kind::BOTH {
        let stand = Stand::start(kind, &sites());
        let anqicms = |host: &str| {
            let body = r#"{"state":"reset","email":"jo@example.com"}"#;
            Call::new("POST", "/api/verify/email")
                .header("host", host)
                .header("content-type", "application/json")
                .body(body.as_bytes())
        };
        let table = [
            (anqicms("shop.example"), true),
            (anqicms("old.example"), false),
            (anqicms("none.example"), false),
            (initiate().header("host", "old.example"), true),
            (initiate().header("host", "OLD.example.:1"), true),
            (initiate().header("host", "none.example"), false),
            (initiate().header("host", "NONE.example."), false),
        ];
        for (call, is_ours) in table {
            stand.send(&call);
            let (app, messages) = stand.seen();
            let expected = if is_ours { (0, 1) } else { (1, 0) };
            assert_eq!((app.len(), messages.len()), expected, "{kind:?} {call:?}");
        }
    }
}

#[test]
fn the_pages_of_one_site_are_not_those_of_another() {
    let stand = Stand::start(Kind::Edge, &sites());
    let table = [
        ("shop.example", "https://shop.example", true),
        ("shop.example", "https://www.shop.example", true),
        ("shop.example", "http://127.0.0.1:8080", false),
        ("other.example", "https://shop.example", false),
        ("other.example", "http://127.0.0.1:8080", true),
        ("old.example", "http://127.0.0.1:8080", true),
    ];
    for (host, origin, is_known) in table {
        stand.send(&initiate().header("host", host).header("origin", origin));
        let messages = stand.seen().1;
        assert_eq!(messages.len(), usize::from(is_known), "{host} {origin}");
    }
}
