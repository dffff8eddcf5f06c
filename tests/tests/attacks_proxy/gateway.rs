//! The gateway that is attacked here: `rekey edge`, alone.

use std::net::SocketAddr;

use rekey_tests::stage::{Edge, EdgeOptions};

pub(crate) type Options = EdgeOptions;

pub(crate) struct Gateway(Edge, Options);

pub(crate) fn options(sidecar: SocketAddr, app: SocketAddr, key: &str) -> Options {
    EdgeOptions::new(sidecar, app, key).unwrap()
}

impl Gateway {
    pub(crate) fn start(options: &Options) -> Self {
        Self(Edge::start(options).unwrap(), options.clone())
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.0.addr()
    }

    pub(crate) fn access_log(&self) -> String {
        self.0.log()
    }

    /// Everything that it writes.
    pub(crate) fn logs(&self) -> [String; 1] {
        [self.0.log()]
    }

    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
    }

    /// On the same port.
    pub(crate) fn start_again(&mut self) {
        self.1.listen = self.0.addr().to_string();
        self.0 = Edge::start(&self.1).unwrap();
    }

    /// A task that died would cost its connection, no more; there must be none all the same.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.0.log();
        if log.contains("panicked") { vec![log] } else { Vec::new() }
    }
}
