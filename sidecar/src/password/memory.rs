//! The working memory of one hash thread. What our own cost needs stays between two hashes; what a dearer stored hash needs
//! goes at once. Invariant: nothing of it goes back to the system before it was wiped. (scrypt has memory of its own.)

use argon2::{Algorithm, Version};

use super::engine::{Engine, EngineKind};
use super::format::{Cost, FormatFault};

/// What a tag is computed from.
pub(super) struct Input<'i> {
    pub(super) kind: Algorithm,
    pub(super) version: Version,
    pub(super) cost: Cost,
    pub(super) password: &'i [u8],
    pub(super) salt: &'i [u8],
    /// Argon2's own key, which a pepper is; empty for none.
    pub(super) secret: &'i [u8],
}

pub(super) struct Memory {
    kept: usize,
    engine: Engine,
}

impl Memory {
    /// Keeps so many KiB between two hashes, for the reference.
    #[cfg(test)]
    pub(super) fn keeping(kib: u32) -> Self {
        Self::of(EngineKind::Reference, kib)
    }

    /// Keeps so many KiB between two hashes.
    pub(super) fn of(kind: EngineKind, kib: u32) -> Self {
        Self { kept: kib as usize, engine: Engine::new(kind) }
    }

    /// Fills the tag.
    pub(super) fn argon2(&mut self, input: &Input<'_>, tag: &mut [u8]) -> Result<(), FormatFault> {
        self.engine.fill(input, &[], tag)
    }

    /// After a job: only what our own cost needs stays.
    pub(super) fn trim(&mut self) {
        if self.engine.held_kib() > self.kept {
            self.engine.release();
        }
    }

    /// Nobody hashes any more: all of it goes.
    pub(super) fn release(&mut self) {
        self.engine.release();
    }

    pub(super) fn is_held(&self) -> bool {
        self.engine.held_kib() > 0
    }
}
