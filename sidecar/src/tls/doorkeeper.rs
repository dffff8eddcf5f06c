//! Takes the handshakes of a listener. Invariant: it is called by the task of the connection, never by the loop that accepts,
//! so that a slow handshake keeps its own place only.

use std::io;

use rustls::{CertificateError, Error, ServerConfig};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::server;
use super::watched::Watched;
use super::{HANDSHAKE, TlsError};
use crate::config::ServerTls;

#[derive(Debug)]
pub(crate) struct Doorkeeper(Watched<ServerConfig>);

impl Doorkeeper {
    pub(crate) fn open(name: &'static str, files: &ServerTls) -> Result<Self, TlsError> {
        let (owned, clients) = (files.clone(), files.clients.iter().map(|clients| &clients.ca));
        let watched = [&files.certificate, &files.key].into_iter().chain(clients);
        let watched = watched.cloned().collect();
        Watched::open(name, watched, move || server::read(&owned)).map(Self)
    }

    pub(crate) fn files(&self) -> &Watched<ServerConfig> {
        &self.0
    }

    /// The stream behind a good handshake; otherwise a word for what was wrong.
    pub(crate) async fn welcome(
        &self,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, &'static str> {
        let acceptor = TlsAcceptor::from(self.0.config());
        match timeout(HANDSHAKE, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(reason(&error)),
            Err(_) => Err("slow"),
        }
    }
}

/// One of a closed list, for log and metrics.
pub(super) fn reason(error: &io::Error) -> &'static str {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::NoCertificatesPresented) => "no_certificate",
        Some(Error::InvalidCertificate(fault)) => match fault {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "expired",
            CertificateError::UnknownIssuer => "unknown_ca",
            CertificateError::ApplicationVerificationFailure
            | CertificateError::NotValidForName
            | CertificateError::NotValidForNameContext { .. } => "name",
            _ => "certificate",
        },
        Some(Error::AlertReceived(_)) => "refused_by_peer",
        Some(_) => "no_tls",
        None => "broken_off",
    }
}
