//! Asks a service whether a password was breached, as Have I Been Pwned's range API is asked: by the first five digits of
//! its SHA-1 alone. Invariant: nothing else of the password leaves; one answer is bounded in size and time, no redirect is
//! followed, and whether a failure lets a password pass is the configuration's choice.

mod answer;
mod request;
#[cfg(test)]
mod tests;

use std::time::Duration;

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use thiserror::Error;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use crate::config::LookupConfig;
use crate::peer::{Peer, PeerFault};

/// A service to ask.
#[derive(Clone, Debug)]
pub struct Lookup {
    peer: Peer,
    timeout: Duration,
    fails_open: bool,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum LookupFault {
    #[error("the address of the look-up is not a URL that can be asked")]
    Address,
    #[error("the certificates that the look-up's server is checked against cannot be read")]
    Roots,
    #[error("the look-up's server does not answer")]
    Unreachable,
    #[error("the look-up's server did not answer in time")]
    Late,
    #[error("the look-up's server did not answer 200")]
    Status,
    #[error("the look-up's answer is not a list of hashes, or too long")]
    Form,
}

impl From<PeerFault> for LookupFault {
    fn from(fault: PeerFault) -> Self {
        match fault {
            PeerFault::Address => Self::Address,
            PeerFault::Roots(_) => Self::Roots,
        }
    }
}

impl Lookup {
    /// Reads the certificates; asks nothing yet.
    pub fn new(config: &LookupConfig) -> Result<Self, LookupFault> {
        Ok(Self {
            peer: Peer::new(&config.url, config.ca.as_deref())?,
            timeout: config.timeout,
            fails_open: config.fails_open,
        })
    }

    /// What the service says, or why it says nothing.
    pub async fn ask(&self, password: &str, by: Instant) -> Result<bool, LookupFault> {
        let hash = hash(password);
        let (prefix, rest) = hash.split_at_checked(5).ok_or(LookupFault::Form)?;
        let by = by.min(Instant::now() + self.timeout);
        let asked = timeout_at(by, request::ask(&self.peer, prefix)).await;
        asked.unwrap_or(Err(LookupFault::Late)).and_then(|body| answer::has(&body, rest))
    }

    /// Whether the service knows the password; it is not waited for beyond `by`. An error only where failures are to
    /// refuse it.
    pub async fn is_breached(&self, password: &str, by: Instant) -> Result<bool, LookupFault> {
        match self.ask(password, by).await {
            Ok(found) => Ok(found),
            Err(fault) => {
                let passed = self.fails_open;
                tracing::warn!(event = "breach_lookup_failed", kind = %fault, passed);
                if passed { Ok(false) } else { Err(fault) }
            }
        }
    }
}

/// SHA-1 in upper case digits.
fn hash(password: &str) -> Zeroizing<String> {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
    let mut digits = Zeroizing::new(String::with_capacity(40));
    for byte in hash.as_ref() {
        for half in [byte >> 4, byte & 15] {
            let digit = char::from_digit(u32::from(half), 16).unwrap_or_default();
            digits.push(digit.to_ascii_uppercase());
        }
    }
    digits
}
