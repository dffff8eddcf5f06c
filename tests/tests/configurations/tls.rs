//! `tls.yaml`: a real sidecar behind TLS with client certificates, clients before TLS; whom the gateway does not know gets no
//! message.

use std::path::Path;

use rekey_tests::stage::{App, Envoy, EnvoyOptions, Sidecar};

use crate::authority::{Authority, place};
use crate::client;
use crate::rig::{ASK, INITIATE};

/// Somebody who was not written to a moment ago.
const OTHER: &str = r#"{"channel":"email","to":"jo.other@example.com"}"#;

const SIDECAR: &str = "data = \"data\"\n[mail]\nrelay = \"smtp://127.0.0.1:9\"\n[listen]\nsigned = \"127.0.0.1:0\"\npublic = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n\
     [listen.tls]\ncertificate = \"file:sidecar.pem\"\nkey = \"file:sidecar.key\"\nclient_ca = \"file:ca.pem\"\nclient_names = \"edge.internal\"\n";

/// All certificates are of one authority; what tells them apart are their names.
fn certify(dir: &Path) {
    let authority = Authority::draw("ours");
    for (name, stem) in
        [("gateway.example", "gateway"), ("edge.internal", "edge"), ("sidecar.internal", "sidecar")]
    {
        authority.certify(&[name]).write(dir, stem);
    }
    for name in ["ca.pem", "sidecars-ca.pem"] {
        place(&dir.join(name), authority.pem());
    }
}

fn gateway(dir: &Path, sidecar: &Sidecar, app: &App) -> EnvoyOptions {
    let line = std::fs::read_to_string(dir.join("data/keys/edge")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let signed = sidecar.addr("signed").unwrap();
    EnvoyOptions::new(signed, signed, app.addr())
        .file("tls.yaml")
        .swap("/etc/rekey/tls/", format!("{}/", dir.display()))
        .swap("127.0.0.1, port_value: 8443", "\"127.0.0.1\", port_value: 0")
        .swap("\"edge1\"", format!("\"{}\"", words[1]))
        .env("REKEY_EDGE_KEY", words[2])
}

#[test]
fn tls_in_front_and_behind_brings_resets() {
    let (dir, app) = (tempfile::tempdir().unwrap(), App::start().unwrap());
    certify(dir.path());
    let sidecar = Sidecar::start(SIDECAR, dir.path()).unwrap();
    let options = gateway(dir.path(), &sidecar, &app);
    let (status, log) = Envoy::validate(&options).unwrap();
    assert!(status.success(), "{log}");
    let envoy = Envoy::start(&options).unwrap();
    let post = |to: &Envoy, protocol, body| {
        client::post(to.addr(), &dir.path().join("ca.pem"), protocol, INITIATE, body)
    };
    for (protocol, body) in [("h2", ASK), ("http/1.1", OTHER)] {
        let (status, head) = post(&envoy, protocol, body);
        assert_eq!(status, 202, "{protocol} {head:?}\n{}", sidecar.log());
    }
    assert_eq!(
        envoy.stat("cluster.rekey_sidecar.ssl.handshake").unwrap().map(|n| n > 0),
        Some(true)
    );
    // With the gateway's other certificate the sidecar does not let it in; a sidecar by another name is none.
    for (old, new) in
        [("edge.pem", "gateway.pem"), ("exact: sidecar.internal", "exact: edge.internal")]
    {
        let options = gateway(dir.path(), &sidecar, &app).swap(old, new);
        let options =
            if old == "edge.pem" { options.swap("edge.key", "gateway.key") } else { options };
        let other = Envoy::start(&options).unwrap();
        assert_eq!(post(&other, "h2", ASK).0, 503, "{new}");
    }
    assert!(app.requests().is_empty());
}
