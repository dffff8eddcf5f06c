//! What the gateway's configuration may not say of a cut-over.

use contract::edge::Edge;
use serde_json::{Value, json};

use crate::stand::{KEY, shipped};

fn faults(changes: &[(&str, Value)]) -> String {
    let read = Edge::from_json(shipped(changes).as_bytes(), &mut |_| Some(KEY.to_owned()));
    read.err().unwrap_or_default().join("\n")
}

fn site(host: &str, more: &Value) -> Value {
    let mut site = json!({"site": "a", "base_url": "https://a.example"});
    for (key, value) in more.as_object().unwrap() {
        site[key] = value.clone();
    }
    json!({ host: site })
}

#[test]
fn each_fault_is_told_with_its_place() {
    let table = [
        ("/observe", json!("yes"), "observe: must be true or false"),
        ("/dialects/native/observe", json!(1), "dialects.native.observe: must be true or false"),
        (
            "/dialects/native/legacy_until",
            json!("2027-02-30"),
            "native.legacy_until: must be a day",
        ),
        ("/dialects/native/legacy_until", json!(2027), "native.legacy_until: must be a string"),
        ("/dialects/bamboocloud/legacy_until", json!("2027-03-01"), "legacy_until: is not a key"),
        ("/sites", json!([]), "sites: must be an object"),
        ("/sites", json!({"a.example": []}), "sites.a.example.: must be a host"),
        ("/sites", site("A.example", &json!({})), "sites.A.example.: must be a host"),
        ("/sites", site("a.example:80", &json!({})), "sites.a.example:80.: must be a host"),
        ("/sites", site("a.example.", &json!({})), "must be a host"),
        ("/sites", site("", &json!({})), "must be a host"),
        ("/sites", site("a/b", &json!({})), "must be a host"),
        ("/sites", json!({"a.example": {"site": "a"}}), "sites.a.example.base_url: is missing"),
        (
            "/sites",
            json!({"a.example": {"base_url": "https://a"}}),
            "sites.a.example.site: is missing",
        ),
        ("/sites", site("a.example", &json!({"site": "a b"})), "sites.a.example.site: must be"),
        (
            "/sites",
            site("a.example", &json!({"base_url": "x"})),
            "sites.a.example.base_url: must be",
        ),
        (
            "/sites",
            site("a.example", &json!({"origins": ["x/y"]})),
            "sites.a.example.origins: each",
        ),
        (
            "/sites",
            site("a.example", &json!({"dialects": ["nobody"]})),
            "sites.a.example.dialects:",
        ),
        ("/sites", site("a.example", &json!({"dialects": "native"})), "sites.a.example.dialects:"),
        (
            "/sites",
            site("a.example", &json!({"colour": 1})),
            "sites.a.example.colour: is not a key",
        ),
    ];
    assert_eq!(faults(&[]), "");
    for (place, value, expected) in table {
        let told = faults(&[(place, value)]);
        assert!(told.contains(expected) && told.lines().count() == 1, "{place}: {told}");
    }
}

#[test]
fn no_tokens_are_left_to_the_app_in_portable_mode() {
    let mut changes = vec![
        ("/mode", json!("portable")),
        ("/dialects/anqicms/exclusive", json!(true)),
        ("/dialects/authing/exclusive", json!(true)),
        ("/dialects/bamboocloud/exclusive", json!(true)),
    ];
    assert_eq!(faults(&changes), "");
    changes.push(("/dialects/vastly/legacy_until", json!("2027-03-01")));
    assert!(faults(&changes).starts_with("dialects.vastly.legacy_until: cannot be in portable"));
    // What is observed passes on in every mode.
    let observed = [("/mode", json!("portable")), ("/observe", json!(true))];
    assert_eq!(faults(&observed), "");
}

/// Else a request for what is not observed could pass on under the other's name.
#[test]
fn no_observed_path_is_like_one_that_is_not() {
    let near = ("/dialects/anqicms/paths", json!({"confirm": "/Reset/v1/confirm"}));
    assert_eq!(faults(std::slice::from_ref(&near)), "");
    let observed = [near, ("/dialects/anqicms/observe", json!(true))];
    let told = faults(&observed);
    assert!(told.contains("dialects.anqicms.paths.confirm: another route"), "{told}");
}
