//! A gateway of one deployment before a sidecar of another: nothing happens, the client hears the dialect's busy, and both
//! sides tell why.

use rekey_tests::http::Call;
use rekey_tests::stage::{App, Envoy, EnvoyOptions, Sidecar, until};

use crate::envoy::{edge_key, initiate, plugin};

#[test]
fn staging_is_not_heard_in_production() {
    let (dir, app) = (tempfile::tempdir().unwrap(), App::start().unwrap());
    let toml = "data = \"data\"\naudience = \"production\"\n[mail]\nrelay = \"smtp://127.0.0.1:9\"\n[listen]\nsigned = \"127.0.0.1:0\"\npublic = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n";
    let sidecar = Sidecar::start(toml, dir.path()).unwrap();
    // Even with production's own key.
    let (id, digits) = edge_key(dir.path());
    let (signed, public) = (sidecar.addr("signed").unwrap(), sidecar.addr("public").unwrap());
    let mut options = EnvoyOptions::new(signed, public, app.addr()).env("REKEY_EDGE_KEY", &digits);
    let shipped = plugin(&options, &id);
    options.plugin_config =
        Some(shipped.replacen("\"audience\": \"default\"", "\"audience\": \"staging\"", 1));
    let envoy = Envoy::start(&options).unwrap();
    let reply = initiate().send(envoy.addr()).unwrap();
    assert_eq!(reply.status, 503);
    assert!(reply.text().contains("\"code\":\"busy\""), "{}", reply.text());
    let log = sidecar.log();
    let line = log.lines().find(|line| line.contains("\"event\":\"unsigned\"")).unwrap();
    assert!(line.contains("for another deployment") && line.contains("`audience`"), "{line}");
    assert!(line.contains("\"remedy\""), "{line}");
    let metrics = Call::get("/metrics").send(sidecar.addr("admin").unwrap()).unwrap().text();
    for counted in [
        "rekey_requests_total{operation=\"initiate\",outcome=\"unsigned\"} 1\n",
        "rekey_events_total{event=\"unsigned\",reason=\"audience\"} 1\n",
    ] {
        assert!(metrics.contains(counted), "{counted} is not in\n{metrics}");
    }
    let counted = "rekey_edge_requests_total{dialect=\"native\",operation=\"initiate\",outcome=\"unsigned\"} 1\n";
    until("the gateway's count", || {
        let text = Call::get("/stats/prometheus").send(envoy.admin())?.text();
        Ok(text.contains(counted).then_some(()))
    })
    .unwrap();
    assert!(app.requests().is_empty());
}
