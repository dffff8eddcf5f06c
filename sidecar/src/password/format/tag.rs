//! What a stored hash is compared by. Invariant: it is compared in constant time, and nothing shows it.

use std::fmt;

use subtle::ConstantTimeEq;

/// The bytes that a hash of the right password has.
#[derive(Clone)]
pub(super) struct Tag(pub(super) Vec<u8>);

impl Tag {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn matches(&self, found: &[u8]) -> bool {
        self.0.ct_eq(found).into()
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Tag(..)")
    }
}
