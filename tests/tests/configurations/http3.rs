//! `http3.yaml`: the same gateway over HTTP/1.1, HTTP/2 and HTTP/3, each told apart by ALPN.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use rekey_tests::stage::venv;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::authority::{Authority, place};
use crate::client;
use crate::rig::{ASK, INITIATE, Rig};

fn start() -> (TempDir, Rig) {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::draw("ours");
    authority.certify(&["gateway.example", "127.0.0.1"]).write(dir.path(), "gateway");
    place(&dir.path().join("ca.pem"), authority.pem());
    let files = format!("{}/", dir.path().display());
    let rig = Rig::start("http3.yaml", |options| {
        let free = "\"127.0.0.1\", port_value: 0";
        options.swap("/etc/rekey/tls/", files).swap("127.0.0.1, port_value: 8443", free)
    });
    (dir, rig)
}

fn over_quic(port: u16, authority: &Path, requests: &Value) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/configurations/h3.py");
    let mut command = Command::new(venv("python"));
    command.arg(script).arg(port.to_string()).arg(authority);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("run ./just setup");
    child.stdin.take().unwrap().write_all(requests.to_string().as_bytes()).unwrap();
    let told = child.wait_with_output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    serde_json::from_slice(&told.stdout).unwrap()
}

#[test]
fn http3_brings_resets_and_the_apps_requests() {
    let (dir, rig) = start();
    let port = rig.envoy.listener("gateway_quic").unwrap().port();
    let wrong = r#"{"channel":"email","to":"jo","to":"jo"}"#;
    let requests = json!([
        ["POST", INITIATE, ASK],
        ["POST", INITIATE, wrong],
        ["PUT", INITIATE, ASK],
        ["POST", "/Reset/v1/initiate;x", ASK],
        ["POST", "/any", "{\"a\":1}"],
        ["GET", "/any?x=1", ""],
    ]);
    let answers = over_quic(port, &dir.path().join("ca.pem"), &requests);
    let statuses: Vec<u64> =
        answers.as_array().unwrap().iter().map(|answer| answer[0].as_u64().unwrap()).collect();
    assert_eq!(statuses, [202, 400, 405, 404, 200, 200], "{answers:#}");
    assert_eq!(rig.sidecar.requests().len(), 1);
    let seen: Vec<(String, String)> = rig
        .app
        .requests()
        .into_iter()
        .map(|request| (request.target.clone(), request.text()))
        .collect();
    let any = |target: &str, body: &str| (target.to_owned(), body.to_owned());
    assert_eq!(seen, [any("/any", "{\"a\":1}"), any("/any?x=1", "")]);
}

#[test]
fn http3_is_offered_over_tls() {
    let (dir, rig) = start();
    let authority = dir.path().join("ca.pem");
    for protocol in ["h2", "http/1.1"] {
        let (status, head) = client::post(rig.envoy.addr(), &authority, protocol, INITIATE, ASK);
        assert_eq!(status, 202, "{protocol} {head:?}");
        assert!(head["alt-svc"].starts_with("h3=\":8443\""), "{protocol} {head:?}");
    }
    assert!(rig.app.requests().is_empty());
    let protocols: Vec<_> =
        rig.sidecar.requests().iter().map(|seen| seen.header("x-forwarded-proto")).collect();
    assert_eq!(protocols, [Some("https".to_owned()), Some("https".to_owned())]);
}
