//! `xds/`: a whole gateway from files, and what changes in them while it serves.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rekey_tests::http::Call;
use rekey_tests::stage::{App, Envoy, EnvoyOptions, Server, root, until};
use tempfile::TempDir;

use crate::rig::{KEY, ask, believing};

const FILES: [&str; 4] = ["lds.yaml", "cds.yaml", "rds.yaml", "ecds.yaml"];

/// The gateway and its files.
struct Fed {
    app: App,
    dir: TempDir,
    envoy: Envoy,
    options: EnvoyOptions,
    sidecar: Server,
}

impl Fed {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (app, sidecar) = (App::start().unwrap(), Server::start(believing).unwrap());
        let folder = format!("{}/", dir.path().display());
        let options = EnvoyOptions::new(sidecar.addr(), sidecar.addr(), app.addr())
            .file("xds/envoy.yaml")
            .swap("/etc/rekey/xds/", folder)
            .env("REKEY_EDGE_KEY", KEY);
        for name in FILES {
            put(&options, dir.path(), name, &shipped(name));
        }
        let envoy = Envoy::start(&options).unwrap();
        Self { app, dir, envoy, options, sidecar }
    }

    /// Renames a changed file over the one that Envoy watches.
    fn change(&self, name: &str, old: &str, new: &str) {
        let text = shipped(name);
        assert!(text.contains(old), "{name} has no {old}");
        put(&self.options, self.dir.path(), name, &text.replace(old, new));
    }

    fn authing(&self) -> u16 {
        let body = r#"{"channel":"CHANNEL_RESET_PASSWORD","email":"jo.mark@example.com"}"#;
        let call = Call::post_json("/api/v3/send-email", body).header("x-authing-app-id", "app1");
        let reply = call.send(self.envoy.addr()).unwrap();
        // The app echoes; the dialect does not.
        if reply.text().contains("\"app\":\"echo\"") { 0 } else { reply.status }
    }
}

fn shipped(name: &str) -> String {
    std::fs::read_to_string(root().join("envoy/xds").join(name)).unwrap()
}

fn put(options: &EnvoyOptions, dir: &Path, name: &str, text: &str) {
    let beside = dir.join(format!("{name}.new"));
    std::fs::write(&beside, options.fill(text).unwrap()).unwrap();
    std::fs::rename(beside, dir.join(name)).unwrap();
}

/// Requests that come all the time meanwhile: how many, and what was not answered as it must be.
fn under_load(fed: &Fed, act: impl FnOnce()) -> (usize, Vec<String>) {
    let stop = AtomicBool::new(false);
    let client = || {
        let (mut count, mut failed) = (0, Vec::new());
        // However quickly the change comes about.
        while !stop.load(Ordering::Relaxed) || count < 20 {
            for (call, status) in [(ask(), 202), (Call::get("/any"), 200)] {
                count += 1;
                match call.send(fed.envoy.addr()) {
                    Ok(reply) if reply.status == status => {}
                    other => failed.push(format!("{other:?}")),
                }
            }
        }
        (count, failed)
    };
    std::thread::scope(|scope| {
        let clients = [scope.spawn(client), scope.spawn(client)];
        act();
        stop.store(true, Ordering::Relaxed);
        let told = clients.map(|client| client.join().unwrap());
        told.into_iter().fold((0, Vec::new()), |(count, mut all), (more, failed)| {
            all.extend(failed);
            (count + more, all)
        })
    })
}

#[test]
fn dialects_come_and_go_without_a_restart_and_without_a_failed_request() {
    let fed = Fed::start();
    assert_eq!(fed.authing(), 0, "the app's, so far");
    let native = "\"dialects\": {\"native\": {}}";
    let both =
        "\"dialects\": {\"native\": {}, \"authing\": {\"clients\": \"any\", \"keys\": \"own\"}}";
    let (count, failed) = under_load(&fed, || {
        fed.change("ecds.yaml", native, both);
        until("the new dialect", || Ok((fed.authing() == 200).then_some(()))).unwrap();
        // What is no configuration changes nothing.
        fed.change("ecds.yaml", native, "\"dialects\": {\"nativ\": {}}");
        let refused = || Ok(fed.envoy.log().contains("dialects.nativ:").then_some(()));
        until("the refusal", refused).unwrap();
        assert_eq!(fed.authing(), 200);
        fed.change("ecds.yaml", native, native);
        until("the dialect gone", || Ok((fed.authing() == 0).then_some(()))).unwrap();
    });
    assert!(failed.is_empty() && count > 20, "{} of {count}: {failed:#?}", failed.len());
    assert!(fed.app.resets().iter().all(|(_, seen)| seen.target == "/api/v3/send-email"));
}

#[test]
fn sidecars_and_routes_move_without_a_failed_request() {
    let fed = Fed::start();
    let other = Server::start(believing).unwrap();
    let place = |port| format!("127.0.0.1, port_value: {port}");
    let (count, failed) = under_load(&fed, || {
        let before = || Ok((!fed.sidecar.requests().is_empty()).then_some(()));
        until("the first sidecar", before).unwrap();
        let moved = format!("\"127.0.0.1\", port_value: {}", other.addr().port());
        fed.change("cds.yaml", &place(7080), &moved);
        until("the other sidecar", || Ok((!other.requests().is_empty()).then_some(()))).unwrap();
        fed.change("rds.yaml", "- name: app\n", "- name: gone\n            match: { path: /gone }\n            direct_response: { status: 410 }\n          - name: app\n");
        let gone = || Call::get("/gone").send(fed.envoy.addr()).map(|reply| reply.status == 410);
        until("the new route", || Ok(gone()?.then_some(()))).unwrap();
    });
    assert!(failed.is_empty() && count > 20, "{} of {count}: {failed:#?}", failed.len());
}
