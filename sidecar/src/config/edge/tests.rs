//! Whole files: what is read, and which faults are found.

use std::fs;
use std::path::Path;

use super::*;

const FILTER: &str =
    r#"{"audience": "acme", "base_url": "https://id.example.com", "dialects": {"native": {}}}"#;

fn parse(filter: &str, more: &str) -> Result<EdgeConfig, Vec<String>> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("edge.json"), filter).unwrap();
    let text = format!(
        "[edge]\napp = \"http://127.0.0.1:3000\"\nkey = \"file:edge.key\"\nfilter = \"file:edge.json\"\n{more}"
    );
    EdgeConfig::parse(&text, dir.path())
        .map_err(|faults| faults.list().iter().map(ToString::to_string).collect())
}

#[test]
fn what_is_left_out_has_a_default() {
    let config = parse(FILTER, "").unwrap();
    assert_eq!(config.listen, Endpoint::Tcp("127.0.0.1:8080".parse().unwrap()));
    assert_eq!(config.sidecars, [Upstream::Tcp { host: "127.0.0.1".into(), port: 7080 }]);
    assert_eq!(config.client, ClientSource::Connection);
    assert_eq!(config.plan.audience().as_str(), "acme");
    assert!(config.trusted.iter().any(|network| network.holds("127.0.0.1".parse().unwrap())));
}

#[test]
fn a_gateways_configuration_can_be_copied() {
    let copied =
        FILTER.replacen('{', r#"{"mode": "portable", "key": {"id": "a", "env": "B"}, "#, 1);
    let config =
        parse(&copied, "sidecar = [\"unix:a.sock\", \"http://[::1]:7080\"]\ntrusted_hops = 2")
            .unwrap();
    assert_eq!(config.plan.warnings().len(), 1, "{:?}", config.plan.warnings());
    assert_eq!(config.sidecars[1].to_string(), "http://[::1]:7080");
    assert_eq!(config.client, ClientSource::Hops(2));
}

#[test]
fn all_faults_come_at_once() {
    let filter = FILTER.replace("acme", "a c m e").replace("native", "nativ");
    let more = "sidecar = \"http://10.0.0.1:7080\"\nlisten = \"0.0.0.0:80\"\nidel = \"1s\"\nproxy_protocol = 1\ntrusted = [\"10.0.0.1/8\"]";
    let faults = parse(&filter, more).unwrap_err();
    for part in [
        "audience: must be 1 to 64",
        "dialects.nativ: is not a key",
        "edge.sidecar: passwords would cross",
        "edge.listen: passwords would cross",
        "edge.idel: there is no such key\n    did you mean edge.idle?",
        "edge.proxy_protocol: it is neither",
        "edge.trusted: \"10.0.0.1/8\" is no network",
    ] {
        assert!(faults.iter().any(|fault| fault.contains(part)), "{part} is not in {faults:#?}");
    }
    let faults = EdgeConfig::parse("", Path::new(".")).unwrap_err();
    assert_eq!(faults.list().len(), 3, "{faults}");
}

#[test]
fn a_network_is_crossed_by_tls_alone() {
    let own = "[edge.tls]\ncertificate = \"file:c\"\nkey = \"file:k\"\nca = \"file:a\"";
    let with =
        |lines: &str| parse(FILTER, &format!("sidecar = \"https://sidecar.example.com\"\n{lines}"));
    let config = with(own).unwrap();
    assert_eq!(config.sidecars[0].to_string(), "https://sidecar.example.com:443");
    assert_eq!(config.tls.unwrap().name, None);
    let front =
        "listen = \"0.0.0.0:443\"\n[edge.listen_tls]\ncertificate = \"file:c\"\nkey = \"file:k\"";
    assert!(parse(FILTER, front).unwrap().listen_tls.unwrap().clients.is_none());
    let socket = front.replace("0.0.0.0:443", "unix:s");
    let table = [
        (with(""), "edge.sidecar: a sidecar lets nobody in without a certificate"),
        (with(&own.replace("ca =", "name =")), "edge.tls.ca: it is missing"),
        (with(&format!("{own}\nname = \"a b\"")), "edge.tls.name: \"a b\" is no host name"),
        (parse(FILTER, "sidecar = \"http://10.0.0.1\""), "write https:// and set edge.tls"),
        (
            parse(FILTER, "public = \"https://10.0.0.1\""),
            "edge.public: \"https://10.0.0.1\" is no server",
        ),
        (parse(FILTER, &socket), "edge.listen: no TLS is spoken on a Unix socket"),
        (parse(FILTER, "listen = \"0.0.0.0:443\""), "set edge.listen_tls.certificate and key"),
    ];
    for (found, part) in table {
        let faults = found.unwrap_err();
        assert!(faults.iter().any(|fault| fault.contains(part)), "{part} is not in {faults:#?}");
    }
}

#[test]
fn an_address_has_one_source() {
    let faults = parse(FILTER, "proxy_protocol = true\ntrusted_hops = 1").unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    let open = parse(FILTER, "listen = \"0.0.0.0:80\"\nallow_public = true").unwrap();
    assert_eq!(open.listen, Endpoint::Tcp("0.0.0.0:80".parse().unwrap()));
}
