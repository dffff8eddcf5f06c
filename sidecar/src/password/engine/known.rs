//! Known answers: what the faster engine must compute before it is used. RFC 9106's vectors run every kind, lane and
//! reference; one tag at the memory of new hashes runs the sizes that count.

use argon2::{Algorithm, Version};
use subtle::ConstantTimeEq;

use super::{Engine, EngineKind};
use crate::password::format::Cost;
use crate::password::memory::Input;

/// RFC 9106, section 5: 32 KiB, 3 passes, 4 lanes; password, salt, secret and data are of one byte each.
pub(super) const VECTORS: [(Algorithm, [u8; 32]); 3] = [
    (
        Algorithm::Argon2d,
        [
            0x51, 0x2b, 0x39, 0x1b, 0x6f, 0x11, 0x62, 0x97, 0x53, 0x71, 0xd3, 0x09, 0x19, 0x73,
            0x42, 0x94, 0xf8, 0x68, 0xe3, 0xbe, 0x39, 0x84, 0xf3, 0xc1, 0xa1, 0x3a, 0x4d, 0xb9,
            0xfa, 0xbe, 0x4a, 0xcb,
        ],
    ),
    (
        Algorithm::Argon2i,
        [
            0xc8, 0x14, 0xd9, 0xd1, 0xdc, 0x7f, 0x37, 0xaa, 0x13, 0xf0, 0xd7, 0x7f, 0x24, 0x94,
            0xbd, 0xa1, 0xc8, 0xde, 0x6b, 0x01, 0x6d, 0xd3, 0x88, 0xd2, 0x99, 0x52, 0xa4, 0xc4,
            0x67, 0x2b, 0x6c, 0xe8,
        ],
    ),
    (
        Algorithm::Argon2id,
        [
            0x0d, 0x64, 0x0d, 0xf5, 0x8d, 0x78, 0x76, 0x6c, 0x08, 0xc0, 0x37, 0xa3, 0x4a, 0x8b,
            0x53, 0xc9, 0xd0, 0x1e, 0xf0, 0x45, 0x2d, 0x75, 0xb6, 0x5e, 0xb5, 0x25, 0x20, 0xe9,
            0x6b, 0x01, 0xe6, 0x59,
        ],
    ),
];

/// Whether the faster engine computes what it must.
pub(super) fn holds(memory_kib: u32) -> bool {
    let (mut fast, mut reference) =
        (Engine::new(EngineKind::Fast), Engine::new(EngineKind::Reference));
    VECTORS.iter().all(|(kind, tag)| vector(&mut fast, *kind) == Some(*tag))
        && same(&mut fast, &mut reference, memory_kib)
}

/// The tag of a vector's input.
pub(super) fn vector(engine: &mut Engine, kind: Algorithm) -> Option<[u8; 32]> {
    let mut tag = [0; 32];
    let input = Input {
        kind,
        version: Version::V0x13,
        cost: Cost { memory_kib: 32, passes: 3, lanes: 4 },
        password: &[1; 32],
        salt: &[2; 16],
        secret: &[3; 8],
    };
    engine.fill(&input, &[4; 12], &mut tag).ok().map(|()| tag)
}

fn same(fast: &mut Engine, reference: &mut Engine, memory_kib: u32) -> bool {
    let input = Input {
        kind: Algorithm::Argon2id,
        version: Version::V0x13,
        cost: Cost { memory_kib: memory_kib.max(8), ..Cost::default() },
        password: b"a known answer",
        salt: b"of this machine",
        secret: &[],
    };
    let tag = |engine: &mut Engine| {
        let mut tag = [0; 32];
        engine.fill(&input, &[], &mut tag).ok().map(|()| tag)
    };
    match (tag(fast), tag(reference)) {
        (Some(fast), Some(reference)) => fast.ct_eq(&reference).into(),
        _ => false,
    }
}
