//! TLS between edge and sidecar, and at the edge's front: certificates from files that are read again when they change.
//! Invariant: a connection is spoken on only after its handshake was good, and a handshake ends in five seconds.

mod connector;
mod doorkeeper;
mod pem;
mod server;
pub mod trust;
mod visitor;
mod watched;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::clock::Clock;
use crate::config::{Config, EdgeConfig};

pub(crate) use self::connector::Connector;
pub(crate) use self::doorkeeper::Doorkeeper;

/// For one handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// So much before its end a certificate is spoken of.
const SOON: u64 = 14 * DAY.as_secs();
const DAY: Duration = Duration::from_secs(86_400);

/// Why no TLS can be made of a file.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    #[error("the file cannot be read: {0}")]
    Unreadable(io::Error),
    #[error(
        "everybody on this machine can read the private key: give the file mode 0600, and draw another key if others may have read it"
    )]
    Exposed,
    #[error(
        "it holds no certificate: write PEM, the own certificate first, then those up to the CA"
    )]
    NoCertificate,
    #[error("it holds no private key: write PEM (PKCS#8, PKCS#1 or SEC1) without a passphrase")]
    NoKey,
    #[error("it is not the key of the certificate beside it: renew both files together")]
    Mismatch,
    #[error("no TLS can be made of it: {0}")]
    Unfit(rustls::Error),
}

/// Which file it is that is not good.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {fault}", path = path.display())]
pub struct TlsError {
    path: PathBuf,
    fault: TlsFault,
}

/// What can be seen of a certificate of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Unix seconds.
    pub(crate) not_after: u64,
}

impl Shown {
    /// Whole days until its end; negative after it.
    pub(crate) fn days_left(self) -> i64 {
        let (end, now) =
            (self.not_after.cast_signed(), Clock::System.now().seconds().cast_signed());
        end.saturating_sub(now).div_euclid(DAY.as_secs().cast_signed())
    }

    pub(crate) fn ends_soon(self) -> bool {
        self.not_after < Clock::System.now().seconds().saturating_add(SOON)
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.days_left() {
            days @ ..0 => write!(out, "ended {} days ago: renew it", days.saturating_neg()),
            days if self.ends_soon() => write!(out, "ends in {days} days: renew it"),
            days => write!(out, "good for {days} days"),
        }
    }
}

/// What `rekey check` says of the signed listener's certificate, or what is wrong with its files.
pub fn signed_certificate(config: &Config) -> Option<Result<String, String>> {
    Some(judge(
        "listen.tls",
        Doorkeeper::open("listen.tls", config.listen.tls.as_ref()?)
            .map(|keeper| keeper.files().shown()),
    ))
}

/// The same of the edge's two.
pub fn edge_certificates(config: &EdgeConfig) -> Vec<Result<String, String>> {
    let front = config.listen_tls.as_ref().map(|tls| Doorkeeper::open("edge.listen_tls", tls));
    let back = config.tls.as_ref().map(|tls| Connector::open("edge.tls", tls));
    let front =
        front.map(|opened| judge("edge.listen_tls", opened.map(|keeper| keeper.files().shown())));
    let back =
        back.map(|opened| judge("edge.tls", opened.map(|connector| connector.files().shown())));
    front.into_iter().chain(back).collect()
}

fn judge(section: &str, opened: Result<(&'static str, Shown), TlsError>) -> Result<String, String> {
    match opened {
        // Nobody who checks it would shake hands.
        Ok((_, shown)) if shown.days_left() < 0 => {
            Err(format!("{section}: its certificate {shown}"))
        }
        Ok((_, shown)) => Ok(format!("{section} {shown}")),
        Err(error) => Err(format!("{section}: {error}")),
    }
}

/// The ends of certificates in Prometheus' text format.
pub(crate) fn gauges(certificates: &[(&str, Shown)]) -> String {
    if certificates.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "# HELP rekey_certificate_not_after_seconds When a certificate of ours ends, in Unix seconds.\n# TYPE rekey_certificate_not_after_seconds gauge\n",
    );
    for (name, shown) in certificates {
        let end = shown.not_after;
        text.push_str(&format!(
            "rekey_certificate_not_after_seconds{{certificate=\"{name}\"}} {end}\n"
        ));
    }
    text
}
