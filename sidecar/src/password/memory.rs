//! The working memory of one hash thread. What our own cost needs stays allocated; what a dearer stored hash needs goes again.

use argon2::{Algorithm, Argon2, Block, Version};

use super::format::{Cost, FormatFault};

/// What argon2 is computed from.
pub(super) struct Input<'i> {
    pub(super) kind: Algorithm,
    pub(super) version: Version,
    pub(super) cost: Cost,
    pub(super) password: &'i [u8],
    pub(super) salt: &'i [u8],
    /// A pepper, or nothing.
    pub(super) secret: &'i [u8],
}

pub(super) struct Memory {
    kept: usize,
    blocks: Vec<Block>,
}

impl Memory {
    /// Keeps so many KiB between two hashes.
    pub(super) fn keeping(kib: u32) -> Self {
        Self { kept: kib as usize, blocks: Vec::new() }
    }

    /// Fills the tag.
    pub(super) fn argon2(&mut self, input: &Input<'_>, tag: &mut [u8]) -> Result<(), FormatFault> {
        let params = input.cost.params(tag.len())?;
        let blocks = self.blocks(params.block_count());
        Argon2::new_with_secret(input.secret, input.kind, input.version, params)
            .and_then(|argon2| {
                argon2.hash_password_into_with_memory(input.password, input.salt, tag, blocks)
            })
            .map_err(|_| FormatFault::Malformed)
    }

    pub(super) fn trim(&mut self) {
        if self.blocks.len() > self.kept {
            self.blocks = Vec::new();
        }
    }

    fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.blocks.len() < count {
            self.blocks.resize(count, Block::new());
        }
        self.blocks.get_mut(..count).unwrap_or_default()
    }
}
