//! Whose certificates are believed of those that we call: those of a configured file, or the system's.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::TlsConnector;

use super::server::provider;

/// There is no certificate to check others against.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the certificates that the server is checked against cannot be read")]
pub struct NoRoots;

/// For PostgreSQL's client.
pub(crate) fn postgres(ca: Option<&Path>) -> Result<MakeRustlsConnect, NoRoots> {
    Ok(MakeRustlsConnect::new(ClientConfig::clone(connector(ca)?.config())))
}

pub(crate) fn connector(ca: Option<&Path>) -> Result<TlsConnector, NoRoots> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(ca) => {
            let certificates = CertificateDer::pem_file_iter(ca).map_err(|_| NoRoots)?;
            for certificate in certificates {
                let certificate = certificate.map_err(|_| NoRoots)?;
                roots.add(certificate).map_err(|_| NoRoots)?;
            }
        }
        // A system's store may hold some that nobody can read; the others do.
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err(NoRoots);
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|_| NoRoots)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
