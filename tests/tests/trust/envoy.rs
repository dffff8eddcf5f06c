//! A real Envoy and a real sidecar, over TLS with client certificates and over a Unix socket.

use std::net::SocketAddr;
use std::path::Path;

use rekey_tests::http::{Call, Reply};
use rekey_tests::stage::{App, Envoy, EnvoyOptions, Sidecar, root, until};

use crate::authority::{Authority, Pair, place};

const CLUSTER: &str = "    - name: rekey_sidecar\n      connect_timeout: 0.5s\n";
const ADDRESS: &str = "socket_address: { address: 127.0.0.1, port_value: 7080 }";

pub(crate) fn initiate() -> Call {
    Call::post_json("/reset/v1/initiate", r#"{"channel":"email","to":"nobody@example.com"}"#)
}

/// The digits of the sidecar's own edge key, as they stand in its file.
pub(crate) fn edge_key(dir: &Path) -> (String, String) {
    let line = std::fs::read_to_string(dir.join("data/keys/edge")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    (words[1].to_owned(), words[2].to_owned())
}

/// The shipped plugin configuration, signed by this key's id.
pub(crate) fn plugin(options: &EnvoyOptions, id: &str) -> String {
    let shipped = options.shipped_config().unwrap();
    assert_eq!(shipped.matches("\"edge1\"").count(), 1);
    shipped.replace("\"edge1\"", &format!("\"{id}\""))
}

/// Options for an Envoy before this sidecar, whose template is the shipped one, changed.
fn options(
    dir: &Path,
    (signed, public): (SocketAddr, SocketAddr),
    app: &App,
    change: impl Fn(&str) -> String,
) -> EnvoyOptions {
    let (id, digits) = edge_key(dir);
    let mut options = EnvoyOptions::new(signed, public, app.addr()).env("REKEY_EDGE_KEY", &digits);
    options.plugin_config = Some(plugin(&options, &id));
    let text = std::fs::read_to_string(root().join("envoy/envoy.yaml")).unwrap();
    options.template = dir.join("template.yaml");
    std::fs::write(&options.template, change(&text)).unwrap();
    options
}

/// What a team writes into the cluster for TLS with a certificate of the gateway's own.
fn tls(dir: &Path, has_certificate: bool) -> String {
    let file = |name: &str| dir.join(name).display().to_string();
    let own = format!(
        "            tls_certificates:\n              - certificate_chain: {{ filename: {} }}\n                private_key: {{ filename: {} }}\n",
        file("gateway.pem"),
        file("gateway.key")
    );
    format!(
        "      transport_socket:\n        name: envoy.transport_sockets.tls\n        typed_config:\n          \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext\n          sni: localhost\n          common_tls_context:\n{}            validation_context:\n              trusted_ca: {{ filename: {} }}\n              match_typed_subject_alt_names: [{{ san_type: DNS, matcher: {{ exact: localhost }} }}]\n",
        if has_certificate { own.as_str() } else { "" },
        file("door-ca.pem")
    )
}

fn toml(listen: &str) -> String {
    format!(
        "data = \"data\"\n[mail]\nrelay = \"smtp://127.0.0.1:9\"\n[listen]\npublic = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n{listen}\n"
    )
}

fn through(envoy: &Envoy) -> Reply {
    initiate().send(envoy.addr()).unwrap()
}

#[test]
fn envoy_gets_in_with_a_certificate_of_ours_and_with_no_other() {
    let (dir, app, ca) =
        (tempfile::tempdir().unwrap(), App::start().unwrap(), Authority::draw("ours"));
    ca.certify(&["localhost"]).write(dir.path(), "door");
    place(&dir.path().join("door-ca.pem"), ca.pem());
    let listen = "signed = \"127.0.0.1:0\"\n[listen.tls]\ncertificate = \"file:door.pem\"\nkey = \"file:door.key\"\nclient_ca = \"file:door-ca.pem\"\nclient_names = \"gateway.example.com\"";
    let sidecar = Sidecar::start(&toml(listen), dir.path()).unwrap();
    let doors = (sidecar.addr("signed").unwrap(), sidecar.addr("public").unwrap());
    let ours = &["gateway.example.com"];
    let cases: [(&str, Option<Pair>, u16); 5] = [
        ("ours", Some(ca.certify(ours)), 202),
        ("none", None, 503),
        ("of another CA", Some(Authority::draw("theirs").certify(ours)), 503),
        ("ended", Some(ca.certify_late(ours)), 503),
        ("of another name", Some(ca.certify(&["printer.example.com"])), 503),
    ];
    for (case, own, status) in cases {
        if let Some(own) = &own {
            own.write(dir.path(), "gateway");
        }
        let options = options(dir.path(), doors, &app, |text| {
            assert_eq!(text.matches(CLUSTER).count(), 1);
            text.replacen(CLUSTER, &format!("{CLUSTER}{}", tls(dir.path(), own.is_some())), 1)
        });
        let envoy = Envoy::start(&options).unwrap();
        let reply = through(&envoy);
        assert_eq!(reply.status, status, "{case}: {}", reply.text());
        assert_eq!(reply.text().contains("\"busy\""), status == 503, "{case}: {}", reply.text());
    }
    let said = sidecar.log();
    for reason in ["no_certificate", "unknown_ca", "expired", "name"] {
        assert!(said.contains(&format!("\"reason\":\"{reason}\"")), "{reason}: {said}");
    }
    assert!(app.requests().is_empty());
}

#[test]
fn envoy_reaches_the_sidecar_over_a_unix_socket() {
    let (dir, app) = (tempfile::tempdir().unwrap(), App::start().unwrap());
    let sidecar = Sidecar::start(&toml("signed = \"unix:signed.sock\""), dir.path()).unwrap();
    let public = sidecar.addr("public").unwrap();
    let socket = dir.path().join("signed.sock");
    let pipe = format!("pipe: {{ path: {} }}", socket.display());
    let mut options = options(dir.path(), (public, public), &app, |text| {
        // The place of the port is still looked for.
        text.replacen(ADDRESS, &format!("{pipe} # {ADDRESS}"), 1)
    });
    options.limits = rekey_tests::stage::Limits::Loose;
    let envoy = Envoy::start(&options).unwrap();
    assert_eq!(through(&envoy).status, 202);
    let log = sidecar.log();
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&socket).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o660, "{log}");
    until("the look-up's end", || Ok(sidecar.log().contains("ask_ended").then_some(()))).unwrap();
}
