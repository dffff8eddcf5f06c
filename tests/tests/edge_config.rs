//! A bad configuration never runs, and says everything that is wrong with it at once: in the core, in the real filter,
//! and before Envoy even starts.

use std::net::{Ipv4Addr, SocketAddr};

use contract::edge::{Edge, Mode};
use rekey_tests::fixture::folder;
use rekey_tests::stage::{Envoy, EnvoyOptions, target};
use rekey_tests::wasm::{Module, Options, StartFaultKind};
use serde_json::{Value, json};

const KEY: &str = "REKEY_EDGE_KEY";
const KEY_NEXT: &str = "REKEY_EDGE_KEY_NEXT";
const NEXT: &str = "0a4e6c92d1b85f37e2906b1dc4f87a3595be20d7136cf84a9e05b3d2c7618f4e";

/// The fixtures' configuration.
fn good() -> Value {
    let text = std::fs::read_to_string(folder().join("edge.json")).expect("edge.json");
    serde_json::from_str(&text).expect("edge.json is JSON")
}

/// The good one with one value changed; `null` removes it.
fn with(pointer: &str, value: Value) -> Value {
    let mut configuration = good();
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let parent =
        configuration.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
    if value.is_null() {
        parent.remove(key);
    } else {
        parent.insert(key.to_owned(), value);
    }
    configuration
}

fn faults(configuration: &Value) -> Vec<String> {
    faults_with(configuration, &mut |_| None)
}

fn faults_with(
    configuration: &Value,
    environment: &mut dyn FnMut(&str) -> Option<String>,
) -> Vec<String> {
    Edge::from_json(configuration.to_string().as_bytes(), environment).err().unwrap_or_default()
}

fn secret() -> String {
    good()["key"]["inline"].as_str().expect("an inline key").to_owned()
}

#[test]
fn the_fixtures_configuration_is_good_and_warns_of_what_the_app_must_do() {
    let warnings = |configuration: &Value| {
        let json = configuration.to_string();
        let edge = Edge::from_json(json.as_bytes(), &mut |_| None).expect("a good configuration");
        edge.warnings().join("\n")
    };
    let own = warnings(&good());
    assert!(own.contains("dialects.bamboocloud.captcha"), "{own}");
    assert!(!own.contains("dialects.authing.keys"), "{own}");
    let left = warnings(&with("/dialects/authing/keys", json!("app")));
    assert!(
        left.contains("dialects.authing.keys") && left.contains("keys add rsa --from"),
        "{left}"
    );
}

#[test]
fn each_fault_is_one_sentence_with_its_place() {
    let tables: [(&str, Value, &str); 31] = [
        ("/audience", Value::Null, "audience: is missing"),
        ("/audience", json!("a b"), "audience: must be"),
        ("/site", json!(7), "site: must be"),
        ("/base_url", Value::Null, "base_url: is missing"),
        ("/base_url", json!("https://example.org/path"), "base_url: must be"),
        ("/base_url", json!("javascript://x"), "base_url: must be"),
        ("/mode", json!("lenient"), "mode: must be"),
        ("/key", Value::Null, "key: must be"),
        ("/key/inline", json!("00"), "key: needs"),
        ("/key/inline", Value::Null, "key: needs exactly one"),
        ("/key/env", json!(KEY), "key: needs exactly one"),
        ("/key/id", json!("a b"), "key: needs"),
        ("/key/more", json!(1), "key.more: is not a key"),
        ("/key_next", json!("edge2"), "key_next: must be"),
        ("/key_next", json!({"id": "edge2", "inline": "00"}), "key_next: needs"),
        ("/key_next", json!({"id": "edge2", "inline": secret()}), "key_next: must have another id"),
        ("/key_next", json!({"id": "edge1", "inline": NEXT}), "key_next: must have another id"),
        ("/allow_inline_key", json!("yes"), "allow_inline_key: must be"),
        ("/origins", json!("http://localhost"), "origins: must be a list"),
        ("/origins", json!(["localhost:3000"]), "origins: each must be"),
        ("/origins", json!(["HTTP://localhost"]), "origins: each must be"),
        ("/dialects", json!({}), "dialects: none is on"),
        ("/dialects/esperanto", json!({}), "dialects.esperanto: is not a key"),
        ("/dialects/native", json!(true), "dialects.native: must be an object"),
        ("/dialects/native/keys", json!("app"), "dialects.native.keys: is not a key"),
        ("/dialects/anqicms/language", json!("ja-JP"), "dialects.anqicms.language: must be one of"),
        ("/dialects/vastly/clients", Value::Null, "dialects.vastly.clients: must be"),
        ("/dialects/vastly/country", json!("+0"), "dialects.vastly.country: must be"),
        (
            "/dialects/vastly/fields",
            json!({"phone": "x"}),
            "dialects.vastly.fields.phone: is not a key",
        ),
        (
            "/dialects/native/paths",
            json!({"confirm": "/api/v3/reset-password"}),
            "has the same path",
        ),
        (
            "/dialects/native/paths",
            json!({"confirm": "/a?b"}),
            "dialects.native.paths.confirm: must be",
        ),
    ];
    for (pointer, value, expected) in tables {
        let faults = faults(&with(pointer, value.clone()));
        assert!(
            faults.iter().any(|fault| fault.contains(expected)),
            "{pointer} = {value}: {faults:#?}"
        );
    }
}

