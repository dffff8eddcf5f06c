//! A trace's id goes from the gateway's client through to the sidecar's log, and nothing else of what he sends there.

use rekey_tests::http::Call;
use rekey_tests::installation::{Gateway, Home, Installation, Plan, free_port};
use rekey_tests::stage::until;
use serde_json::Value;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

pub(crate) fn install(home: &tempfile::TempDir, gateway: Gateway) -> Installation {
    let plan = Plan {
        home: home.path().to_owned(),
        port: free_port().unwrap(),
        gateway,
        accounts: Home::Embedded,
        limits: "",
        sections: String::new(),
        language: None,
    };
    Installation::start(&plan, &mut |_| {}).unwrap()
}

pub(crate) fn ask(to: &str) -> Call {
    Call::post_json("/reset/v1/initiate", format!(r#"{{"channel":"email","to":"{to}"}}"#))
}

/// What the log says of the answers: the traces, in order.
fn traces(log: &str) -> Vec<Option<String>> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let answers = lines.filter(|line| line["event"] == "answered");
    answers.map(|line| line.get("trace")?.as_str().map(str::to_owned)).collect()
}

fn the_trace_is_in_the_log(gateway: Gateway) {
    let home = tempfile::tempdir().unwrap();
    let installation = install(&home, gateway);
    let good = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let bad = format!("00-{TRACE}-00f067aa0ba902b7-01-smuggled-in\"}}");
    for (n, header) in
        [Some(("traceparent", &good)), Some(("traceparent", &bad)), None].into_iter().enumerate()
    {
        let call = ask(&format!("jo{n}@example.com"));
        let call = header.iter().fold(call, |call, (name, value)| call.header(name, value));
        let reply = call.header("tracestate", "vendor=state").send(installation.gateway()).unwrap();
        assert_eq!(reply.status, 202, "{}", reply.text());
    }
    let found = || Ok(Some(traces(&installation.logs().sidecar)).filter(|found| found.len() == 3));
    let found = until("three answers in the log", found).unwrap();
    assert_eq!(found, [Some(TRACE.to_owned()), None, None]);
    let logs = installation.logs();
    for part in ["smuggled-in", "vendor=state", "00f067aa0ba902b7"] {
        for log in [&logs.sidecar, &logs.gateway] {
            let found = log.lines().find(|line| line.contains(part));
            assert_eq!(found, None, "{part}");
        }
    }
    if gateway == Gateway::Edge {
        assert_eq!(traces(&logs.gateway), [Some(TRACE.to_owned()), None, None]);
    }
}

#[test]
fn a_trace_is_in_the_sidecars_log_behind_envoy() {
    the_trace_is_in_the_log(Gateway::Envoy);
}

#[test]
fn a_trace_is_in_both_logs_behind_rekey_edge() {
    the_trace_is_in_the_log(Gateway::Edge);
}
