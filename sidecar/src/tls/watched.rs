//! The files of one side of TLS, listener or connector, read again when they change. Invariant: there always is a side to
//! speak with, and whoever waits hears of a certificate that cannot be read, has ended or soon will.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::timeout;

use super::{DAY, Shown, TlsError};
use crate::reread::Reread;

/// rustls' configuration, and what can be seen of its certificate.
#[derive(Debug)]
pub(super) struct Side<C> {
    pub(super) config: Arc<C>,
    pub(super) shown: Shown,
}

#[derive(Debug)]
pub(crate) struct Watched<C> {
    /// The section of the configuration, for log and metrics.
    name: &'static str,
    side: Reread<Side<C>, TlsError>,
}

impl<C> Watched<C> {
    pub(super) fn open(
        name: &'static str,
        files: Vec<PathBuf>,
        read: impl Fn() -> Result<Side<C>, TlsError> + Send + Sync + 'static,
    ) -> Result<Self, TlsError> {
        Ok(Self { name, side: Reread::open(files, read)? })
    }

    pub(super) fn config(&self) -> Arc<C> {
        Arc::clone(&self.side.get().config)
    }

    pub(crate) fn shown(&self) -> (&'static str, Shown) {
        (self.name, self.side.get().shown)
    }

    /// Reads the files again when they change, and speaks of a certificate that ends soon, until `stop` turns true.
    pub(crate) async fn follow(&self, stop: watch::Receiver<bool>) {
        let tell = |read: Result<&Side<C>, &TlsError>| self.tell(read.map(|side| side.shown));
        tokio::join!(self.side.follow(stop.clone(), tell), self.remind(stop));
    }

    /// What an operator should know of a certificate's end, once a day.
    async fn remind(&self, mut stop: watch::Receiver<bool>) {
        loop {
            let (certificate, now) = self.shown();
            if now.ends_soon() {
                let days = now.days_left();
                tracing::warn!(
                    event = "certificate_ends",
                    certificate,
                    days,
                    remedy = "renew its files; they are read again by themselves"
                );
            }
            if timeout(DAY, stop.wait_for(|stop| *stop)).await.is_ok() {
                return;
            }
        }
    }

    fn tell(&self, read: Result<Shown, &TlsError>) {
        let certificate = self.name;
        match read {
            Ok(shown) if shown.days_left() < 0 => tracing::error!(
                event = "certificates_read",
                certificate,
                days = shown.days_left(),
                remedy = "it has ended, and every new handshake fails: renew its files"
            ),
            Ok(shown) => {
                tracing::info!(event = "certificates_read", certificate, days = shown.days_left())
            }
            Err(error) => tracing::error!(event = "certificates_unreadable", certificate, %error),
        }
    }
}
