//! Numbers, fields and base64 as they stand in hashes. Invariant: what is read has one spelling only.

use std::ops::RangeInclusive;

use base64ct::{Base64Unpadded, Encoding};

use super::FormatFault;

/// Exactly so many parts.
pub(super) fn parts<const N: usize>(text: &str, separator: char) -> Result<[&str; N], FormatFault> {
    let parts: Vec<&str> = text.split(separator).collect();
    parts.try_into().map_err(|_| FormatFault::Malformed)
}

/// `name=7`, with the name and its sign given.
pub(super) fn named(part: Option<&str>, name: &str) -> Result<u32, FormatFault> {
    decimal(part.and_then(|part| part.strip_prefix(name)).ok_or(FormatFault::Malformed)?)
}

/// Digits without a leading zero. What no `u32` holds would cost too much, whatever it counts.
pub(super) fn decimal(digits: &str) -> Result<u32, FormatFault> {
    let plain = !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    if !plain {
        return Err(FormatFault::Malformed);
    }
    digits.parse().map_err(|_| FormatFault::Costly)
}

/// Base64 of so many bytes.
pub(super) fn bytes<E: Encoding>(
    text: &str,
    length: RangeInclusive<usize>,
) -> Result<Vec<u8>, FormatFault> {
    sized(E::decode_vec(text).map_err(|_| FormatFault::Malformed)?, length)
}

/// passlib's base64: a dot for the plus, and no padding.
pub(super) fn dotted(text: &str, length: RangeInclusive<usize>) -> Result<Vec<u8>, FormatFault> {
    if text.contains('+') {
        return Err(FormatFault::Malformed);
    }
    bytes::<Base64Unpadded>(&text.replace('.', "+"), length)
}

pub(super) fn to_dotted(bytes: &[u8]) -> String {
    Base64Unpadded::encode_string(bytes).replace('+', ".")
}

/// A salt that is used as it is written.
pub(super) fn salt(text: &str, length: RangeInclusive<usize>) -> Result<Vec<u8>, FormatFault> {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'$');
    if !plain {
        return Err(FormatFault::Malformed);
    }
    sized(text.as_bytes().to_vec(), length)
}

fn sized(bytes: Vec<u8>, length: RangeInclusive<usize>) -> Result<Vec<u8>, FormatFault> {
    length.contains(&bytes.len()).then_some(bytes).ok_or(FormatFault::Malformed)
}
