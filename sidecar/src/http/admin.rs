//! The operators' door: health, readiness, metrics. Invariant: GET and HEAD only, and no address, account or secret.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};

use crate::engine::Engine;
use crate::tls::{self, Doorkeeper};

use super::listener::Room;
use super::metrics::Metrics;
use super::readiness;
use super::reply::{self, Reply};

pub(super) struct Admin {
    engine: Arc<Engine>,
    metrics: Arc<Metrics>,
    keeper: Option<Arc<Doorkeeper>>,
}

impl Admin {
    pub(super) fn new(
        engine: Arc<Engine>,
        metrics: Arc<Metrics>,
        keeper: Option<Arc<Doorkeeper>>,
    ) -> Self {
        Self { engine, metrics, keeper }
    }

    fn measures(&self) -> String {
        let ends: Vec<_> = self.keeper.iter().map(|keeper| keeper.files().shown()).collect();
        let shown = self.metrics.show(self.engine.worked(), self.engine.ends());
        shown + &tls::gauges(&ends)
    }
}

impl Room for Admin {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Reply {
        let path = request.uri().path();
        let safe = matches!(*request.method(), Method::GET | Method::HEAD);
        match path {
            "/healthz" | "/readyz" | "/metrics" if !safe => reply::not_allowed("GET, HEAD"),
            "/healthz" => reply::plain(StatusCode::OK, "ok\n"),
            "/readyz" => readiness::told(self.engine.is_ready().await),
            "/metrics" => reply::document(self.measures(), "text/plain; version=0.0.4", 0),
            _ => reply::not_found(),
        }
    }
}
