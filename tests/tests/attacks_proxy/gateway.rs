//! The gateway that is attacked here: `rekey edge`, alone or behind nginx.

use std::net::SocketAddr;

use rekey_tests::stage::{Edge, EdgeOptions, Nginx};

/// What is the app's of a shared path passes on.
pub(crate) const SHARES_CALLS: bool = true;

/// How the edge is started, and whether nginx stands before it.
#[derive(Clone)]
pub(crate) struct Options {
    edge: EdgeOptions,
    is_behind_nginx: bool,
}

pub(crate) struct Gateway {
    edge: Edge,
    nginx: Option<Nginx>,
    options: Options,
}

pub(crate) fn options(sidecar: SocketAddr, app: SocketAddr, key: &str) -> Options {
    Options { edge: EdgeOptions::new(sidecar, app, key).unwrap(), is_behind_nginx: false }
}

impl Options {
    pub(crate) fn behind_nginx(mut self) -> Self {
        self.edge.listen = "unix:edge.sock".to_owned();
        self.edge.lines = "trusted_hops = 1".to_owned();
        Self { is_behind_nginx: true, ..self }
    }
}

impl Gateway {
    pub(crate) fn start(options: &Options) -> Self {
        let edge = Edge::start(&options.edge).unwrap();
        let nginx = options.is_behind_nginx.then(|| {
            let socket = edge.socket().unwrap();
            Nginx::start(&socket, options.edge.app, options.edge.app).unwrap()
        });
        Self { edge, nginx, options: options.clone() }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.nginx.as_ref().map_or_else(|| self.edge.addr(), Nginx::addr)
    }

    pub(crate) fn access_log(&self) -> String {
        self.edge.log()
    }

    /// Everything that it writes.
    pub(crate) fn logs(&self) -> [String; 1] {
        [self.edge.log()]
    }

    pub(crate) fn kill(&mut self) {
        self.edge.kill().unwrap();
    }

    /// On the same port.
    pub(crate) fn start_again(&mut self) {
        self.options.edge.listen = self.edge.addr().to_string();
        self.edge = Edge::start(&self.options.edge).unwrap();
    }

    /// A task that died would cost its connection, no more; there must be none all the same.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.edge.log();
        if log.contains("panicked") { vec![log] } else { Vec::new() }
    }
}
