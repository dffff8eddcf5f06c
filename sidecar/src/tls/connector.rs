//! Connects to a listener with TLS, under a certificate of our own. Invariant: the peer's certificate is of the configured CA
//! and for the expected name; the system's CAs have no say.

use std::io;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::doorkeeper::reason;
use super::pem::{self, at};
use super::server::{provider, unfit};
use super::{Shown, TlsError, TlsFault, remind, told};
use crate::config::ClientTls;
use crate::reread::Reread;

#[derive(Debug)]
pub(crate) struct Connector {
    name: &'static str,
    side: Reread<Side, TlsError>,
    /// What the peer's certificate must be for; absent: the host that is connected to.
    peer: Option<String>,
}

#[derive(Debug)]
struct Side {
    config: Arc<ClientConfig>,
    shown: Shown,
}

impl Connector {
    pub(crate) fn open(name: &'static str, files: &ClientTls) -> Result<Self, TlsError> {
        let watched = vec![files.certificate.clone(), files.key.clone(), files.ca.clone()];
        let owned = files.clone();
        let side = Reread::open(watched, move || read(&owned))?;
        Ok(Self { name, side, peer: files.name.clone() })
    }

    pub(crate) async fn connect(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let name = self.peer.as_deref().unwrap_or(host).to_owned();
        let name = ServerName::try_from(name).map_err(io::Error::other)?;
        let connector = TlsConnector::from(self.side.get().config.clone());
        connector.connect(name, stream).await.inspect_err(|error| {
            tracing::warn!(event = "handshake_failed", reason = reason(error), peer = host);
        })
    }

    /// As a doorkeeper does.
    pub(crate) async fn follow(&self, stop: watch::Receiver<bool>) {
        let tell = |read: Result<&Side, &TlsError>| told(self.name, read.map(|side| side.shown));
        tokio::join!(
            self.side.follow(stop.clone(), tell),
            remind(self.name, || self.shown().1, stop),
        );
    }

    pub(crate) fn shown(&self) -> (&'static str, Shown) {
        (self.name, self.side.get().shown)
    }
}

fn read(files: &ClientTls) -> Result<Side, TlsError> {
    let pem::Pair { chain, key, shown } = pem::pair(&files.certificate, &files.key)?;
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| at(&files.certificate, TlsFault::Unfit(error)))?
        .with_root_certificates(pem::roots(&files.ca)?)
        .with_client_auth_cert(chain, key)
        .map_err(|error| at(&files.key, unfit(error)))?;
    Ok(Side { config: Arc::new(config), shown })
}
