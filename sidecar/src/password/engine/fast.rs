//! `argon2-rust`: AVX-512, AVX2, SSE2 or NEON, chosen while the program runs. Its arena is wiped after each hash, and
//! unmapped when it is released. Invariant: it takes and refuses the same input as the reference.

use argon2::Algorithm as Kind;
use argon2::Version as Revision;
use argon2_rust::params::{Memory, TagLen};
use argon2_rust::{Algorithm, Argon2, Error, Hasher, Params, Version, detected_backend};

use crate::password::format::FormatFault;
use crate::password::memory::Input;

pub(in crate::password) struct Arena(Hasher);

impl Arena {
    pub(super) fn new() -> Self {
        Self(Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::OWASP).hasher())
    }

    pub(super) fn fill(
        &mut self,
        input: &Input<'_>,
        data: &[u8],
        tag: &mut [u8],
    ) -> Result<(), FormatFault> {
        // It would take more memory than it was told, where the reference refuses.
        let params = input.cost.params(tag.len())?;
        let params = Params::builder()
            .memory(Memory::kib(params.m_cost().into()))
            .passes(params.t_cost())
            .lanes(params.p_cost())
            .threads(1)
            .tag_len(TagLen::bytes(tag.len() as u64))
            .build()
            .map_err(fault)?;
        self.0.set_argon2(Argon2::new(algorithm(input.kind), version(input.version), params));
        self.0.hash_into_with_ad(input.password, input.salt, input.secret, data, tag).map_err(fault)
    }

    pub(super) fn held_kib(&self) -> usize {
        self.0.reserved_blocks()
    }

    pub(super) fn release(&mut self) {
        self.0.clear();
    }
}

/// The instructions that it found.
pub(super) fn backend() -> String {
    format!("{:?}", detected_backend()).to_lowercase()
}

fn algorithm(kind: Kind) -> Algorithm {
    match kind {
        Kind::Argon2d => Algorithm::Argon2d,
        Kind::Argon2i => Algorithm::Argon2i,
        Kind::Argon2id => Algorithm::Argon2id,
    }
}

fn version(revision: Revision) -> Version {
    match revision {
        Revision::V0x10 => Version::V0x10,
        Revision::V0x13 => Version::V0x13,
    }
}

fn fault(error: Error) -> FormatFault {
    match error {
        Error::MemoryAllocationError => FormatFault::Memory,
        _ => FormatFault::Malformed,
    }
}
