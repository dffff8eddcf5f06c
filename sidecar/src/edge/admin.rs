//! The edge's door for operators. Invariant: GET and HEAD only, and no address or secret. It is ready while it takes
//! connections, whatever is behind it: an app must not be cut off because a sidecar is gone.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use tokio::sync::watch;

use super::metrics::Metrics;
use crate::http::listener::Room;
use crate::http::reply::{self, Reply};

pub(super) struct Admin {
    pub(super) metrics: Arc<Metrics>,
    pub(super) stop: watch::Receiver<bool>,
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
            "/metrics" => reply::document(self.metrics.show(), "text/plain; version=0.0.4", 0),
            _ => reply::not_found(),
        }
    }
}
