//! An edge key is exchanged while clients ask without a pause: the sidecar learns the next one, the edge begins to sign with
//! it, the former is retired. Not one request is lost, and no key is seen where it does not belong.

use std::fs;
use std::path::{Path, PathBuf};

use contract::name::Name;
use contract::signature::{EdgeKey, Stamp, sign};
use rekey_tests::house::{fresh, initiate, post, unix_now};
use rekey_tests::http::Call;
use rekey_tests::stage::{
    App, Edge, EdgeOptions, Envoy, EnvoyOptions, Sidecar, root, target, until,
};

use crate::authority::place;
use crate::envoy::edge_key;
use crate::load::Load;

const NEXT: &str = "0a4e6c92d1b85f37e2906b1dc4f87a3595be20d7136cf84a9e05b3d2c7618f4e";
const TOML: &str = "data = \"data\"\n[mail]\nrelay = \"smtp://127.0.0.1:9\"\n[listen]\nsigned = \"127.0.0.1:0\"\npublic = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n";

/// A sidecar, and the keys of its gateway.
struct Stand {
    dir: tempfile::TempDir,
    app: App,
    sidecar: Sidecar,
    former: (String, String),
}

impl Stand {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sidecar = Sidecar::start(TOML, dir.path()).unwrap();
        let former = edge_key(dir.path());
        Self { dir, app: App::start().unwrap(), sidecar, former }
    }

    fn rekey(&self, line: &str) -> String {
        let told = self.sidecar.rekey(&line.split(' ').collect::<Vec<_>>(), "").unwrap();
        assert!(told.status.success(), "{line}: {}", told.err);
        told.out
    }

    /// Puts the next key beside the former one, and waits until the running sidecar holds it.
    fn learn(&self) {
        let path = self.dir.path().join("data/keys/edge");
        let lines = fs::read_to_string(&path).unwrap();
        place(&path, &format!("{lines}rekey-edge edge2 {NEXT}\n"));
        until("the sidecar's next key", || {
            let list = self.rekey("keys list");
            let words: Vec<Vec<&str>> =
                list.lines().map(|line| line.split_whitespace().collect()).collect();
            let row = words.iter().find(|row| row.get(1) == Some(&"edge2"));
            Ok(row.filter(|row| row[5] == row[7] && row[5] == "1").map(|_| ()))
        })
        .unwrap();
    }

    /// Retires the former key, and waits until nothing that it signs is believed.
    fn retire(&self) {
        self.rekey("keys activate edge edge2");
        self.rekey(&format!("keys retire edge {} --finally", self.former.0));
        let key = EdgeKey::parse(Name::parse(&self.former.0).unwrap(), &self.former.1).unwrap();
        let message = initiate("native", "nobody@example.com");
        let audience = Name::parse("default").unwrap();
        until("the former key's end", || {
            let stamp = Stamp { now: unix_now(), id: fresh() };
            let body = sign(&key, &audience, stamp, message.operation(), &message.encode());
            let reply = post(message.operation(), &body).send(self.sidecar.addr("signed")?)?;
            Ok((reply.status == 401).then_some(()))
        })
        .unwrap();
    }

    fn options(&self) -> EnvoyOptions {
        let door = |name| self.sidecar.addr(name).unwrap();
        EnvoyOptions::new(door("signed"), door("public"), self.app.addr())
            .env("REKEY_EDGE_KEY", &self.former.1)
            .env("REKEY_EDGE_KEY_NEXT", NEXT)
    }

    /// The gateway's environment holds both keys from its start; one of them signs.
    fn signing(&self, key: &str, next: &str) -> String {
        let name = |variable: &str| {
            let id = if variable == "REKEY_EDGE_KEY" { self.former.0.as_str() } else { "edge2" };
            format!("{{\"id\": \"{id}\", \"env\": \"{variable}\"}}")
        };
        let shipped = self.options().shipped_config().unwrap();
        let key_now = r#""key": {"id": "edge1", "env": "REKEY_EDGE_KEY"}"#;
        assert_eq!(shipped.matches(key_now).count(), 1);
        let keys = format!("\"key\": {}, \"key_next\": {}", name(key), name(next));
        shipped.replacen(key_now, &keys, 1)
    }
}

/// The shipped gateway with the filter delivered from a file (ECDS).
struct Delivered {
    template: PathBuf,
    file: PathBuf,
    /// The filter as the shipped file has it, its plugin configuration cut out.
    filter: (String, String),
}

