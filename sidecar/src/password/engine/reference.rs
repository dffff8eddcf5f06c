//! RustCrypto's argon2, in blocks that we keep. Invariant: blocks are wiped before they are freed, and what is freed leaves
//! the process.

use argon2::{Argon2, AssociatedData, Block, ParamsBuilder};
use zeroize::Zeroize;

use crate::password::format::FormatFault;
use crate::password::memory::Input;

/// In blocks of 1 KiB. glibc maps what is larger than 32 MiB apart, and unmaps it when it is freed, whatever else the program
/// did before; what is smaller may stay in its heap for good. What is reserved and never touched is no memory.
const MAPPED_APART: usize = 33 * 1024;

/// Blocks of the last hash; they still hold what was derived from its password.
#[derive(Default)]
pub(in crate::password) struct Blocks(Vec<Block>);

impl Blocks {
    pub(super) fn fill(
        &mut self,
        input: &Input<'_>,
        data: &[u8],
        tag: &mut [u8],
    ) -> Result<(), FormatFault> {
        let data = AssociatedData::new(data).map_err(|_| FormatFault::Malformed)?;
        let params = ParamsBuilder::new()
            .m_cost(input.cost.memory_kib)
            .t_cost(input.cost.passes)
            .p_cost(input.cost.lanes)
            .output_len(tag.len())
            .data(data)
            .build()
            .map_err(|_| FormatFault::Malformed)?;
        let blocks = self.room(params.block_count())?;
        Argon2::new_with_secret(input.secret, input.kind, input.version, params)
            .and_then(|argon2| {
                argon2.hash_password_into_with_memory(input.password, input.salt, tag, blocks)
            })
            .map_err(|_| FormatFault::Malformed)
    }

    pub(super) fn held_kib(&self) -> usize {
        self.0.len()
    }

    pub(super) fn release(&mut self) {
        self.wipe();
        self.0 = Vec::new();
    }

    fn wipe(&mut self) {
        self.0.iter_mut().zeroize();
    }

    fn room(&mut self, count: usize) -> Result<&mut [Block], FormatFault> {
        if self.0.len() < count {
            // First, so that the smaller piece and the larger one are never there together.
            self.release();
            self.0.try_reserve_exact(count.max(MAPPED_APART)).map_err(|_| FormatFault::Memory)?;
            self.0.resize(count, Block::new());
        }
        self.0.get_mut(..count).ok_or(FormatFault::Memory)
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use argon2::{Algorithm, Version};

    use super::*;
    use crate::password::format::Cost;

    #[test]
    fn nothing_of_a_password_is_left_in_wiped_blocks() {
        let input = Input {
            kind: Algorithm::Argon2id,
            version: Version::V0x13,
            cost: Cost { memory_kib: 64, passes: 1, lanes: 1 },
            password: b"password",
            salt: b"somesalt",
            secret: &[],
        };
        let mut blocks = Blocks::default();
        blocks.fill(&input, &[], &mut [0; 32]).unwrap();
        let is_zero = |block: &Block| block.as_ref().iter().all(|word| *word == 0);
        assert_eq!(blocks.0.iter().filter(|block| is_zero(block)).count(), 0);
        blocks.wipe();
        assert_eq!(blocks.0.iter().filter(|block| is_zero(block)).count(), 64);
    }
}
