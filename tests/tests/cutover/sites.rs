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
            let asked = stand.send(&initiate().header("host", host));
            assert_eq!(asked.status, 202, "{kind:?} {host}");
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
    let path = "/reset/v1/initiate";
    let evil = format!("POST {path} HTTP/1.1\r\nhost: evil.example");
    // With the site that is meant.
    let taken = [
        // The target's authority is the one that counts.
        (format!("POST http://shop.example{path} HTTP/1.1\r\nhost: evil.example"), "shop"),
        (format!("POST http://evil.example{path} HTTP/1.1\r\nhost: shop.example"), "default"),
        (format!("{evil}\r\nx-forwarded-host: shop.example"), "default"),
        (format!("{evil}\r\nforwarded: host=shop.example"), "default"),
        (format!("{evil}\r\nx-host: shop.example"), "default"),
    ];
    // Gateways may refuse these; where they take one, it is no site of the list.
    let doubtful = [
        format!("POST {path} HTTP/1.1\r\nhost: shop.example, evil.example"),
        format!("{evil}\r\nhost: shop.example"),
        format!("POST {path} HTTP/1.1\r\nhost: shop.example@evil.example"),
        format!("{evil}/shop.example"),
    ];
    for kind in Kind::BOTH {
        let stand = Stand::start(kind, &sites());
        for (head, site) in &taken {
            assert_eq!(sites_of(&stand, head), (202, vec![(*site).to_owned()]), "{kind:?} {head}");
        }
        for head in &doubtful {
            match sites_of(&stand, head) {
                (400..500, sites) => assert!(sites.is_empty(), "{kind:?} {head}: {sites:?}"),
                told => assert_eq!(told, (202, vec!["default".to_owned()]), "{kind:?} {head}"),
            }
        }
    }
}

/// The answer to an ask with this head, and the sites of what the sidecar was told of it.
fn sites_of(stand: &Stand, head: &str) -> (u16, Vec<String>) {
    let body = r#"{"channel":"email","to":"jo.mark@example.com"}"#;
    let length = body.len();
    let raw = format!(
        "{head}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let status = send_raw(stand.addr(), raw.as_bytes()).unwrap().status;
    let (app, messages) = stand.seen();
    assert!(app.is_empty(), "{head}");
    let sites = messages.iter().map(|message| message.context.site.as_str().to_owned());
    (status, sites.collect())
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
            (anqicms("shop.example"), 200, true),
            (anqicms("old.example"), 200, false),
            (anqicms("none.example"), 200, false),
            (initiate().header("host", "old.example"), 202, true),
            (initiate().header("host", "OLD.example.:1"), 202, true),
            (initiate().header("host", "none.example"), 200, false),
            (initiate().header("host", "NONE.example."), 200, false),
        ];
        for (call, status, is_ours) in table {
            assert_eq!(stand.send(&call).status, status, "{kind:?} {call:?}");
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
        let reply = stand.send(&initiate().header("host", host).header("origin", origin));
        let status = if is_known { 202 } else { 403 };
        let messages = stand.seen().1;
        let told = (reply.status, messages.len());
        assert_eq!(told, (status, usize::from(is_known)), "{host} {origin}");
    }
}
