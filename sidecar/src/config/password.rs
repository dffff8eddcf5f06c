//! The section `password`, its hashing: how, and how much of that at a time. What a new password must be is in `rules`.

use std::num::NonZero;
use std::ops::RangeInclusive;
use std::thread;
use std::time::Duration;

use super::forms;
use super::reader::Reader;
use crate::password::{Cost, Recipe};

const DEADLINE: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(60);

/// How passwords are hashed.
#[derive(Clone, Debug)]
pub struct PasswordConfig {
    /// How new hashes are written.
    pub recipe: Recipe,
    /// Threads that hash.
    pub threads: usize,
    /// Jobs that may wait for a thread.
    pub queue: usize,
    /// How long a job may wait.
    pub deadline: Duration,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<PasswordConfig> {
    let memory_kib =
        reader.read("password.memory_kib", |value| forms::whole(value, 7_168..=262_144));
    let passes = reader.read("password.passes", |value| forms::whole(value, 1..=16));
    let lanes = reader.read("password.lanes", |value| forms::whole(value, 1..=8));
    let threads = reader.read("password.threads", |value| forms::whole(value, 1..=256));
    let queue = reader.read("password.queue", |value| forms::whole(value, 1..=10_000));
    let deadline = reader.read("password.deadline", |value| forms::duration(value, DEADLINE));
    let (memory_kib, passes) = (memory_kib?, passes?);
    judge_cost(reader, memory_kib, passes);
    let recipe = Recipe::Argon2id(Cost { memory_kib, passes, lanes: lanes? });
    Some(PasswordConfig {
        recipe,
        threads: threads.unwrap_or_else(cores),
        queue: queue?,
        deadline: deadline?,
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
