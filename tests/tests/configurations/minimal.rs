//! `minimal.yaml`: a password is really reset through it; without its key it does not start; what fails is said in the
//! dialect's words.

use rekey_tests::house::{ANN, House, NEW, token_in};
use rekey_tests::http::Call;
use rekey_tests::stage::{App, Envoy, EnvoyOptions};
use serde_json::json;

use crate::rig::{Rig, ask};

#[test]
fn minimal_resets_a_password() {
    let (house, app) = (House::build(), App::start().unwrap());
    let line = std::fs::read_to_string(house.data(0).join("keys/edge")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let options = EnvoyOptions::new(house.signed(), house.signed(), app.addr())
        .file("minimal.yaml")
        .swap("\"audience\": \"default\"", "\"audience\": \"demo\"")
        .swap("\"edge1\"", format!("\"{}\"", words[1]))
        .env("REKEY_EDGE_KEY", words[2]);
    let envoy = Envoy::start(&options).unwrap();
    let send = |path: &str, body: serde_json::Value| {
        Call::post_json(path, body.to_string()).send(envoy.addr()).unwrap()
    };
    let asked = send("/reset/v1/initiate", json!({"channel": "email", "to": ANN}));
    assert_eq!(asked.status, 202, "{}", asked.text());
    let token = token_in(house.mailbox.wait_for(ANN, 1).unwrap()[0].text());
    let wrong = send("/reset/v1/confirm", json!({"token": "0".repeat(64), "password": NEW}));
    assert_eq!(wrong.status, 400, "{}", wrong.text());
    let done = send("/reset/v1/confirm", json!({"token": token, "password": NEW}));
    assert_eq!(done.status, 200, "{}", done.text());
    assert!(house.has_password(ANN, NEW) && app.requests().is_empty());
}

#[test]
fn minimal_refuses_to_start_without_its_key() {
    let nowhere = "127.0.0.1:1".parse().unwrap();
    let options = EnvoyOptions::new(nowhere, nowhere, nowhere).file("minimal.yaml");
    let (status, log) = Envoy::validate(&options).unwrap();
    assert!(!status.success() && log.contains("key.env: the variable is not set"), "{log}");
}

#[test]
fn minimal_is_safe_when_what_is_behind_it_fails() {
    let mut rig = Rig::start("minimal.yaml", |options| options);
    rig.serves();
    let seen = rig.passes(&Call::get("/any?x=1").header("x-rekey-operation", "confirm"));
    assert_eq!((seen.target.as_str(), seen.header("x-rekey-operation")), ("/any?x=1", None));
    assert_eq!(rig.send(&Call::post_json("/RESET/v1/confirm;x", "{}")).status, 404);
    rig.sidecar.stop();
    let reply = rig.send(&ask());
    assert_eq!((reply.status, reply.header("retry-after").as_deref()), (503, Some("5")));
    assert!(reply.text().contains("\"code\":\"busy\"") && rig.app.requests().is_empty());
}
