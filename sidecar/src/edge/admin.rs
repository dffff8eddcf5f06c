//! The edge's door for operators. Invariant: GET and HEAD only, and no address or secret. It is ready while it takes
//! connections, whatever is behind it: an app must not be cut off because a sidecar is gone.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use tokio::sync::watch;

use super::gate::Gate;
use crate::http::listener::Room;
use crate::http::reply::{self, Reply};
use crate::tls::{self, Connector};

pub(super) struct Admin {
    pub(super) gate: Arc<Gate>,
    pub(super) connector: Option<Arc<Connector>>,
    pub(super) stop: watch::Receiver<bool>,
}

impl Admin {
    fn measures(&self) -> String {
        let front = self.gate.keeper.iter().map(|keeper| keeper.files().shown());
        let back = self.connector.iter().map(|connector| connector.files().shown());
        let ends: Vec<_> = front.chain(back).collect();
        self.gate.metrics.show() + &self.gate.sidecars.show() + &tls::gauges(&ends)
    }
}

impl Room for Admin {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Reply {
        let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
        match request.uri().path() {
            "/livez" | "/readyz" | "/metrics" if !is_safe => reply::not_allowed("GET, HEAD"),
            "/livez" => reply::plain(StatusCode::OK, "alive\n"),
            "/readyz" if *self.stop.borrow() => {
                reply::plain(StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
            }
            "/readyz" => reply::plain(StatusCode::OK, "ready\n"),
            "/metrics" => reply::document(self.measures(), "text/plain; version=0.0.4", 0),
            _ => reply::not_found(),
        }
    }
}
