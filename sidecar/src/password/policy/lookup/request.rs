//! One request on a connection of its own: HTTP/1.1, over TLS except to this machine.
//! Invariant: at most `MOST` bytes of answer are read, and only those of a 200.

use std::fmt;
use std::path::Path;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{LookupFault, trust};
use crate::config::BaseUrl;

/// A range has some thousand lines of forty bytes, and padding.
const MOST: usize = 512 * 1024;

/// Whom to ask, and how.
#[derive(Clone)]
pub(super) struct Target {
    host: String,
    port: u16,
    /// What the digits are put behind, with a slash at its end.
    path: String,
    /// The `Host` header.
    authority: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Target {
    pub(super) fn new(url: &BaseUrl, ca: Option<&Path>) -> Result<Self, LookupFault> {
        let uri: Uri = url.as_str().parse().map_err(|_| LookupFault::Address)?;
        let (host, is_tls) =
            (uri.host().ok_or(LookupFault::Address)?, uri.scheme_str() == Some("https"));
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = match is_tls {
            true => {
                let name = ServerName::try_from(host.clone()).map_err(|_| LookupFault::Address)?;
                Some((trust::connector(ca)?, name))
            }
            false => None,
        };
        Ok(Self {
            port: uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            path: format!("{}/", uri.path().trim_end_matches('/')),
            authority: uri.authority().ok_or(LookupFault::Address)?.as_str().to_owned(),
            host,
            tls,
        })
    }

    /// The body of the answer for the first digits of a hash.
    pub(super) async fn ask(&self, prefix: &str) -> Result<Bytes, LookupFault> {
        let address = (self.host.as_str(), self.port);
        let plain = TcpStream::connect(address).await.map_err(|_| LookupFault::Unreachable)?;
        match &self.tls {
            None => self.talk(plain, prefix).await,
            Some((connector, name)) => {
                let wrapped = connector.connect(name.clone(), plain).await;
                self.talk(wrapped.map_err(|_| LookupFault::Unreachable)?, prefix).await
            }
        }
    }

    async fn talk<S>(&self, stream: S, prefix: &str) -> Result<Bytes, LookupFault>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let unreachable = |_| LookupFault::Unreachable;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(unreachable)?;
        let request = Request::get(format!("{}{prefix}", self.path))
            .header("host", &self.authority)
            .header("user-agent", "rekey")
            .header("add-padding", "true")
            .header("connection", "close")
            .body(Empty::<Bytes>::new())
            .map_err(|_| LookupFault::Address)?;
        let answer = async {
            let reply = sender.send_request(request).await.map_err(unreachable)?;
            if reply.status() != StatusCode::OK {
                return Err(LookupFault::Status);
            }
            let body = Limited::new(reply.into_body(), MOST).collect().await;
            Ok(body.map_err(|_| LookupFault::Form)?.to_bytes())
        };
        // Both here and not in a task: when we are dropped, the connection ends with us.
        tokio::pin!(answer, connection);
        tokio::select! {
            biased;
            body = &mut answer => body,
            ended = &mut connection => match ended {
                // Closed by the server when all was said; the answer is with us.
                Ok(()) => answer.await,
                Err(_) => Err(LookupFault::Unreachable),
            },
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Target({})", self.authority)
    }
}
