//! Randomness, as a parameter. Invariant: when the system has none, the caller gets an error, never zeroes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use thiserror::Error;

/// Where random bytes come from.
#[derive(Clone, Debug)]
pub enum Entropy {
    System,
    /// A sequence that a test can repeat.
    Seeded(Arc<AtomicU64>),
}

#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the system gives no random bytes")]
pub struct NoEntropy;

impl Entropy {
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], NoEntropy> {
        let mut bytes = [0; N];
        match self {
            Self::System => getrandom::fill(&mut bytes).map_err(|_| NoEntropy)?,
            Self::Seeded(counter) => fill_seeded(counter, &mut bytes),
        }
        Ok(bytes)
    }

    /// A number below 2^32, for jitter.
    pub fn number(&self) -> Result<u32, NoEntropy> {
        self.bytes().map(u32::from_be_bytes)
    }
}

fn fill_seeded(counter: &AtomicU64, bytes: &mut [u8]) {
    for chunk in bytes.chunks_mut(32) {
        let block = Sha256::digest(counter.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        for (to, from) in chunk.iter_mut().zip(block) {
            *to = from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_bytes_repeat_and_differ() {
        let seeded = || Entropy::Seeded(Arc::new(AtomicU64::new(1)));
        let (left, right) = (seeded(), seeded());
        let first: [u8; 48] = left.bytes().unwrap();
        assert_eq!(first, right.bytes::<48>().unwrap());
        assert_ne!(first, left.bytes::<48>().unwrap());
        assert_ne!(Entropy::System.bytes::<16>().unwrap(), Entropy::System.bytes::<16>().unwrap());
    }
}
