//! The signature line in front of every canonical message:
//! `rekey1 t=<unix> id=<32 hex> kid=<key id> aud=<deployment> mac=<64 hex>` LF JSON.
//! The MAC (HMAC-SHA-256, edge key) covers the line up to ` mac=`, LF, `/v1/<operation>`, LF and the SHA-256 of the JSON.
//! Invariant: `verify` gives the JSON only after MAC, audience, operation and time were found right.

use alloc::string::String;
use alloc::{format, vec::Vec};
use core::fmt;

use hmac::{Hmac, KeyInit, Mac as _};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::message::Operation;
use crate::name::Name;

/// Seconds that the sender's clock may differ from the store's, either way.
pub const CLOCK_WINDOW: u64 = 120;

/// What a message may call itself, newest first: the first word of its line. Line and JSON have one version together, and
/// any change of what is written is a new one. An edge writes the newest, a sidecar believes the one before it too; so
/// sidecars are updated first, their gateways after them.
pub const VERSIONS: [&str; 1] = [NEWEST];

const NEWEST: &str = "rekey1";

/// The longest signature line that is read, in bytes.
const MAX_LINE: usize = 320;

/// A key that edge and sidecar share: 32 bytes, written as 64 hexadecimal digits.
#[derive(Clone)]
pub struct EdgeKey {
    id: Name,
    secret: Zeroizing<[u8; 32]>,
    /// The hash with the key in it already: two blocks fewer for each message.
    begun: Hmac<Sha256>,
}

impl EdgeKey {
    pub fn parse(id: Name, hex: &str) -> Option<Self> {
        let secret = Zeroizing::new(unhex::<32>(hex)?);
        // A key of the block size is taken as it is, so the short key is padded here and no length can be refused.
        let mut block = Zeroizing::new([0_u8; 64]);
        for (to, from) in block.iter_mut().zip(secret.iter()) {
            *to = *from;
        }
        let begun = Hmac::new(&(*block).into());
        Some(Self { id, secret, begun })
    }

    pub fn id(&self) -> &Name {
        &self.id
    }

    /// Whether two keys have the same digits, whatever they are called.
    pub fn has_secret_of(&self, other: &Self) -> bool {
        self.secret.ct_eq(&*other.secret).into()
    }

    /// True for keys that stand in documents or that nobody drew: one byte over and over, or counted up.
    pub fn is_example(&self) -> bool {
        let steps: Vec<u8> = self
            .secret
            .iter()
            .zip(self.secret.iter().skip(1))
            .map(|(left, right)| right.wrapping_sub(*left))
            .collect();
        steps.iter().zip(steps.iter().skip(1)).all(|(left, right)| left == right)
    }
}

impl fmt::Debug for EdgeKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "EdgeKey({}, ..)", self.id.as_str())
    }
}

/// Time and randomness of one message: unix seconds, and 16 bytes of the host's random generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub now: u64,
    pub id: [u8; 16],
}

/// The HMAC of a message; the same id with another MAC is another message.
pub type Mac = [u8; 32];

/// Why a message is not believed. One answer (401) for all; the code is for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    #[error("the signature line is malformed")]
    Line,
    #[error("the signature's version is unknown")]
    Version,
    #[error("the message is for another deployment")]
    Audience,
    #[error("the edge key is unknown")]
    Key,
    #[error("the MAC is wrong")]
    Mac,
    #[error("the message is older or newer than 120 s")]
    Stale,
}

/// A message that was signed by one of our edges for this deployment and this operation, in time.
#[derive(Debug)]
pub struct Verified<'b> {
    pub stamp: Stamp,
    pub mac: Mac,
    pub json: &'b [u8],
}

/// Puts the signature line in front of the JSON.
pub fn sign(
    key: &EdgeKey,
    audience: &Name,
    stamp: Stamp,
    operation: Operation,
    json: &str,
) -> Vec<u8> {
    let mut line = format!("{NEWEST} t={} id=", stamp.now);
    push_hex(&mut line, &stamp.id);
    line.push_str(" kid=");
    line.push_str(key.id.as_str());
    line.push_str(" aud=");
    line.push_str(audience.as_str());
    let mac = mac_of(key, &line, operation, json.as_bytes());
    line.push_str(" mac=");
    push_hex(&mut line, &mac);
    line.push('\n');
    line.push_str(json);
    line.into_bytes()
}

/// Judges a signed message by the given keys, audience, operation and time (unix seconds).
pub fn verify<'b>(
    body: &'b [u8],
    keys: &[EdgeKey],
    audience: &Name,
    operation: Operation,
    now: u64,
) -> Result<Verified<'b>, SignatureFault> {
    let end = body.iter().take(MAX_LINE).position(|byte| *byte == b'\n');
    let (line, rest) =
        end.and_then(|end| body.split_at_checked(end)).ok_or(SignatureFault::Line)?;
    let json = rest.get(1..).ok_or(SignatureFault::Line)?;
    let line = core::str::from_utf8(line).map_err(|_| SignatureFault::Line)?;
    let (signed, mac) = line.split_once(" mac=").ok_or(SignatureFault::Line)?;
    let mac: Mac = unhex(mac).ok_or(SignatureFault::Line)?;
    let fields = Fields::parse(signed)?;
    let key = keys.iter().find(|key| key.id.as_str() == fields.key).ok_or(SignatureFault::Key)?;
    let expected = mac_of(key, signed, operation, json);
    if !bool::from(expected.ct_eq(&mac)) {
        return Err(SignatureFault::Mac);
    }
    if fields.audience != audience.as_str() {
        return Err(SignatureFault::Audience);
    }
    if now.abs_diff(fields.stamp.now) > CLOCK_WINDOW {
        return Err(SignatureFault::Stale);
    }
    Ok(Verified { stamp: fields.stamp, mac, json })
}

struct Fields<'l> {
    stamp: Stamp,
    key: &'l str,
    audience: &'l str,
}

impl<'l> Fields<'l> {
    fn parse(signed: &'l str) -> Result<Self, SignatureFault> {
        let mut words = signed.split(' ');
        if !words.next().is_some_and(|word| VERSIONS.contains(&word)) {
            return Err(SignatureFault::Version);
        }
        let mut field = |name: &str| {
            words.next().and_then(|word| word.strip_prefix(name)).ok_or(SignatureFault::Line)
        };
        let now = field("t=")?.parse().map_err(|_| SignatureFault::Line)?;
        let id = unhex(field("id=")?).ok_or(SignatureFault::Line)?;
        let key = field("kid=")?;
        let audience = field("aud=")?;
        match words.next() {
            None => Ok(Self { stamp: Stamp { now, id }, key, audience }),
            Some(_) => Err(SignatureFault::Line),
        }
    }
}

fn mac_of(key: &EdgeKey, line: &str, operation: Operation, json: &[u8]) -> Mac {
    let mut mac = key.begun.clone();
    mac.update(line.as_bytes());
    mac.update(b"\n");
    mac.update(operation.path().as_bytes());
    mac.update(b"\n");
    mac.update(&Sha256::digest(json));
    mac.finalize().into_bytes().into()
}

/// Lower-case hexadecimal digits of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    push_hex(&mut text, bytes);
    text
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    let digit = |four: u8| char::from(if four < 10 { b'0' + four } else { b'a' - 10 + four });
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 0xf));
    }
}

/// Reads exactly `N` bytes of lower-case hexadecimal.
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != N.checked_mul(2)? {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0_u8; N];
    for (to, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *to = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}
