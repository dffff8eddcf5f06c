//! The section `password`: what a new password must be, how it is hashed, and how much of that at a time.

use std::num::NonZero;
use std::ops::RangeInclusive;
use std::thread;
use std::time::Duration;

use super::forms;
use super::reader::Reader;
use crate::password::{Cost, Recipe, Sm2Layouts};

const DEADLINE: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(60);

/// What a password must be, and how it is hashed.
#[derive(Clone, Debug)]
pub struct PasswordConfig {
    /// Code points.
    pub min: u32,
    /// Code points.
    pub max: u32,
    /// How new hashes are written.
    pub recipe: Recipe,
    /// Threads that hash.
    pub threads: usize,
    /// Jobs that may wait for a thread.
    pub queue: usize,
    /// How long a job may wait.
    pub deadline: Duration,
    /// What is read as an SM2 ciphertext.
    pub layouts: Sm2Layouts,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<PasswordConfig> {
    let min = reader.read("password.min", |value| forms::whole(value, 6..=64));
    let max = reader.read("password.max", |value| forms::whole(value, 32..=1_024));
    let memory_kib =
        reader.read("password.memory_kib", |value| forms::whole(value, 7_168..=262_144));
    let passes = reader.read("password.passes", |value| forms::whole(value, 1..=16));
    let lanes = reader.read("password.lanes", |value| forms::whole(value, 1..=8));
    let threads = reader.read("password.threads", |value| forms::whole(value, 1..=256));
    let queue = reader.read("password.queue", |value| forms::whole(value, 1..=10_000));
    let deadline = reader.read("password.deadline", |value| forms::duration(value, DEADLINE));
    let sm2_ios = reader.read("password.sm2_ios", forms::flag);
    let (min, max, memory_kib, passes) = (min?, max?, memory_kib?, passes?);
    if min > max {
        reader.refuse(
            "password.min",
            "no password could be this short and this long",
            "keep min at or below max",
        );
    }
    judge_cost(reader, memory_kib, passes);
    let recipe = Recipe::Argon2id(Cost { memory_kib, passes, lanes: lanes? });
    Some(PasswordConfig {
        min,
        max,
        recipe,
        threads: threads.unwrap_or_else(cores),
        queue: queue?,
        deadline: deadline?,
        layouts: if sm2_ios? { Sm2Layouts::WithIos } else { Sm2Layouts::Standard },
    })
}

/// OWASP's table of equal strengths ends at 7168 KiB x 5.
fn judge_cost(reader: &mut Reader<'_>, memory_kib: u32, passes: u32) {
    if memory_kib.saturating_mul(passes) < 35_840 {
        let key = if reader.has("password.memory_kib") {
            "password.memory_kib"
        } else {
            "password.passes"
        };
        reader.refuse(
            key,
            "hashes this cheap are soon cracked",
            "keep memory_kib times passes at 35840 or more (19456 x 2)",
        );
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}
