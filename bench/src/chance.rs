//! Bytes without order, and the same in every run. Never for secrets.

/// xorshift64* (Vigna 2014).
#[derive(Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new() -> Self {
        Self(0x5eed)
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(8) {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            for (to, from) in
                chunk.iter_mut().zip(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d).to_be_bytes())
            {
                *to = from;
            }
        }
        bytes
    }
}
