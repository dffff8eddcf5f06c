//! Takes the handshakes of a listener. Invariant: it is called by the task of the connection, never by the loop that accepts,
//! so that a slow handshake keeps its own place only.

use std::io;

use rustls::{CertificateError, Error};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::server::{self, Side};
use super::{HANDSHAKE, Shown, TlsError, remind, told};
use crate::config::ServerTls;
use crate::reread::Reread;

#[derive(Debug)]
pub(crate) struct Doorkeeper {
    /// The section of the configuration, for log and metrics.
    name: &'static str,
    side: Reread<Side, TlsError>,
}

impl Doorkeeper {
    pub(crate) fn open(name: &'static str, files: &ServerTls) -> Result<Self, TlsError> {
        let (owned, clients) = (files.clone(), files.clients.iter().map(|clients| &clients.ca));
        let watched = [&files.certificate, &files.key].into_iter().chain(clients);
        let watched = watched.cloned().collect();
        Ok(Self { name, side: Reread::open(watched, move || server::read(&owned))? })
    }

    /// The stream behind a good handshake; otherwise a word for what was wrong.
    pub(crate) async fn welcome(
        &self,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, &'static str> {
        let acceptor = TlsAcceptor::from(self.side.get().config.clone());
        match timeout(HANDSHAKE, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(reason(&error)),
            Err(_) => Err("slow"),
        }
    }

    /// Reads the files again when they change, and speaks of a certificate that ends soon, until `stop` turns true.
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