/// Portable mode lets a head go before its body is judged, so no call can pass on.
#[test]
fn portable_mode_wants_shared_paths_exclusive_or_left_to_the_app() {
    let portable = |change: &dyn Fn(&mut Value)| {
        let mut configuration = with("/mode", json!("portable"));
        change(&mut configuration["dialects"]);
        configuration
    };
    let shared = faults(&portable(&|_| ()));
    let places: Vec<&str> = shared.iter().filter_map(|fault| fault.split(": ").next()).collect();
    let wanted = [
        "dialects.anqicms.paths.initiate",
        "dialects.authing.paths.initiate-email",
        "dialects.authing.paths.initiate-sms",
        "dialects.bamboocloud.paths.initiate-email",
        "dialects.bamboocloud.paths.initiate-sms",
        "dialects.bamboocloud.paths.confirm-email",
        "dialects.bamboocloud.paths.confirm-sms",
    ];
    assert_eq!(places, wanted, "{shared:#?}");
    assert!(shared.iter().all(|fault| fault.contains("\"exclusive\": true")), "{shared:#?}");
    let settled = portable(&|dialects| {
        dialects["anqicms"]["paths"] = json!({"initiate": false});
        dialects["authing"]["exclusive"] = json!(true);
        dialects["bamboocloud"]["exclusive"] = json!(true);
    });
    let edge = Edge::from_json(settled.to_string().as_bytes(), &mut |_| None).unwrap();
    assert_eq!(edge.mode(), Mode::Portable);
    let alone = with("/dialects/native/exclusive", json!(true));
    assert!(faults(&alone)[0].contains("dialects.native.exclusive: is not a key"));
}

#[test]
fn all_faults_are_told_at_once() {
    let mut configuration = with("/audience", json!("a b"));
    configuration["base_url"] = json!("ftp://x");
    configuration["colour"] = json!("blue");
    configuration["dialects"]["authing"]["keys"] = json!("ours");
    configuration["dialects"]["bamboocloud"]["clients"] = json!([{"id": "x y"}, 7]);
    configuration["dialects"]["vastly"]["mobile"] = json!("true");
    let faults = faults(&configuration);
    for place in [
        "audience",
        "base_url",
        "colour",
        "dialects.authing.keys",
        "dialects.bamboocloud.clients[].id",
        "dialects.bamboocloud.clients:",
        "dialects.vastly.mobile",
    ] {
        let named = faults.iter().filter(|fault| fault.starts_with(place)).count();
        assert_eq!(named, 1, "{place} in {faults:#?}");
    }
}

#[test]
fn unknown_keys_are_told_with_the_known_ones() {
    let faults = faults(&with("/orgins", json!([])));
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(
        faults[0].starts_with("orgins: is not a key; known are") && faults[0].contains("origins")
    );
}

#[test]
fn what_is_no_strict_object_is_refused() {
    for text in ["", "[]", "{", "{\"audience\":\"a\",\"audience\":\"b\"}", "\u{feff}{}", "{} {}"] {
        let faults = Edge::from_json(text.as_bytes(), &mut |_| None).expect_err(text);
        assert_eq!(faults.len(), 1, "{text}: {faults:#?}");
    }
}

#[test]
fn keys_that_stand_in_documents_are_refused() {
    let counted: String = (0..32).map(|byte| format!("{byte:02x}")).collect();
    for example in ["00".repeat(32), "ab".repeat(32), counted] {
        for place in ["key", "key_next"] {
            let key = json!({"id": "edge2", "inline": example});
            let faults = faults(&with(&format!("/{place}"), key));
            let told = format!("{place}: is an example key");
            assert!(faults.iter().any(|fault| fault.contains(&told)), "{example}: {faults:#?}");
        }
    }
}

#[test]
fn a_key_comes_from_the_environment_unless_it_is_a_demonstration() {
    let refused = faults(&with("/allow_inline_key", Value::Null));
    assert!(
        refused.iter().any(|fault| fault.starts_with("key.inline:") && fault.contains("\"env\"")),
        "{refused:#?}"
    );
    let named = with("/key", json!({"id": "edge1", "env": KEY}));
    let missing = faults(&named);
    assert!(
        missing
            .iter()
            .any(|fault| fault.starts_with("key.env:") && fault.contains("host_env_keys")),
        "{missing:#?}"
    );
    let found = faults_with(&named, &mut |name| (name == KEY).then(secret));
    assert!(found.is_empty(), "{found:#?}");
}

