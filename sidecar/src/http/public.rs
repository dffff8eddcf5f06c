//! Everybody's door. Invariant: GET and HEAD only; nothing here writes or depends on an account.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Method, Request};

use crate::config::Config;
use crate::engine::Engine;

use super::listener::Room;
use super::reply::{self, Reply};

/// How long a key set may be kept, in seconds.
const KEPT: u32 = 300;

pub(super) struct Public {
    engine: Arc<Engine>,
    change_password: Option<String>,
}

impl Public {
    pub(super) fn new(config: &Config, engine: Arc<Engine>) -> Self {
        let change_password =
            config.change_password_url.as_ref().map(|url| url.as_str().to_owned());
        Self { engine, change_password }
    }
}

impl Room for Public {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Reply {
        let safe = matches!(*request.method(), Method::GET | Method::HEAD);
        match (request.uri().path(), &self.change_password) {
            ("/.well-known/jwks.json", _) if safe => {
                let set = self.engine.keys().jwt.jwks().to_owned();
                reply::document(set, "application/jwk-set+json", KEPT)
            }
            ("/.well-known/change-password", Some(url)) if safe => reply::found(url),
            ("/.well-known/jwks.json", _) | ("/.well-known/change-password", Some(_)) => {
                reply::not_allowed("GET, HEAD")
            }
            _ => reply::not_found(),
        }
    }
}