impl Delivered {
    fn at(dir: &Path) -> Self {
        let shipped = fs::read_to_string(root().join("envoy/envoy.yaml")).unwrap();
        let (before, rest) = shipped.split_once("                    typed_config:\n                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm\n").unwrap();
        let (filter, after) = rest.split_once("                  # (3) Behind the filter").unwrap();
        let file = dir.join("ecds.yaml");
        let discovery = format!(
            "                    config_discovery:\n                      config_source: {{ resource_api_version: V3, path_config_source: {{ path: {} }} }}\n                      type_urls: [type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm]\n                  # /etc/rekey/filter.wasm\n                  # (3) Behind the filter",
            file.display()
        );
        let template = dir.join("ecds-envoy.yaml");
        fs::write(
            &template,
            format!("node: {{ id: gateway, cluster: gateway }}\n{before}{discovery}{after}"),
        )
        .unwrap();
        let wasm = target().join("wasm32-wasip1/wasm/filter.wasm");
        let filter = filter.replace("/etc/rekey/filter.wasm", &wasm.display().to_string());
        let (head, _) = filter.split_once("value: |\n").unwrap();
        let head = format!(
            "resources:\n  - \"@type\": type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig\n    name: rekey\n    typed_config:\n                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm\n{head}value: |\n"
        );
        Self { template, file, filter: (head, " ".repeat(28)) }
    }

    /// Whole, by a rename: only that wakes Envoy.
    fn deliver(&self, plugin: &str) {
        let (head, indent) = &self.filter;
        let lines: String = plugin.lines().map(|line| format!("{indent}{line}\n")).collect();
        place(&self.file, &format!("{head}{lines}"));
    }
}

#[test]
fn envoy_begins_to_sign_with_the_next_key_and_no_request_is_lost() {
    let stand = Stand::start();
    let delivered = Delivered::at(stand.dir.path());
    delivered.deliver(&stand.signing("REKEY_EDGE_KEY", "REKEY_EDGE_KEY_NEXT"));
    let mut options = stand.options();
    options.template.clone_from(&delivered.template);
    let envoy = Envoy::start(&options).unwrap();
    let stat = |name: &str| {
        envoy.stat(&format!("extension_config_discovery.http_filter.rekey.{name}")).unwrap()
    };
    let load = Load::start(envoy.addr());
    load.go_on(100);
    stand.learn();
    load.go_on(100);
    // A configuration that is not good changes nothing.
    delivered.deliver(&stand.signing("REKEY_EDGE_KEY", "REKEY_EDGE_KEY"));
    until("the refusal", || Ok(stat("config_fail").filter(|count| *count > 0))).unwrap();
    load.go_on(100);
    let before = stat("config_reload");
    delivered.deliver(&stand.signing("REKEY_EDGE_KEY_NEXT", "REKEY_EDGE_KEY"));
    until("the exchange", || Ok((stat("config_reload") > before).then_some(()))).unwrap();
    load.go_on(100);
    stand.retire();
    load.go_on(200);
    let answered = load.end();
    eprintln!("{answered} requests were answered while the key was exchanged");
    for place in ["/config_dump?include_eds", "/server_info", "/stats", "/clusters"] {
        let shown = Call::get(place).send(envoy.admin()).unwrap().text();
        for key in [NEXT, &stand.former.1] {
            assert!(!shown.contains(key) && !envoy.log().contains(key), "{place}");
        }
    }
    let dump = Call::get("/config_dump").send(envoy.admin()).unwrap().text();
    assert!(dump.contains("REKEY_EDGE_KEY_NEXT"), "the filter is in the dump: {dump}");
}

#[test]
fn rekey_edge_begins_to_sign_with_the_next_key_and_no_request_is_lost() {
    let stand = Stand::start();
    let signed = stand.sidecar.addr("signed").unwrap();
    let mut options = EdgeOptions::new(signed, stand.app.addr(), &stand.former.1).unwrap();
    options.key.0.clone_from(&stand.former.0);
    let edge = Edge::start(&options).unwrap();
    let load = Load::start(edge.addr());
    load.go_on(100);
    stand.learn();
    edge.exchange_key("edge2", NEXT).unwrap();
    let signs = || Ok(edge.log().contains("\"signs\":\"edge2\"").then_some(()));
    until("the exchange", signs).unwrap();
    load.go_on(100);
    stand.retire();
    load.go_on(200);
    eprintln!("{} requests were answered while the key was exchanged", load.end());
    assert!(!edge.log().contains(NEXT) && !edge.log().contains(&stand.former.1));
}
