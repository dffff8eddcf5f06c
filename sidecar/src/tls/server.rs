//! What a listener's files give: rustls' configuration for servers. TLS 1.3, and 1.2 for those who have no better.
//! Invariant: where clients must show a certificate, no session is taken up again, so that each connection is judged anew.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::server::NoServerSessionStorage;
use rustls::{InconsistentKeys, ServerConfig};

use super::pem::{self, at};
use super::visitor::Visitors;
use super::watched::Side;
use super::{TlsError, TlsFault};
use crate::config::ServerTls;

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

pub(super) fn read(files: &ServerTls) -> Result<Side<ServerConfig>, TlsError> {
    let pem::Pair { chain, key, shown } = pem::pair(&files.certificate, &files.key)?;
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| at(&files.certificate, TlsFault::Unfit(error)))?;
    let builder = match &files.clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let visitors = Visitors::of(pem::roots(&clients.ca)?, &clients.names);
            let visitors = visitors.map_err(|fault| at(&clients.ca, fault))?;
            builder.with_client_cert_verifier(Arc::new(visitors))
        }
    };
    let config = builder.with_single_cert(chain, key);
    let mut config = config.map_err(|error| at(&files.key, unfit(error)))?;
    if files.clients.is_some() {
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Side { config: Arc::new(config), shown })
}

pub(super) fn unfit(error: rustls::Error) -> TlsFault {
    match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsFault::Mismatch,
        error => TlsFault::Unfit(error),
    }
}
