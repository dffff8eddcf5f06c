//! The keys that clients encrypt passwords with, as the sidecar gives them out and dialects publish them.
//! Invariant: what was decoded has the form that its member promises.

use alloc::string::String;

use crate::json::{Object, Value, Writer};

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----\n";
const END: &str = "-----END PUBLIC KEY-----\n";

/// Bytes of the PEM of a modulus of 4096 bits, and room.
const MAX_PEM: usize = 1024;

/// The active key of each kind, where there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicKeys {
    /// PEM, SubjectPublicKeyInfo.
    pub rsa: Option<String>,
    /// An uncompressed point: 130 hexadecimal digits, the first two `04`.
    pub sm2: Option<String>,
}

impl PublicKeys {
    pub fn is_empty(&self) -> bool {
        self.rsa.is_none() && self.sm2.is_none()
    }

    pub(crate) fn write(&self, mut object: Writer) -> Writer {
        if let Some(rsa) = &self.rsa {
            object = object.string("rsa", rsa);
        }
        match &self.sm2 {
            Some(sm2) => object.string("sm2", sm2),
            None => object,
        }
    }

    /// `None` where a member is malformed, or both are absent.
    pub(crate) fn take(object: &mut Object) -> Option<Self> {
        let mut member = |name, is_good: fn(&str) -> bool| match object.take(name) {
            None => Some(None),
            Some(Value::String(text)) if is_good(text.as_str()) => {
                Value::String(text).into_string().map(Some)
            }
            Some(_) => None,
        };
        let keys = Self { rsa: member("rsa", is_pem)?, sm2: member("sm2", is_point)? };
        (!keys.is_empty()).then_some(keys)
    }
}

fn is_pem(text: &str) -> bool {
    let inner = text.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
    let base64 =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\n');
    text.len() <= MAX_PEM && inner.is_some_and(|inner| inner.bytes().all(base64))
}

fn is_point(text: &str) -> bool {
    text.len() == 130 && text.starts_with("04") && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