/// An exchange can only fail where nobody waits for it: before it.
#[test]
fn the_next_key_is_judged_and_signs_nothing() {
    let mut named = with("/key", json!({"id": "edge1", "env": KEY}));
    named["key_next"] = json!({"id": "edge2", "env": KEY_NEXT});
    let found = |name: &str| match name {
        KEY => Some(secret()),
        KEY_NEXT => Some(NEXT.to_owned()),
        _ => None,
    };
    let edge = Edge::from_json(named.to_string().as_bytes(), &mut { found }).expect("two keys");
    assert_eq!(edge.key().id().as_str(), "edge1");
    let unset = faults_with(&named, &mut |name| (name == KEY).then(secret));
    assert_eq!(unset.len(), 1, "{unset:#?}");
    assert!(unset[0].starts_with("key_next.env: the variable is not set"), "{unset:#?}");
    let told = faults_with(&named, &mut |_| Some(NEXT.to_owned()));
    assert!(told[0].starts_with("key_next: must have") && !told[0].contains(NEXT), "{told:#?}");
}

#[test]
fn keys_and_captchas_must_be_chosen_and_captchas_are_not_ours_yet() {
    for place in ["/dialects/authing/keys", "/dialects/bamboocloud/captcha"] {
        let own = place.ends_with("captcha").then(|| (json!("own"), "choose \"app\""));
        let wrong = [(Value::Null, "must be chosen"), (json!(1), "must be chosen")];
        for (value, remedy) in wrong.into_iter().chain(own) {
            let faults = faults(&with(place, value));
            let named = place.trim_start_matches('/').replace('/', ".");
            assert!(
                faults.iter().any(|fault| fault.starts_with(&named) && fault.contains(remedy)),
                "{faults:#?}"
            );
        }
    }
}

#[test]
fn no_fault_tells_the_key() {
    let secret = secret();
    let mut configuration = with("/key/id", json!("a b"));
    configuration["allow_inline_key"] = json!(false);
    assert!(faults(&configuration).iter().all(|fault| !fault.contains(&secret)));
}

fn wasm() -> Module {
    let file = target().join("wasm32-wasip1/wasm/filter.wasm");
    Module::load(&file)
        .unwrap_or_else(|error| panic!("./just wasm first: {}: {error}", file.display()))
}

fn options(configuration: &Value) -> Options {
    Options { configuration: configuration.to_string().into_bytes(), ..Options::default() }
}

#[test]
fn the_real_filter_refuses_to_start_and_logs_why() {
    let module = wasm();
    let mut bad = with("/audience", json!("a b"));
    bad["colour"] = json!("blue");
    let fault = module.start(&options(&bad)).expect_err("a bad configuration");
    assert_eq!(fault.kind, StartFaultKind::Configure);
    let log: Vec<&str> =
        fault.log.iter().filter(|line| line.level == 4).map(|line| line.text.as_str()).collect();
    assert_eq!(log.len(), 2, "{log:#?}");
    assert!(
        log[0].contains("audience: must be") && log[1].contains("colour: is not a key"),
        "{log:#?}"
    );
}

#[test]
fn the_real_filter_reads_its_key_from_the_environment() {
    let module = wasm();
    let named = with("/key", json!({"id": "edge1", "env": KEY}));
    assert_eq!(module.start(&options(&named)).expect_err("no key").kind, StartFaultKind::Configure);
    let environment = vec![(KEY.to_owned(), secret())];
    module.start(&Options { environment, ..options(&named) }).expect("a key");
    let odd = vec![(KEY.to_owned(), String::new())];
    assert!(module.start(&Options { environment: odd, ..options(&named) }).is_err());
}

fn nowhere(configuration: &Value) -> EnvoyOptions {
    let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    let mut options = EnvoyOptions::new(nobody, nobody, nobody);
    options.plugin_config = Some(format!("{configuration:#}"));
    options
}

#[test]
fn envoy_validates_a_good_configuration_and_shows_the_faults_of_a_bad_one() {
    let (status, log) = Envoy::validate(&nowhere(&good())).expect("envoy");
    assert!(status.success(), "{log}");
    let mut bad = with("/audience", json!("a b"));
    bad["colour"] = json!("blue");
    let (status, log) = Envoy::validate(&nowhere(&bad)).expect("envoy");
    assert!(!status.success());
    assert!(log.contains("audience: must be") && log.contains("colour: is not a key"), "{log}");
}

#[test]
fn the_shipped_configuration_is_good_once_it_has_its_key() {
    let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    let options = EnvoyOptions::new(nobody, nobody, nobody);
    let (status, log) = Envoy::validate(&options.clone().env(KEY, &secret())).expect("envoy");
    assert!(status.success(), "{log}");
    let (status, log) = Envoy::validate(&options).expect("envoy");
    assert!(!status.success() && log.contains("key.env"), "{log}");
}
