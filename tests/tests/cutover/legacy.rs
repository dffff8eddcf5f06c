//! The app's own tokens after the cut-over: they reach the app until a day, ours never do.

use std::net::IpAddr;

use contract::edge::{Circumstances, Edge, Head, Step};
use serde_json::json;

use crate::stand::{KEY, Kind, Stand, confirm, initiate, post, shipped};

const UNTIL: &str = "/dialects/native/legacy_until";

/// As our tokens are written.
fn ours() -> String {
    "0123456789abcdef".repeat(4)
}

#[test]
fn a_token_of_the_apps_reaches_it_and_ours_reaches_us() {
    let tokens = [
        ("c2VlZA.eyJzdWIiOiIxIn0", true),
        ("d41d8cd98f00b204e9800998ecf8427e", true),
        (&ours()[1..], true),
        (&ours().repeat(2), true),
        (&ours(), false),
        (&ours().to_uppercase(), false),
        (&format!(" {} ", ours()), false),
        (&format!("\u{200b}{}", ours()), false),
        (&format!("{}-{}", &ours()[..32], &ours()[32..]), false),
        (&format!("https://id.example/reset#token={}", ours()), false),
    ];
    for kind in Kind::BOTH {
        let stand = Stand::start(kind, &[(UNTIL, json!("9000-01-01"))]);
        for (token, is_theirs) in tokens {
            let reply = stand.send(&confirm(token));
            let (app, messages) = stand.seen();
            let expected = if is_theirs { (200, 1, 0) } else { (400, 0, 1) };
            assert_eq!((reply.status, app.len(), messages.len()), expected, "{kind:?} {token}");
        }
        assert_eq!(stand.counted("native", "confirm", "legacy"), 4, "{kind:?}");
        // Codes have no shape of ours, and asks are ours from the first day.
        let code = json!({
            "channel": "email", "to": "jo@example.com", "code": "123456", "password": "correct horse"
        });
        for (call, status) in [(post("/reset/v1/confirm", &code), 400), (initiate(), 202)] {
            assert_eq!(stand.send(&call).status, status, "{kind:?}");
            let (app, messages) = stand.seen();
            assert_eq!((app.len(), messages.len()), (0, 1), "{kind:?}");
        }
    }
}

#[test]
fn what_passes_on_is_read_as_strictly_as_ever() {
    let stand = Stand::start(Kind::Edge, &[(UNTIL, json!("9000-01-01"))]);
    let raw = |body: &str| {
        rekey_tests::http::Call::new("POST", "/reset/v1/confirm")
            .header("content-type", "application/json")
            .body(body.as_bytes())
    };
    let table = [
        raw(r#"{"token":"theirs","token":"theirs","password":"correct horse"}"#),
        raw(r#"{"token":"theirs","password":"correct horse"}x"#),
        raw(r#"{"token":["theirs"],"password":"correct horse"}"#),
        raw(r#"{"token":"theirs"}"#),
        raw(r#"{"token":"","password":"correct horse"}"#),
        raw(r#"{"token":"th\u0000eirs","password":"correct horse"}"#),
        confirm("theirs").header("origin", "https://evil.example"),
        confirm("theirs").header("content-encoding", "gzip"),
        post("/reset/v1/confirm?a=b", &json!({"token": "theirs", "password": "correct horse"})),
        post("/reset/v1/confirm/", &json!({"token": "theirs", "password": "correct horse"})),
    ];
    for (at, call) in table.iter().enumerate() {
        let reply = stand.send(call);
        assert!((400..500).contains(&reply.status), "{at}: {}", reply.status);
        let (app, messages) = stand.seen();
        assert_eq!((app.len(), messages.len()), (0, 0), "{at}");
    }
}

/// The link of an old mail, and the call of the page that it opens.
#[test]
fn old_links_of_an_app_lead_to_it() {
    let changes = [("/dialects/anqicms/legacy_until", json!("9000-01-01"))];
    let link = |token: &str| {
        rekey_tests::http::Call::get(&format!(
            "/api/verify/email?state=reset&token={token}&code=123456&email=jo%40example.com"
        ))
    };
    for kind in Kind::BOTH {
        let stand = Stand::start(kind, &changes);
        assert_eq!(stand.send(&link("d41d8cd98f00b204e9800998ecf8427e")).status, 200, "{kind:?}");
        assert_eq!(stand.seen().0.len(), 1, "{kind:?}");
        for token in [ours(), ours().to_uppercase()] {
            assert_eq!(stand.send(&link(&token)).status, 302, "{kind:?}");
            assert_eq!(stand.seen().0.len(), 0, "{kind:?}");
        }
        assert_eq!(stand.counted("anqicms", "link", "legacy"), 1, "{kind:?}");
        // This dialect reads JSON under every label; a form parser must find no second token in it.
        let body = json!({
            "email": "jo@example.com", "token": format!("a&token={}", &ours()[1..]),
            "code": "123456", "password": "correct horse"
        });
        let form = rekey_tests::http::Call::new("POST", "/api/password/reset")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.to_string().as_bytes());
        stand.send(&form);
        let (app, messages) = stand.seen();
        assert_eq!((app.len(), messages.len()), (0, 0), "{kind:?}");
    }
}

struct At(Option<u64>);

impl Circumstances for At {
    fn now(&mut self) -> Option<u64> {
        self.0
    }

    fn random(&mut self) -> Option<[u8; 16]> {
        Some([1; 16])
    }

    fn sender(&mut self) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, 1]))
    }
}

#[test]
fn the_day_ends_it_by_the_hosts_clock() {
    let configuration = shipped(&[(UNTIL, json!("2027-03-01"))]);
    let edge = Edge::from_json(configuration.as_bytes(), &mut |_| Some(KEY.to_owned())).unwrap();
    let outcome = |now: Option<u64>| {
        let mut host = At(now);
        let pairs = [
            (":method", "POST"),
            (":path", "/reset/v1/confirm"),
            ("content-type", "application/json"),
        ];
        let head = Head::new(pairs.into_iter().collect());
        let (_, exchange) = edge.on_head(head, false, &mut host);
        let mut exchange = exchange.unwrap();
        let step =
            exchange.on_request(&edge, br#"{"token":"t","password":"correct horse"}"#, &mut host);
        match step {
            Step::Pass => exchange.outcome(),
            Step::Forward(_) => "forward",
            Step::Reply(_) => exchange.outcome(),
            other => panic!("{other:?}"),
        }
    };
    let midnight = 1_803_859_200;
    assert_eq!(outcome(Some(midnight - 1)), "legacy");
    assert_eq!(outcome(Some(midnight)), "forward");
    assert_eq!(outcome(None), "busy", "without a clock nothing passes on");
    let overdue = edge.overdue(midnight);
    assert_eq!(edge.overdue(midnight - 1), None);
    assert!(overdue.is_some_and(|told| told.contains("legacy_until")), "{overdue:?}");
}
