//! Both engines give one answer to everything, and that of the RFC; and memory is held and given back by both alike.

use argon2::{Algorithm, Version};

use super::known::{self, VECTORS};
use super::{Engine, EngineChoice, EngineKind};
use crate::password::format::{Cost, FormatFault};
use crate::password::memory::{Input, Memory};

const KINDS: [EngineKind; 2] = [EngineKind::Reference, EngineKind::Fast];
const ALGORITHMS: [Algorithm; 3] = [Algorithm::Argon2d, Algorithm::Argon2i, Algorithm::Argon2id];
const SMALL: Input<'static> = Input {
    kind: Algorithm::Argon2id,
    version: Version::V0x13,
    cost: Cost { memory_kib: 64, passes: 1, lanes: 1 },
    password: b"password",
    salt: b"somesalt",
    secret: &[],
};

/// Bytes of a sequence that a seed repeats (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    fn bytes(&mut self, lengths: std::ops::Range<usize>) -> Vec<u8> {
        let length = lengths.start + self.below(lengths.len());
        (0..length).map(|_| u8::try_from(self.below(256)).unwrap()).collect()
    }
}

fn tag(
    engine: &mut Engine,
    input: &Input<'_>,
    data: &[u8],
    length: usize,
) -> Result<Vec<u8>, FormatFault> {
    let mut tag = vec![0; length];
    engine.fill(input, data, &mut tag).map(|()| tag)
}

#[test]
fn both_compute_the_vectors_of_the_rfc() {
    for kind in KINDS {
        let mut engine = Engine::new(kind);
        for (algorithm, expected) in VECTORS {
            assert_eq!(known::vector(&mut engine, algorithm), Some(expected), "{kind:?}");
        }
    }
}

/// The memory is used again and again, larger and smaller, as on a hash thread.
#[test]
fn both_compute_the_same() {
    let (mut reference, mut fast) =
        (Engine::new(EngineKind::Reference), Engine::new(EngineKind::Fast));
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    for round in 0..1500 {
        let lanes = 1 + dice.below(8);
        let memory_kib = 8 * lanes + dice.below(if round % 50 == 0 { 4096 } else { 300 });
        let (password, salt) = (dice.bytes(0..200), dice.bytes(8..65));
        let (secret, data) = (dice.bytes(0..40), dice.bytes(0..33));
        let input = Input {
            kind: ALGORITHMS[dice.below(3)],
            version: [Version::V0x10, Version::V0x13][dice.below(2)],
            cost: Cost {
                memory_kib: u32::try_from(memory_kib).unwrap(),
                passes: u32::try_from(1 + dice.below(4)).unwrap(),
                lanes: u32::try_from(lanes).unwrap(),
            },
            password: &password,
            salt: &salt,
            secret: &secret,
        };
        let length = 4 + dice.below(125);
        let [expected, found] =
            [&mut reference, &mut fast].map(|engine| tag(engine, &input, &data, length));
        assert!(expected.is_ok(), "{:?} {length}", input.cost);
        assert_eq!(found, expected, "{:?} {:?} {:?}", input.kind, input.version, input.cost);
    }
}

#[test]
fn both_refuse_the_same() {
    let cost = |memory_kib, passes, lanes| Cost { memory_kib, passes, lanes };
    let table = [
        (Input { cost: cost(7, 1, 1), ..SMALL }, 32),
        (Input { cost: cost(15, 1, 2), ..SMALL }, 32),
        (Input { cost: cost(64, 0, 1), ..SMALL }, 32),
        (Input { cost: cost(64, 1, 0), ..SMALL }, 32),
        (Input { salt: b"7 bytes", ..SMALL }, 32),
        (SMALL, 3),
    ];
    for (input, length) in table {
        for kind in KINDS {
            let told = tag(&mut Engine::new(kind), &input, &[], length);
            assert_eq!(told, Err(FormatFault::Malformed), "{kind:?} {:?} {length}", input.cost);
        }
    }
}

#[test]
fn auto_takes_the_faster_one_where_it_gives_known_answers() {
    assert_eq!(EngineChoice::Auto.settle(19_456), EngineKind::Fast);
    assert_eq!(EngineChoice::Reference.settle(19_456), EngineKind::Reference);
}

#[test]
fn what_our_own_cost_needs_stays_and_what_is_dearer_goes() {
    for kind in KINDS {
        let mut memory = Memory::of(kind, 64);
        assert!(!memory.is_held(), "{kind:?}: nothing is taken before the first hash");
        for _ in 0..2 {
            memory.argon2(&SMALL, &mut [0; 32]).unwrap();
            memory.trim();
            assert!(memory.is_held(), "{kind:?}");
        }
        let dearer = Input { cost: Cost { memory_kib: 96, ..SMALL.cost }, ..SMALL };
        memory.argon2(&dearer, &mut [0; 32]).unwrap();
        memory.trim();
        assert!(!memory.is_held(), "{kind:?}");
        memory.argon2(&SMALL, &mut [0; 32]).unwrap();
        memory.release();
        assert!(!memory.is_held(), "{kind:?}");
    }
}
