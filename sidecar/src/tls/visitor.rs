//! Which clients may come in: those with a certificate of the configured CA, and where names are listed, one of these.
//! Invariant: the CA's word is asked first; a name alone opens nothing.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};

use super::server::provider;
use super::{TlsFault, pem};

/// Asks the CA, then the list.
#[derive(Debug)]
pub(super) struct Visitors {
    known: Arc<dyn ClientCertVerifier>,
    names: Vec<String>,
}

impl Visitors {
    pub(super) fn of(roots: RootCertStore, names: &[String]) -> Result<Self, TlsFault> {
        let known = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        let known =
            known.build().map_err(|error| TlsFault::Unfit(Error::General(error.to_string())));
        Ok(Self { known: known?, names: names.to_vec() })
    }
}

impl ClientCertVerifier for Visitors {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.known.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.known.verify_client_cert(own, between, now)?;
        match self.names.is_empty() || pem::is_named(own, &self.names) {
            true => Ok(verified),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.known.verify_tls12_signature(message, own, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.known.verify_tls13_signature(message, own, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.known.supported_verify_schemes()
    }
}
