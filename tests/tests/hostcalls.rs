//! How often the filter calls its host in one exchange, call by call: each costs the gateway about as much as the judging of
//! a body. A number that grows here wants a reason in the change that makes it grow.

use std::collections::BTreeMap;

use rekey_tests::stage::{root, target};
use rekey_tests::wasm::{Exchange, Module, Options, Profile, Request, UpstreamReply, Vm};

const ASK: &str = r#"{"channel":"email","to":"ada@example.com"}"#;
const REGISTRATION: &str = r#"{"channel":"CHANNEL_REGISTER","email":"ada@example.com"}"#;

/// One exchange in eight is timed; the first of a VM is, and it defines the metrics as well.
fn second(vm: &mut Vm, path: &str, body: &str) -> Exchange {
    let play = |vm: &mut Vm| {
        let request = Request::new("POST", path).header("content-type", "application/json");
        let request = request.header("x-request-id", "5f0c2a9e-7d51").body(body);
        let outcome = [("rekey-outcome", "accepted")];
        vm.exchange(&request, |_| {
            UpstreamReply::answer(202, &outcome, br#"{"outcome":"accepted"}"#)
        })
    };
    play(vm);
    play(vm)
}

fn vm(profile: Profile) -> Vm {
    let text = std::fs::read_to_string(root().join("tests/fixtures/edge.json")).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    if profile != Profile::EnvoyNatural {
        json["mode"] = "portable".into();
        for dialect in ["anqicms", "authing", "bamboocloud"] {
            json["dialects"][dialect]["exclusive"] = true.into();
        }
    }
    let module = Module::load(&target().join("wasm32-wasip1/wasm/filter.wasm")).unwrap();
    let configuration = json.to_string().into_bytes();
    module.start(&Options { configuration, profile, ..Options::default() }).unwrap()
}

fn told(calls: &BTreeMap<&'static str, u64>) -> String {
    let each: Vec<String> = calls
        .iter()
        .map(|(name, count)| format!("{} {count}", name.trim_start_matches("proxy_")))
        .collect();
    format!("{} in all: {}", calls.values().sum::<u64>(), each.join(", "))
}

#[test]
fn an_exchange_calls_its_host_so_often() {
    let mut natural = vm(Profile::EnvoyNatural);
    let mut portable = vm(Profile::EnvoyPortable);
    let whole = "13 in all: get_buffer_bytes 2, get_current_time_nanoseconds 1, get_header_map_pairs 2, get_property 1, \
                 increment_metric 1, set_buffer_bytes 2, set_header_map_pairs 2, set_property 1, random_get 1";
    let refused = "5 in all: get_buffer_bytes 1, get_header_map_pairs 1, increment_metric 1, \
                   send_local_response 1, set_property 1";
    let passed = "2 in all: get_buffer_bytes 1, get_header_map_pairs 1";
    let table = [
        ("an ask", second(&mut natural, "/reset/v1/initiate", ASK), whole),
        ("an ask, portable", second(&mut portable, "/reset/v1/initiate", ASK), whole),
        ("refused", second(&mut natural, "/reset/v1/initiate", "{"), refused),
        ("the app's", second(&mut natural, "/api/v3/send-email", REGISTRATION), passed),
        ("free", second(&mut natural, "/other", "{}"), "1 in all: get_header_map_pairs 1"),
    ];
    let differ: Vec<String> = table
        .iter()
        .map(|(what, exchange, expected)| (what, told(&exchange.hostcalls), expected))
        .filter(|(_, seen, expected)| seen != *expected)
        .map(|(what, seen, _)| format!("{what}: {seen}"))
        .collect();
    assert!(differ.is_empty(), "\n{}", differ.join("\n"));
}
