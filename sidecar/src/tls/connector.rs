//! Connects to a listener with TLS, under a certificate of our own. Invariant: the peer's certificate is of the configured CA
//! and for the expected name; the system's CAs have no say.

use std::io;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::doorkeeper::reason;
use super::pem::{self, at};
use super::server::{provider, unfit};
use super::watched::{Side, Watched};
use super::{TlsError, TlsFault};
use crate::config::ClientTls;

#[derive(Debug)]
pub(crate) struct Connector {
    files: Watched<ClientConfig>,
    /// What the peer's certificate must be for; absent: the host that is connected to.
    peer: Option<String>,
}

impl Connector {
    pub(crate) fn open(name: &'static str, files: &ClientTls) -> Result<Self, TlsError> {
        let watched = vec![files.certificate.clone(), files.key.clone(), files.ca.clone()];
        let owned = files.clone();
        let watched = Watched::open(name, watched, move || read(&owned))?;
        Ok(Self { files: watched, peer: files.name.clone() })
    }

    pub(crate) fn files(&self) -> &Watched<ClientConfig> {
        &self.files
    }

    pub(crate) async fn connect(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let name = self.peer.as_deref().unwrap_or(host).to_owned();
        let name = ServerName::try_from(name).map_err(io::Error::other)?;
        let connector = TlsConnector::from(self.files.config());
        connector.connect(name, stream).await.inspect_err(|error| {
            tracing::warn!(event = "handshake_failed", reason = reason(error), peer = host);
        })
    }
}

fn read(files: &ClientTls) -> Result<Side<ClientConfig>, TlsError> {
    let pem::Pair { chain, key, shown } = pem::pair(&files.certificate, &files.key)?;
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| at(&files.certificate, TlsFault::Unfit(error)))?
        .with_root_certificates(pem::roots(&files.ca)?)
        .with_client_auth_cert(chain, key)
        .map_err(|error| at(&files.key, unfit(error)))?;
    Ok(Side { config: Arc::new(config), shown })
}
