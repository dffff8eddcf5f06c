//! Invariant 4, by path: no spelling of a claimed path is free. The spellings are those of ATTACKS.md 38.
#![expect(clippy::unwrap_used, reason = "a test speaks by panicking")]

use contract::edge::{Circumstances, Edge, Head, Step, loose};
use std::net::IpAddr;

struct Fixed;

impl Circumstances for Fixed {
    fn now(&mut self) -> Option<u64> {
        Some(1_790_000_000)
    }
    fn random(&mut self) -> Option<[u8; 16]> {
        Some([7; 16])
    }
    fn sender(&mut self) -> Option<IpAddr> {
        "127.0.0.1".parse().ok()
    }
}

fn edge(dialects: &str) -> Edge {
    let configuration = format!(
        r#"{{"audience":"demo","base_url":"http://127.0.0.1:8080","allow_inline_key":true,
        "key":{{"id":"edge1","inline":"9f2c4be01d7a8853f0a46b3e2d91c7754e08b6fa13cc62d98a5577e3b1f4d026"}},
        "dialects":{dialects}}}"#
    );
    Edge::from_json(configuration.as_bytes(), &mut |_| None).unwrap()
}

fn step(path: &str) -> Step {
    step_of(r#"{"anqicms":{}}"#, path)
}

fn step_of(dialects: &str, path: &str) -> Step {
    let pairs = [(":method", "POST"), (":path", path)];
    edge(dialects).on_head(Head::new(pairs.into_iter().collect()), false, &mut Fixed).0
}

/// What routers that cut parameters before they decode, or that know formats, read as the claimed path.
const OTHER_READINGS: [&str; 7] = [
    "/api/password;%3f/reset",
    "/api/password;%23/reset",
    "/api;%00/password/reset",
    "/api/password;%252f..%252fx/reset",
    "/api/password/reset;%252f..",
    "/api/password/reset.json",
    "/API/password;%3F/reset.JSON",
];

const SPELLINGS: [&str; 34] = [
    "/API/password/reset",
    "/api/Password/Reset",
    "/api/password/reset/",
    "/api/password/reset//",
    "//api/password/reset",
    "/api//password/reset",
    "/api/./password/reset",
    "/api/x/../password/reset",
    "/x/../api/password/reset",
    "/api/password/reset/.",
    "/api/password/reset/x/..",
    "/api/password/reset;x=1",
    "/api;a=b/password/reset",
    "/api/password;/reset",
    "/api/password/%72eset",
    "/api/password/%72%65%73%65%74",
    "/api/password%2freset",
    "/api/password%2Freset",
    "/api/password%5creset",
    "/api\\password\\reset",
    "/api/password/reset%20",
    "/api/password/reset%00",
    "/api/password/reset%09",
    "/api/password/reset%0a",
    "/api/password/reset%3fx",
    "/api/password/reset%23x",
    "/api/password/reset%2f",
    "/api/password/%2572eset",
    "/api/password%252freset",
    "/api/%2e/password/reset",
    "/api/x/%2e%2e/password/reset",
    "/api/x/%252e%252e/password/reset",
    "/api/password/re\u{17f}et",
    "/api/password/reset.",
];

#[test]
fn every_spelling_of_a_claimed_path_is_answered_404() {
    for path in SPELLINGS.into_iter().chain(OTHER_READINGS) {
        match step(path) {
            Step::Reply(answer) => assert_eq!(answer.status, 404, "{path}"),
            other => panic!("{path}: {other:?}"),
        }
    }
}

#[test]
fn the_claimed_path_itself_is_collected_and_others_pass() {
    assert!(matches!(step("/api/password/reset"), Step::Collect));
    for path in
        ["/", "/api/password", "/api/password/resets", "/api/password/reset/now", "/api/login"]
    {
        assert!(matches!(step(path), Step::Pass), "{path}");
    }
}

/// One dialect leaves to the app what is a spelling of another's.
#[test]
fn a_path_that_is_left_is_no_way_round_another() {
    let left = r#"{"anqicms":{"paths":{"confirm":false}},"native":{"paths":{"confirm":"/API/password/reset"}}}"#;
    assert!(matches!(step_of(left, "/api/password/reset"), Step::Reply(_)));
    assert!(matches!(
        step_of(r#"{"anqicms":{"paths":{"confirm":false}},"native":{}}"#, "/api/password/reset"),
        Step::Pass
    ));
}

#[test]
fn loosening_is_idempotent() {
    for path in SPELLINGS {
        let once = loose(path);
        assert_eq!(loose(&once), once, "{path}");
        assert_eq!(once, "/api/password/reset", "{path}");
    }
}
