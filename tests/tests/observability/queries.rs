//! Dashboard and alerts: Prometheus' own tool understands every query, and what they ask for is exposed by a real Envoy, a
//! real `rekey edge` and a real sidecar.

use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use rekey_tests::http::Call;
use rekey_tests::installation::Gateway;
use rekey_tests::stage::{App, Edge, EdgeOptions, root, until};
use serde_json::Value;

use crate::authority::Authority;
use crate::exposition::{Exposition, pairs};
use crate::labels::{KEY, is_outcome};
use crate::traces::{ask, install};

fn file(name: &str) -> PathBuf {
    root().join("envoy/observability").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap()
}

fn promtool(rules: &Path) {
    let named = std::env::var_os("REKEY_PROMTOOL").filter(|name| !name.is_empty());
    let program = named.map_or_else(|| root().join("target/prometheus/promtool"), PathBuf::from);
    let told = Command::new(program).args(["check", "rules"]).arg(rules).output();
    let told = told.expect("run ./just setup, or name promtool in REKEY_PROMTOOL");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
}

/// The queries of all panels.
fn of_dashboard() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&read("dashboard.json")).unwrap();
    assert!(dashboard["schemaVersion"].as_u64() >= Some(39));
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    targets
        .map(|target| target["expr"].as_str().unwrap().replace("$__rate_interval", "5m"))
        .collect()
}

/// The queries of all alerts: from `expr:` to the next key.
fn of_alerts() -> Vec<String> {
    let text = read("alerts.yaml");
    let query = Regex::new(r"(?s)\n        expr: (.*?)\n        (?:for|labels):").unwrap();
    let found: Vec<String> =
        query.captures_iter(&text).map(|found| found[1].replace(">-", "")).collect();
    assert_eq!(found.len(), text.matches("- alert:").count());
    found
}

#[test]
fn prometheus_understands_alerts_and_dashboard() {
    promtool(&file("alerts.yaml"));
    let dir = tempfile::tempdir().unwrap();
    let rules: Vec<Value> = of_dashboard()
        .iter()
        .enumerate()
        .map(|(n, query)| serde_json::json!({"record": format!("panel:{n}"), "expr": query}))
        .collect();
    let groups = serde_json::json!({"groups": [{"name": "dashboard", "rules": rules}]});
    let rules = dir.path().join("dashboard.yaml");
    std::fs::write(&rules, groups.to_string()).unwrap();
    promtool(&rules);
}

/// Asks, answers, refusals and faults, as far as names and labels of metrics come with them.
fn evening() -> Exposition {
    let home = tempfile::tempdir().unwrap();
    let installation = install(&home, Gateway::Envoy);
    let (app, gateway) = (App::start().unwrap(), installation.gateway());
    let nobody = "127.0.0.1:1".parse().unwrap();
    let mut options = EdgeOptions::new(nobody, app.addr(), KEY).unwrap();
    let edge = Edge::start(&options).unwrap();
    Authority::draw("ours").certify(&["localhost"]).write(home.path(), "front");
    let front = home.path().join("front").display().to_string();
    options.lines = format!(
        "[edge.listen_tls]\ncertificate = \"file:{front}.pem\"\nkey = \"file:{front}.key\"\n"
    );
    let before_tls = Edge::start(&options).unwrap();
    for place in [gateway, edge.addr()] {
        ask("jo@example.com").send(place).unwrap();
        Call::get("/any").send(place).unwrap();
    }
    let places = [
        (installation.gateway_admin().unwrap(), "/stats/prometheus"),
        (installation.sidecar_admin().unwrap(), "/metrics"),
        (edge.admin().unwrap(), "/metrics"),
        (before_tls.admin().unwrap(), "/metrics"),
    ];
    let whole = || {
        let all = Exposition::scrape(&places);
        let is_counted = all.sum("rekey_asks_ended_total") > 0.5;
        Ok(Some(all).filter(|_| is_counted))
    };
    until("the end of an ask", whole).unwrap()
}

#[test]
fn queries_ask_for_what_is_exposed() {
    let all = evening();
    let selector = Regex::new(r"\b((?:rekey|envoy)_[a-z0-9_]+)(?:\{([^}]*)\})?").unwrap();
    let grouping = Regex::new(r"by \(([a-z_, ]+)\)").unwrap();
    let mut count = 0;
    for query in of_dashboard().into_iter().chain(of_alerts()) {
        let mut known = vec!["le".to_owned()];
        for found in selector.captures_iter(&query) {
            let labels =
                all.labels(&found[1]).unwrap_or_else(|| panic!("no {} in {query}", &found[1]));
            known.extend(labels.keys().cloned());
            for (label, values) in pairs(found.get(2).map_or("", |part| part.as_str())) {
                assert!(labels.contains_key(&label), "{} has no label {label}", &found[1]);
                for value in values.split('|') {
                    let is_exposed = labels[&label].contains(value);
                    assert!(
                        is_exposed || may_come(&label, value),
                        "{label}=\"{value}\" in {query}"
                    );
                }
            }
            count += 1;
        }
        for found in grouping.captures_iter(&query) {
            for label in found[1].split(", ") {
                assert!(known.iter().any(|one| one == label), "{label} in {query}");
            }
        }
    }
    assert!(count > 30, "{count} selectors");
}

/// Values that come with trouble, which this evening has none of: a code of an outcome, an event of the program's source.
fn may_come(label: &str, value: &str) -> bool {
    match label {
        "outcome" => is_outcome(value) || value == "refused",
        "event" => events().contains(&format!("event = \"{value}\"")),
        _ => false,
    }
}

fn events() -> String {
    fn gather(below: &Path, all: &mut String) {
        for entry in std::fs::read_dir(below).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                gather(&path, all);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                all.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut all = String::new();
    gather(&root().join("sidecar/src"), &mut all);
    all
}
