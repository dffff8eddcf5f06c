//! Whose certificates are believed: those of the configured file, or the system's.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::LookupFault;

pub(super) fn connector(ca: Option<&Path>) -> Result<TlsConnector, LookupFault> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(ca) => {
            let certificates = CertificateDer::pem_file_iter(ca).map_err(|_| LookupFault::Roots)?;
            for certificate in certificates {
                let certificate = certificate.map_err(|_| LookupFault::Roots)?;
                roots.add(certificate).map_err(|_| LookupFault::Roots)?;
            }
        }
        // A system's store may hold some that nobody can read; the others do.
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err(LookupFault::Roots);
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| LookupFault::Roots)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
