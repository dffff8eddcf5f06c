//! The gateway that is attacked here: Envoy with the shipped configuration and the real filter.

use std::net::SocketAddr;

use rekey_tests::http::Call;
use rekey_tests::stage::{Envoy, EnvoyOptions};

pub(crate) type Options = EnvoyOptions;

/// What is the app's of a shared path passes on.
pub(crate) const SHARES_CALLS: bool = true;

pub(crate) struct Gateway(Envoy, Options);

pub(crate) fn options(sidecar: SocketAddr, app: SocketAddr, key: &str) -> Options {
    EnvoyOptions::new(sidecar, app, app).env("REKEY_EDGE_KEY", key)
}

impl Gateway {
    pub(crate) fn start(options: &Options) -> Self {
        Self(Envoy::start(options).unwrap(), options.clone())
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.0.addr()
    }

    pub(crate) fn access_log(&self) -> String {
        self.0.access_log()
    }

    /// Everything that it writes.
    pub(crate) fn logs(&self) -> [String; 2] {
        [self.0.access_log(), self.0.log()]
    }

    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
    }

    /// On the same port.
    pub(crate) fn start_again(&mut self) {
        self.1.port = Some(self.0.addr().port());
        self.0 = Envoy::start(&self.1).unwrap();
    }

    /// Signs of a dead or reloaded VM, in the log and in Envoy's own counters.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.0.log();
        let signs = ["panicked", "Function: proxy_", "Plugin", "wasm_fail", "VM failed"];
        let signs = signs.into_iter().filter(|sign| log.contains(sign));
        let mut found: Vec<String> = signs.map(|sign| format!("{sign} in\n{log}")).collect();
        let stats = Call::get("/stats").send(self.0.admin()).unwrap().text();
        let failure = |name: &str| {
            name.starts_with("wasm")
                && ["fail", "reload", "error", "crash"].iter().any(|part| name.contains(part))
        };
        let lines = stats.lines().filter_map(|line| line.split_once(": "));
        let counted = lines.filter(|(name, value)| failure(name) && value.trim() != "0");
        found.extend(counted.map(|(name, value)| format!("{name}: {value}")));
        found
    }
}
