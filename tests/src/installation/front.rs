//! What an installation's clients connect to: Envoy with the filter, or `rekey edge`.

use std::net::SocketAddr;

use serde_json::Value;

use crate::stage::{Edge, EdgeOptions, Envoy, EnvoyOptions, Staged};

/// Which gateway an installation has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gateway {
    #[default]
    Envoy,
    Edge,
}

/// Where the gateway finds what stands behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Behind {
    pub(super) app: SocketAddr,
    pub(super) public: SocketAddr,
    pub(super) signed: SocketAddr,
}

#[derive(Debug)]
pub(super) enum Front {
    Envoy(Envoy),
    Edge(Edge),
}

impl Front {
    pub(super) fn start(
        gateway: Gateway,
        port: u16,
        behind: Behind,
        filter: &Value,
        key: &str,
    ) -> Staged<Self> {
        let filter = format!("{filter:#}");
        match gateway {
            Gateway::Envoy => {
                let mut options = EnvoyOptions::new(behind.signed, behind.public, behind.app)
                    .env("REKEY_EDGE_KEY", key);
                options.port = Some(port);
                options.plugin_config = Some(filter);
                Envoy::start(&options).map(Self::Envoy)
            }
            Gateway::Edge => {
                let mut options = EdgeOptions::new(behind.signed, behind.app, key)?;
                options.listen = format!("127.0.0.1:{port}");
                options.public = Some(behind.public);
                options.filter = filter;
                Edge::start(&options).map(Self::Edge)
            }
        }
    }

    pub(super) fn addr(&self) -> SocketAddr {
        match self {
            Self::Envoy(envoy) => envoy.addr(),
            Self::Edge(edge) => edge.addr(),
        }
    }

    pub(super) fn admin(&self) -> Staged<SocketAddr> {
        match self {
            Self::Envoy(envoy) => Ok(envoy.admin()),
            Self::Edge(edge) => edge.admin(),
        }
    }

    /// The access log, and the gateway's own.
    pub(super) fn logs(&self) -> (String, String) {
        match self {
            Self::Envoy(envoy) => (envoy.access_log(), envoy.log()),
            Self::Edge(edge) => (edge.log(), edge.log()),
        }
    }

    pub(super) fn stop(&mut self) -> Staged<()> {
        match self {
            Self::Envoy(envoy) => envoy.stop().map(drop),
            Self::Edge(edge) => edge.stop().map(drop),
        }
    }
}
