//! What is observed reaches the app to the byte, and the gateway tells what it would have done.

use rekey_tests::fixture::{Case, Reply, Seen, cases, gateway};
use rekey_tests::http::{Call, send_raw};
use serde_json::{Value, json};

use crate::stand::{Kind, Stand, confirm, initiate};

/// What gateways add on the way to the app.
const ADDED: [&str; 4] = ["x-envoy-", "x-forwarded-", "x-request-id", "host"];

#[test]
fn every_case_reaches_the_app_as_it_came() {
    let cases = cases();
    let common = common(&cases.iter().map(|case| &case.configuration).collect::<Vec<_>>());
    let mut configuration: Value = serde_json::from_str(&common).unwrap();
    configuration["observe"] = json!(true);
    for kind in Kind::BOTH {
        let stand = Stand::with(kind, &configuration.to_string());
        let mut played = 0;
        for case in cases.iter().filter(|case| case.configuration == common) {
            if case.not_in_envoy.is_some() || is_put_anew(case) {
                continue;
            }
            let reply = send_raw(stand.addr(), &case.request.raw).unwrap();
            let headers = reply.headers.iter().map(|(name, value)| (name, value));
            let answer = Reply::new(reply.status, headers, &reply.body);
            let (app, sidecar) = (stand.app.requests(), stand.sidecar.requests());
            let seen = gateway::seen(case, &ADDED, &app, &sidecar, answer);
            assert!(matches!(seen, Ok(Seen::Passed)), "{kind:?} {case}: {seen:?}");
            // An upgrade is granted by the app.
            assert!(matches!(reply.status, 200 | 101), "{kind:?} {case}: {}", reply.status);
            let _seen = stand.seen();
            played += 1;
        }
        assert!(played > 300, "{played}");
        assert!(stand.counted("native", "initiate", "observed_forward") > 0, "{kind:?}");
        assert_eq!(stand.counted("native", "initiate", "accepted"), 0, "{kind:?}");
    }
}

/// What gateways write anew on every path, observed or not: Envoy joins the values of some names, hyper puts those of one
/// name together, and what belongs to a connection, an upgrade with it, is each gateway's own. Preflights that pass on are
/// answered by Envoy's cors filter, for the app.
fn is_put_anew(case: &Case) -> bool {
    let headers = case.request.headers_for_the_app();
    let mut names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    case.request.method == "OPTIONS"
        || names.contains(&"connection")
        || names.contains(&"upgrade")
        || names.windows(2).any(|pair| pair[0] == pair[1])
}

/// The configuration that most cases share.
fn common(all: &[&String]) -> String {
    let count = |one: &&&String| all.iter().filter(|other| *other == *one).count();
    (*all.iter().max_by_key(count).unwrap()).clone()
}

#[test]
fn what_would_have_become_of_a_request_is_counted() {
    for kind in Kind::BOTH {
        let stand = Stand::start(kind, &[("/observe", json!(true))]);
        let body = |text: &str| {
            Call::new("POST", "/reset/v1/confirm")
                .header("content-type", "application/json")
                .body(text.as_bytes())
        };
        let table = [
            ("initiate", "observed_forward", initiate()),
            ("confirm", "observed_forward", confirm("anything")),
            ("confirm", "observed_missing", body("{}")),
            ("confirm", "observed_malformed", body(r#"{"token":"a","token":"b"}"#)),
            ("confirm", "observed_method_not_allowed", Call::get("/reset/v1/confirm")),
            ("confirm", "observed_not_found", Call::new("POST", "/reset/v1/confirm/")),
            (
                "initiate",
                "observed_origin_refused",
                initiate().header("origin", "https://evil.example"),
            ),
        ];
        for (operation, outcome, call) in table {
            assert_eq!(stand.send(&call).status, 200, "{kind:?} {outcome}");
            let (app, messages) = stand.seen();
            assert_eq!((app.len(), messages.len()), (1, 0), "{kind:?} {outcome}");
            let counted = stand.counted("native", operation, outcome);
            assert_eq!(counted, 1, "{kind:?} {outcome}");
        }
    }
}

/// More than we read is not held back.
#[test]
fn a_body_beyond_our_limit_passes_on() {
    let large = "x".repeat(40_000);
    for kind in Kind::BOTH {
        let stand = Stand::start(kind, &[("/observe", json!(true))]);
        let head =
            "POST /reset/v1/confirm HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
        let raws = [
            format!("{head}content-length: 40000\r\n\r\n{large}"),
            format!(
                "{head}transfer-encoding: chunked\r\n\r\n2710\r\n{}\r\n7530\r\n{}\r\n0\r\n\r\n",
                &large[..10_000],
                &large[10_000..]
            ),
        ];
        for (at, raw) in raws.iter().enumerate() {
            let reply = send_raw(stand.addr(), raw.as_bytes()).unwrap();
            assert_eq!(reply.status, 200, "{kind:?} {at}");
            let (app, messages) = stand.seen();
            assert!(messages.is_empty(), "{kind:?} {at}");
            assert_eq!(app.len(), 1, "{kind:?} {at}");
            assert_eq!(app[0].text(), large, "{kind:?} {at}");
        }
        assert_eq!(stand.counted("native", "confirm", "observed_too_large"), 2, "{kind:?}");
    }
}

#[test]
fn a_dialect_can_be_observed_alone_or_be_the_only_one_that_is_not() {
    let table = [
        (vec![("/dialects/native/observe", json!(true))], true),
        (vec![("/dialects/anqicms/observe", json!(true))], false),
        (vec![("/observe", json!(true)), ("/dialects/native/observe", json!(false))], false),
    ];
    for (changes, is_observed) in table {
        let stand = Stand::start(Kind::Edge, &changes);
        let reply = stand.send(&initiate());
        let (app, messages) = stand.seen();
        let expected = if is_observed { (200, 1, 0) } else { (202, 0, 1) };
        assert_eq!((reply.status, app.len(), messages.len()), expected, "{changes:?}");
    }
}

#[test]
fn our_own_headers_are_taken_from_clients_all_the_same() {
    for kind in Kind::BOTH {
        let stand = Stand::start(kind, &[("/observe", json!(true))]);
        let reply = stand.send(&initiate().header("x-rekey-operation", "initiate"));
        assert_eq!(reply.status, 200, "{kind:?}");
        let (app, messages) = stand.seen();
        assert_eq!((app.len(), messages.len()), (1, 0), "{kind:?}");
        assert_eq!(app[0].header("x-rekey-operation"), None, "{kind:?}");
    }
}
