//! The three doors: signed (for the gateway), public (for everybody), admin (for operators). Invariant: they are separate
//! sockets, and only the signed one leads to anything that writes.

pub(crate) mod activity;
mod admin;
pub(crate) mod connection;
pub(crate) mod listener;
mod metrics;
mod public;
mod readiness;
pub(crate) mod reply;
mod signed;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::sync::watch;

use crate::config::{Config, Listen};
use crate::engine::Engine;
use crate::log::Counts;
use crate::tls::{Doorkeeper, TlsError};

use self::admin::Admin;
use self::listener::Door;
use self::metrics::Metrics;
use self::public::Public;
use self::signed::Signed;

pub use self::listener::BindError;

/// Doors that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    #[error("{0}; choose another address, or stop the program that listens there")]
    Bind(#[from] BindError),
    #[error("listen.tls: {0}")]
    Tls(#[from] TlsError),
}

/// All doors, open but not yet answering: who connects now waits.
#[derive(Debug)]
pub struct Doors {
    signed: Door,
    keeper: Option<Arc<Doorkeeper>>,
    public: Door,
    admin: Door,
}

impl Doors {
    /// Opens all, or none; each one is logged with the address that it got.
    pub async fn bind(listen: &Listen) -> Result<Self, DoorError> {
        let keeper = listen.tls.as_ref().map(|tls| Doorkeeper::open("listen.tls", tls));
        let keeper = keeper.transpose()?.map(Arc::new);
        let signed = Door::bind("signed", "listen.signed", &listen.signed).await?;
        let public = Door::bind("public", "listen.public", &listen.public).await?;
        let admin = Door::bind("admin", "listen.admin", &listen.admin).await?;
        let doors = Self { signed, keeper, public, admin };
        for door in [&doors.signed, &doors.public, &doors.admin] {
            tracing::info!(event = "listening", listener = door.name(), address = door.address());
        }
        Ok(doors)
    }

    /// Answers until `stop` turns true and what was begun is finished, at most ten seconds later.
    pub async fn serve(
        self,
        config: &Config,
        engine: Arc<Engine>,
        events: Counts,
        stop: watch::Receiver<bool>,
    ) {
        let metrics = Arc::new(Metrics::new(events));
        let signed = Signed::new(config, Arc::clone(&engine), Arc::clone(&metrics));
        let public = Public::new(config, Arc::clone(&engine));
        let admin = Admin::new(engine, metrics, self.keeper.clone());
        let Listen { connections, idle, .. } = config.listen;
        tokio::join!(
            self.signed.run(
                connections,
                stop.clone(),
                connection::of(Arc::new(signed), self.keeper.clone(), idle, stop.clone())
            ),
            self.public.run(
                connections,
                stop.clone(),
                connection::of(Arc::new(public), None, idle, stop.clone())
            ),
            self.admin.run(
                connections,
                stop.clone(),
                connection::of(Arc::new(admin), None, idle, stop.clone())
            ),
            async {
                if let Some(keeper) = &self.keeper {
                    keeper.files().follow(stop.clone()).await;
                }
            },
        );
    }
}
