//! Standard Webhooks' symmetric signature: HMAC-SHA-256 over id, time and body, which dots hold apart. Its form is that of
//! version 1 of the specification. Invariant: every key signs, so that a receiver with the old or the new one is served.

use std::fmt;

use base64ct::{Base64, Base64Unpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::clock::Millis;

const PREFIX: &str = "whsec_";

/// Bytes of a key.
const LENGTH: std::ops::RangeInclusive<usize> = 24..=64;

/// The old one, the new one, and two in reserve.
const MOST: usize = 4;

/// Keys that calls are signed with.
#[derive(Clone)]
pub struct Signer(Vec<Zeroizing<Vec<u8>>>);

/// Why a text is no list of keys.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SignerFault {
    #[error("it holds no key")]
    Empty,
    #[error("it holds more than {MOST} keys")]
    Many,
    #[error("a line is not whsec_ and the base64 of 24 to 64 bytes")]
    Form,
}

impl Signer {
    /// Keys line by line, the first one first; all sign.
    pub fn parse(text: &str) -> Result<Self, SignerFault> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let keys: Vec<_> = lines.map(key).collect::<Result<_, _>>()?;
        match keys.len() {
            0 => Err(SignerFault::Empty),
            1..=MOST => Ok(Self(keys)),
            _ => Err(SignerFault::Many),
        }
    }

    /// The header `webhook-signature`.
    pub(super) fn sign(&self, id: &str, at: Millis, body: &str) -> String {
        let signed = |key: &Zeroizing<Vec<u8>>| {
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
                // HMAC takes a key of any length.
                return String::new();
            };
            for part in [id, ".", &at.seconds().to_string(), ".", body] {
                mac.update(part.as_bytes());
            }
            format!("v1,{}", Base64::encode_string(&mac.finalize().into_bytes()))
        };
        self.0.iter().map(signed).collect::<Vec<_>>().join(" ")
    }
}

fn key(line: &str) -> Result<Zeroizing<Vec<u8>>, SignerFault> {
    let text = line.strip_prefix(PREFIX).ok_or(SignerFault::Form)?;
    let decoded = Base64Unpadded::decode_vec(text.trim_end_matches('='));
    let key = Zeroizing::new(decoded.map_err(|_| SignerFault::Form)?);
    if LENGTH.contains(&key.len()) { Ok(key) } else { Err(SignerFault::Form) }
}

impl fmt::Debug for Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Signer({} keys)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the specification's own libraries are tested with.
    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn the_published_example_is_signed_alike() {
        let signer = Signer::parse(KEY).unwrap();
        let found = signer.sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            Millis(1_614_265_330_999),
            "{\"test\": 2432232314}",
        );
        assert_eq!(found, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn every_key_signs() {
        let other = format!("whsec_{}", Base64::encode_string(&[7; 24]));
        let signer = Signer::parse(&format!("{KEY}\n\n{other}\n")).unwrap();
        let both = signer.sign("msg_1", Millis(1000), "{}");
        let alone = |key: &str| Signer::parse(key).unwrap().sign("msg_1", Millis(1000), "{}");
        assert_eq!(both, format!("{} {}", alone(KEY), alone(&other)));
        assert_eq!(format!("{signer:?}"), "Signer(2 keys)");
    }

    #[test]
    fn keys_are_judged() {
        let of = |length: usize| format!("whsec_{}", Base64::encode_string(&vec![1; length]));
        let five = vec![of(24); 5].join("\n");
        let table = [
            (String::new(), Err(SignerFault::Empty)),
            (of(23), Err(SignerFault::Form)),
            (of(24), Ok(())),
            (of(25), Ok(())),
            (of(25).trim_end_matches('=').to_owned(), Ok(())),
            (of(64), Ok(())),
            (of(65), Err(SignerFault::Form)),
            (of(32).replace("whsec_", ""), Err(SignerFault::Form)),
            ("whsec_%%%".to_owned(), Err(SignerFault::Form)),
            (five, Err(SignerFault::Many)),
        ];
        for (text, expected) in table {
            assert_eq!(Signer::parse(&text).map(drop), expected, "{text}");
        }
    }
}
