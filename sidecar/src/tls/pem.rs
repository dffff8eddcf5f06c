//! Certificates and keys out of PEM files. Invariant: a private key that others on this machine can read is not used.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use zeroize::Zeroizing;

use super::{Shown, TlsError, TlsFault};

/// A certificate with those up to its CA, and its key.
pub(super) struct Pair {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    pub(super) shown: Shown,
}

pub(super) fn pair(certificate: &Path, key: &Path) -> Result<Pair, TlsError> {
    let (chain, shown) = chain(certificate).map_err(|fault| at(certificate, fault))?;
    let key = private_key(key).map_err(|fault| at(key, fault))?;
    Ok(Pair { chain, key, shown })
}

pub(super) fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let read = || {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(TlsFault::Unfit)?;
        }
        Ok(roots)
    };
    read().map_err(|fault| at(path, fault))
}

pub(super) fn at(path: &Path, fault: TlsFault) -> TlsError {
    TlsError { path: path.to_owned(), fault }
}

/// Whether one of the certificate's alternative names (DNS, URI) is on the list.
pub(super) fn is_named(certificate: &CertificateDer<'_>, listed: &[String]) -> bool {
    let Ok(parsed) = Certificate::from_der(certificate) else { return false };
    let Ok(Some((_, names))) = parsed.tbs_certificate.get::<SubjectAltName>() else { return false };
    names.0.iter().any(|name| match name {
        GeneralName::DnsName(name) => {
            listed.iter().any(|listed| listed.eq_ignore_ascii_case(name.as_str()))
        }
        GeneralName::UniformResourceIdentifier(uri) => {
            listed.iter().any(|listed| listed == uri.as_str())
        }
        _ => false,
    })
}

fn chain(path: &Path) -> Result<(Vec<CertificateDer<'static>>, Shown), TlsFault> {
    let chain = certificates(path)?;
    let own = chain.first().and_then(|own| Certificate::from_der(own).ok());
    let own = own.ok_or(TlsFault::NoCertificate)?;
    let end = own.tbs_certificate.validity.not_after.to_unix_duration();
    Ok((chain, Shown { not_after: end.as_secs() }))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let bytes = fs::read(path).map_err(TlsFault::Unreadable)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or(TlsFault::NoCertificate)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsFault> {
    let mode = fs::metadata(path).map_err(TlsFault::Unreadable)?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(TlsFault::Exposed);
    }
    let bytes = Zeroizing::new(fs::read(path).map_err(TlsFault::Unreadable)?);
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| TlsFault::NoKey)
}
