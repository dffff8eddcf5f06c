//! Somebody whom we call over HTTP/1.1: where it is, what it is called, and whose certificate it must show.
//! Invariant: a host that is called over https is spoken to in TLS under its own name, whichever address it has.

use std::fmt;
use std::io;
use std::path::Path;

use hyper::Uri;
use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::config::BaseUrl;
use crate::tls::trust::{self, NoRoots};

/// Whom to call, and how.
#[derive(Clone)]
pub struct Peer {
    host: String,
    port: u16,
    /// Without a slash at its end.
    path: String,
    /// The `Host` header.
    authority: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// Why nobody can be called.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PeerFault {
    #[error("it is not a URL that can be called")]
    Address,
    #[error(transparent)]
    Roots(#[from] NoRoots),
}

/// A connection, with or without TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Peer {
    /// Reads the certificates; calls nobody yet.
    pub fn new(url: &BaseUrl, ca: Option<&Path>) -> Result<Self, PeerFault> {
        let uri: Uri = url.as_str().parse().map_err(|_| PeerFault::Address)?;
        let host = uri.host().ok_or(PeerFault::Address)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = match uri.scheme_str() {
            Some("https") => {
                let name = ServerName::try_from(host.clone()).map_err(|_| PeerFault::Address)?;
                Some((trust::connector(ca)?, name))
            }
            _ => None,
        };
        Ok(Self {
            port: uri.port_u16().unwrap_or(if tls.is_some() { 443 } else { 80 }),
            path: uri.path().trim_end_matches('/').to_owned(),
            authority: uri.authority().ok_or(PeerFault::Address)?.as_str().to_owned(),
            host,
            tls,
        })
    }

    /// A name, or an address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// The connection as it is spoken on.
    pub(crate) async fn wrap(&self, plain: TcpStream) -> io::Result<Box<dyn Stream>> {
        match &self.tls {
            None => Ok(Box::new(plain)),
            Some((connector, name)) => Ok(Box::new(connector.connect(name.clone(), plain).await?)),
        }
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Peer({})", self.authority)
    }
}
