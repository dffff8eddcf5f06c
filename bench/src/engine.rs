//! The baseline of the confirms: the sidecar's implementations of argon2, in a bare loop on all cores.

use std::thread::{available_parallelism, scope};
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use argon2_rust::params::Memory;
use rustix::process::setpriority_process;

use crate::cpu;
use crate::fault::{Benched, fault};

/// The sidecar's hash threads have it, too.
const NICE: i32 = 10;
/// What new hashes cost where nothing else is configured.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const PASSWORD: &[u8] = b"correct horse battery";
const SALT: &[u8] = b"salt of 16 bytes";

#[derive(Clone, Copy, Debug)]
pub(crate) enum Engine {
    Reference,
    Fast,
}

/// What a bare loop gave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bare {
    /// Hashes a second.
    pub(crate) rate: f64,
    /// Microseconds of CPU for each.
    pub(crate) cpu: f64,
}

/// Hashes one password with memory of its own.
type Hash = Box<dyn FnMut() -> Benched<()>>;

impl Engine {
    pub(crate) const ALL: [Self; 2] = [Self::Reference, Self::Fast];

    /// The value of `password.engine`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Fast => "auto",
        }
    }

    /// Hashes a second, on as many threads as there are cores.
    pub(crate) fn bare(self, span: Duration) -> Benched<Bare> {
        let cores = available_parallelism()?.get();
        let loops: Vec<Benched<Bare>> = scope(|scope| {
            let threads: Vec<_> =
                (0..cores).map(|_| scope.spawn(move || self.alone(span))).collect();
            let ended = threads.into_iter().map(|thread| thread.join());
            ended.map(|rate| rate.unwrap_or_else(|_| Err(fault("a raw hash panicked")))).collect()
        });
        let loops = loops.into_iter().collect::<Benched<Vec<_>>>()?;
        Ok(Bare {
            rate: loops.iter().map(|one| one.rate).sum(),
            cpu: loops.iter().map(|one| one.cpu).sum::<f64>() / cores as f64,
        })
    }

    fn alone(self, span: Duration) -> Benched<Bare> {
        // As the sidecar's hash threads: whatever else runs here meets both alike.
        setpriority_process(None, NICE)?;
        let mut hash = match self {
            Self::Reference => reference()?,
            Self::Fast => fast()?,
        };
        // The first one meets memory that is not there yet.
        hash()?;
        let (begun, before) = (Instant::now(), cpu::of_this_thread()?);
        let mut hashes = 0_u32;
        while begun.elapsed() < span {
            hash()?;
            hashes += 1;
        }
        let (took, count) = (begun.elapsed().as_secs_f64(), f64::from(hashes));
        let used = cpu::of_this_thread()?.saturating_sub(before).as_secs_f64();
        Ok(Bare { rate: count / took, cpu: used * 1e6 / count })
    }
}

fn reference() -> Benched<Hash> {
    let wrong = |error| fault(format!("argon2: {error}"));
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).map_err(wrong)?;
    let mut blocks = vec![Block::new(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    Ok(Box::new(move || {
        let mut tag = [0; 32];
        argon2
            .hash_password_into_with_memory(PASSWORD, SALT, &mut tag, &mut blocks)
            .map_err(|error| fault(format!("argon2: {error}")))
    }))
}

fn fast() -> Benched<Hash> {
    use argon2_rust::{Algorithm, Argon2, Params, Version};
    let params = Params::builder().memory(Memory::kib(MEMORY_KIB.into())).passes(PASSES).lanes(1);
    let params = params.build().map_err(|error| fault(format!("argon2-rust: {error}")))?;
    let mut hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hasher();
    Ok(Box::new(move || {
        let mut tag = [0; 32];
        hasher
            .hash_into(PASSWORD, SALT, &mut tag)
            .map_err(|error| fault(format!("argon2-rust: {error}")))
    }))
}
