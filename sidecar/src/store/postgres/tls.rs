//! Whose certificates are believed: those of the configured file, or the system's.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::store::StoreError;

pub(super) fn trust(ca: Option<&Path>) -> Result<MakeRustlsConnect, StoreError> {
    let Some(ca) = ca else {
        // Another part of the program may have chosen the same already.
        let _chosen = ring::default_provider().install_default();
        let (connect, _) = MakeRustlsConnect::with_native_certs().map_err(|_| StoreError::Tls)?;
        return Ok(connect);
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).map_err(|_| StoreError::Tls)? {
        let certificate = certificate.map_err(|_| StoreError::Tls)?;
        roots.add(certificate).map_err(|_| StoreError::Tls)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| StoreError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
