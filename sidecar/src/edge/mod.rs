//! `rekey edge`: the gateway's part without wasm, a small reverse proxy. What is ours it puts to a sidecar, signed; all else
//! streams to the app. Invariant: `contract::edge` alone decides, as in the filter; nothing here knows flow, store or engine.

mod admin;
mod app;
mod client;
mod collect;
mod connection;
mod content;
mod gate;
mod head;
mod hop;
mod metrics;
mod path;
mod proxy_protocol;
mod question;
mod reply;
mod sidecars;
mod signer;
mod tunnel;
mod upstream;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use self::admin::Admin;
use self::gate::{Gate, Opened};
use self::metrics::Metrics;
use self::signer::Signer;
use crate::config::EdgeConfig;
use crate::http::BindError;
use crate::http::connection as plain;
use crate::http::listener::Door;
use crate::keys::KeyError;
use crate::log::Counts;
use crate::tls::{Connector, Doorkeeper, TlsError};

/// Connections of operators at a time.
const OPERATORS: usize = 64;
const OPERATORS_IDLE: Duration = Duration::from_secs(60);

/// Both doors, open but not yet answering: who connects now waits.
pub struct Proxy {
    front: Door,
    admin: Door,
    gate: Arc<Gate>,
    connector: Option<Arc<Connector>>,
    connections: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    #[error("{0}; choose another address, or stop the program that listens there")]
    Bind(#[from] BindError),
    #[error("key file {0}")]
    Key(#[from] KeyError),
    #[error("edge.listen_tls: {0}")]
    ListenTls(TlsError),
    #[error("edge.tls: {0}")]
    Tls(#[from] TlsError),
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Proxy").field("front", &self.front).finish_non_exhaustive()
    }
}

impl Proxy {
    /// Reads the key and opens both doors, or nothing.
    pub async fn open(config: &EdgeConfig, events: Counts) -> Result<Self, EdgeError> {
        let signer = Signer::open(&config.plan, &config.key)?;
        let keeper = config.listen_tls.as_ref().map(|tls| Doorkeeper::open("edge.listen_tls", tls));
        let keeper = keeper.transpose().map_err(EdgeError::ListenTls)?;
        let connector = config.tls.as_ref().map(|tls| Connector::open("edge.tls", tls));
        let connector = connector.transpose()?.map(Arc::new);
        let front = Door::bind("edge", "edge.listen", &config.listen).await?;
        let admin = Door::bind("admin", "edge.admin", &config.admin).await?;
        for door in [&front, &admin] {
            tracing::info!(event = "listening", listener = door.name(), address = door.address());
        }
        let opened = Opened { signer, keeper, connector: connector.clone() };
        let gate = Arc::new(Gate::new(config, opened, Arc::new(Metrics::new(events))));
        Ok(Self { front, admin, gate, connector, connections: config.connections })
    }

    /// Answers until `stop` turns true and what was begun is finished, at most ten seconds later.
    pub async fn serve(self, stop: watch::Receiver<bool>) {
        let (connector, gate) = (self.connector.clone(), Arc::clone(&self.gate));
        let admin = Arc::new(Admin { gate, connector, stop: stop.clone() });
        let operators = plain::of(admin, None, OPERATORS_IDLE, stop.clone());
        let (gate, stopped) = (Arc::clone(&self.gate), stop.clone());
        let serve = move |stream| connection::serve(stream, Arc::clone(&gate), stopped.clone());
        tokio::join!(
            self.front.run(self.connections, stop.clone(), serve),
            self.admin.run(OPERATORS, stop.clone(), operators),
            follow(&self.gate, self.connector.as_deref(), stop),
        );
    }
}

/// Keeps up with files that change, and with sidecars that come and go.
async fn follow(gate: &Gate, connector: Option<&Connector>, stop: watch::Receiver<bool>) {
    tokio::join!(
        gate.signer.follow(stop.clone()),
        gate.sidecars.watch(stop.clone()),
        async {
            if let Some(keeper) = &gate.keeper {
                keeper.files().follow(stop.clone()).await;
            }
        },
        async {
            if let Some(connector) = connector {
                connector.files().follow(stop.clone()).await;
            }
        },
    );
}

/// The id of the key that would sign.
pub fn signing_key(config: &EdgeConfig) -> Result<String, KeyError> {
    let key = signer::read(&config.key);
    key.map(|key| key.id().as_str().to_owned())
        .map_err(|fault| KeyError { path: config.key.clone(), fault })
}
