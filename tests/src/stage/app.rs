//! The app behind the gateway: it answers every request with what it got, and knows afterwards which of them a lenient
//! app would have taken for a password reset.

use std::net::SocketAddr;

use serde_json::json;

use super::{Answer, Reaction, Received, Reset, Server, Staged, reset_in};

/// A running echo app.
#[derive(Debug)]
pub struct App(Server);

impl App {
    /// # Errors
    /// No port is free.
    pub fn start() -> Staged<Self> {
        Server::start(echo).map(Self)
    }

    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.0.addr()
    }

    /// Everything that reached the app, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        self.0.requests()
    }

    /// What a lenient app would have understood as a reset: behind the filter there must be none.
    #[must_use]
    pub fn resets(&self) -> Vec<(Reset, Received)> {
        self.requests()
            .into_iter()
            .filter_map(|request| Some((reset_in(&request)?, request)))
            .collect()
    }

    /// Forgets what arrived.
    pub fn clear(&self) {
        self.0.clear();
    }

    pub fn stop(&mut self) {
        self.0.stop();
    }
}

/// The answer to one request; an upgrade is granted and its bytes come back.
fn echo(request: &Received) -> Reaction {
    if request.header("upgrade").is_some() {
        return Reaction::Echo(
            b"HTTP/1.1 101 .\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n".to_vec(),
        );
    }
    let headers: Vec<_> = request
        .headers
        .iter()
        .map(|(name, value)| json!([name, String::from_utf8_lossy(value)]))
        .collect();
    let body = json!({
        "app": "echo",
        "method": request.method,
        "target": request.target,
        "headers": headers,
        "body": request.text(),
    });
    Reaction::Answer(Answer::json(200, format!("{body}\n")))
}
