//! The implementations of argon2. The reference is RustCrypto's; a faster one may be asked for. Invariant: the faster one
//! computes nothing that counts before it gave known answers on this very machine.

mod fast;
mod known;
mod reference;
#[cfg(test)]
mod tests;

use std::panic::catch_unwind;

use self::fast::Arena;
use self::reference::Blocks;
use super::format::FormatFault;
use super::memory::Input;

/// What the configuration asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    #[default]
    Reference,
    /// The faster one where it gives the known answers; else the reference.
    Auto,
}

/// Which one computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EngineKind {
    Reference,
    Fast,
}

/// One that computes, with its memory.
pub(super) enum Engine {
    Reference(Blocks),
    Fast(Arena),
}

impl EngineChoice {
    /// Tries the faster one at the memory that new hashes take. Some tens of milliseconds: not on the way to the listeners.
    pub(super) fn settle(self, memory_kib: u32) -> EngineKind {
        match self {
            Self::Reference => EngineKind::Reference,
            // One that panics has given no answer.
            Self::Auto if matches!(catch_unwind(|| known::holds(memory_kib)), Ok(true)) => {
                tracing::info!(event = "hash_engine", engine = "fast", backend = %fast::backend());
                EngineKind::Fast
            }
            Self::Auto => {
                tracing::error!(
                    event = "hash_engine",
                    engine = "reference",
                    reason = "the faster one gave a wrong answer"
                );
                EngineKind::Reference
            }
        }
    }
}

impl Engine {
    pub(super) fn new(kind: EngineKind) -> Self {
        match kind {
            EngineKind::Reference => Self::Reference(Blocks::default()),
            EngineKind::Fast => Self::Fast(Arena::new()),
        }
    }

    /// Fills the tag. `data` is what the RFC calls associated data; no stored hash of ours has any.
    pub(super) fn fill(
        &mut self,
        input: &Input<'_>,
        data: &[u8],
        tag: &mut [u8],
    ) -> Result<(), FormatFault> {
        match self {
            Self::Reference(blocks) => blocks.fill(input, data, tag),
            Self::Fast(arena) => arena.fill(input, data, tag),
        }
    }

    pub(super) fn held_kib(&self) -> usize {
        match self {
            Self::Reference(blocks) => blocks.held_kib(),
            Self::Fast(arena) => arena.held_kib(),
        }
    }

    /// Wipes what is held, and gives it back to the system.
    pub(super) fn release(&mut self) {
        match self {
            Self::Reference(blocks) => blocks.release(),
            Self::Fast(arena) => arena.release(),
        }
    }
}
