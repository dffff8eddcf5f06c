//! A gateway that sends a POST again, as the shipped one does: the real Envoy, with a sidecar whose first answers are lost.
//! Each message comes twice under its id, and nothing happens twice.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::thread::spawn;
use std::time::Duration;

use rekey_tests::house::{ANN, Crew, NEW, Plan, code_in};
use rekey_tests::http::{Call, Reply};
use rekey_tests::stage::{Answer, App, Envoy, EnvoyOptions, Reaction, Received, Relay, Server};
use serde_json::{Value, json};

/// What one hash takes at most on a machine that is not overloaded: many times what it takes at the default cost.
const HASH: Duration = Duration::from_millis(500);

/// When the first connection of a message is closed.
#[derive(Clone, Copy)]
enum Lost {
    /// The sidecar has answered.
    Answer,
    /// The sidecar is at work on it.
    Request,
}

fn again(request: &Received) -> Call {
    let call = Call::new(&request.method, &request.target).body(&request.body);
    let ours = |name: &str| !["content-length", "host"].contains(&name);
    let passed = request.headers.iter().filter(|(name, _)| ours(&name.to_lowercase()));
    passed.fold(call, |call, (name, value)| call.header(name, value))
}

fn answer(reply: Reply) -> Reaction {
    let text = |(name, value): (String, Vec<u8>)| (name, String::from_utf8(value).unwrap());
    let passes = |(name, _): &(String, _)| !name.eq_ignore_ascii_case("content-length");
    let headers = reply.headers.into_iter().map(text).filter(passes).collect();
    Reaction::Answer(Answer { status: reply.status, headers, body: reply.body })
}

/// The way to a sidecar, on which each message is lost once.
fn lossy(door: SocketAddr, lost: Lost) -> Server {
    let seen = Mutex::new(HashSet::new());
    let react = move |request: &Received| {
        let call = again(request);
        if !seen.lock().unwrap().insert(request.body.clone()) {
            return answer(call.send(door).unwrap());
        }
        match lost {
            Lost::Answer => drop(call.send(door).unwrap()),
            Lost::Request => drop(spawn(move || call.send(door))),
        }
        Reaction::Close
    };
    Server::start(react).unwrap()
}

/// The shipped gateway before that way, signing as this crew's edge.
fn gateway(crew: &Crew, way: &Server, app: &App) -> Envoy {
    let line = std::fs::read_to_string(crew.data(0).join("keys/edge")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut options = EnvoyOptions::new(way.addr(), app.addr(), app.addr());
    let mut edge: Value = serde_json::from_str(&options.shipped_config().unwrap()).unwrap();
    edge["audience"] = json!("demo");
    edge["key"]["id"] = json!(words[1]);
    options.plugin_config = Some(format!("{edge:#}"));
    Envoy::start(&options.env("REKEY_EDGE_KEY", words[2])).unwrap()
}

fn ask(envoy: &Envoy, path: &str, body: &Value) -> Value {
    let call = Call::post_json(path, body.to_string()).header("x-authing-app-id", "app1");
    let said = call.send(envoy.addr()).unwrap().json().unwrap();
    assert_eq!(said["statusCode"], 200, "{path}: {said}");
    said
}

fn a_reset_whose_messages_are_all_lost_once(lost: Lost) {
    let (relay, app) = (Relay::start().unwrap(), App::start().unwrap());
    let crew = Crew::start(&Plan::default(), relay.addr());
    let way = lossy(crew.signed(), lost);
    let envoy = gateway(&crew, &way, &app);
    let hashed = crew.metric("rekey_hashes_total");
    let body = json!({"channel": "CHANNEL_RESET_PASSWORD", "email": ANN});
    ask(&envoy, "/api/v3/send-email", &body);
    let code = code_in(relay.wait_for(ANN, 1).unwrap()[0].mail.text());
    let passcode = json!({"email": ANN, "passCode": code});
    let body = json!({"verifyMethod": "EMAIL_PASSCODE", "emailPassCodePayload": passcode});
    let said = ask(&envoy, "/api/v3/verify-reset-password-request", &body);
    let body = json!({"passwordResetToken": said["data"]["passwordResetToken"], "password": NEW});
    ask(&envoy, "/api/v3/reset-password", &body);
    crew.settle();
    let seen: Vec<Vec<u8>> = way.requests().into_iter().map(|request| request.body).collect();
    assert_eq!(seen.len(), 6, "three messages, each twice");
    assert!(seen.chunks(2).all(|twice| twice[0] == twice[1]), "a repeat has its message's bytes");
    assert_eq!(crew.count(&format!("ask WHERE address = '{ANN}'")), 1);
    assert_eq!(crew.count("proof_grant"), 1);
    assert_eq!(crew.resets("a1"), 1);
    assert_eq!(crew.metric("rekey_hashes_total") - hashed, 1, "one hash");
    assert_eq!(relay.to(ANN).len(), 2, "the code's mail, and the one after the reset");
    assert!(crew.has_password(ANN, NEW) && app.requests().is_empty());
}

#[test]
fn a_gateways_repeat_of_a_lost_answer_gets_it() {
    a_reset_whose_messages_are_all_lost_once(Lost::Answer);
}

#[test]
fn a_gateways_repeat_beside_its_first_does_nothing_twice() {
    a_reset_whose_messages_are_all_lost_once(Lost::Request);
}

/// Every route to the sidecar, as Envoy itself understood the shipped file.
fn routes(envoy: &Envoy) -> Vec<Value> {
    fn find(value: &Value, found: &mut Vec<Value>) {
        match value {
            Value::Object(members) if members.get("cluster") == Some(&json!("rekey_sidecar")) => {
                found.push(value.clone());
            }
            Value::Object(members) => members.values().for_each(|value| find(value, found)),
            Value::Array(values) => values.iter().for_each(|value| find(value, found)),
            _ => {}
        }
    }
    let dump = Call::get("/config_dump").send(envoy.admin()).unwrap().json().unwrap();
    let mut found = Vec::new();
    find(&dump, &mut found);
    found
}

fn span(value: &Value) -> Duration {
    let text = value.as_str().unwrap_or_else(|| panic!("no time: {value}"));
    Duration::from_secs_f64(text.strip_suffix('s').unwrap().parse().unwrap())
}

/// Otherwise a busy moment makes the gateway send a password again that is about to be hashed.
#[test]
fn a_try_of_the_gateway_outlasts_the_hashers_queue_and_a_hash() {
    let app = App::start().unwrap();
    let options = EnvoyOptions::new(app.addr(), app.addr(), app.addr());
    let envoy =
        Envoy::start(&options.env("REKEY_EDGE_KEY", &"9f3c1b7ae04d5862".repeat(4))).unwrap();
    let password = sidecar::config::Config::load(None).unwrap().password;
    let routes = routes(&envoy);
    assert!(routes.len() >= 3, "{routes:#?}");
    for route in routes {
        let retry = &route["retry_policy"];
        let one = span(&retry["per_try_timeout"]);
        assert!(one > password.deadline + HASH, "{one:?}: {route:#}");
        assert!(span(&route["timeout"]) >= 2 * one, "no time for a second try: {route:#}");
        assert!((1..=2).contains(&retry["num_retries"].as_u64().unwrap()), "{route:#}");
        for reason in ["connect-failure", "reset"] {
            let on = retry["retry_on"].as_str().unwrap();
            assert!(on.split(',').any(|one| one == reason), "{reason}: {route:#}");
        }
    }
}
