//! The section `password`, its hashing: how, and how much of that at a time. What a new password must be is in `rules`.

use std::num::NonZero;
use std::ops::RangeInclusive;
use std::thread;
use std::time::Duration;

use super::forms::{self, Wrong};
use super::reader::Reader;
use super::recipe;
use crate::password::{EngineChoice, Recipe, Sm2Layouts};

const DEADLINE: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(60);

/// How passwords are hashed.
#[derive(Clone, Debug)]
pub struct PasswordConfig {
    /// How new hashes are written.
    pub recipe: Recipe,
    /// What computes argon2.
    pub engine: EngineChoice,
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
    let engine = reader.read("password.engine", |value| match forms::text(value)? {
        "reference" => Ok(EngineChoice::Reference),
        "auto" => Ok(EngineChoice::Auto),
        _ => Err(Wrong::new("it is neither reference nor auto", "write reference or auto")),
    });
    let threads = reader.read("password.threads", |value| forms::whole(value, 1..=256));
    let queue = reader.read("password.queue", |value| forms::whole(value, 1..=10_000));
    let deadline = reader.read("password.deadline", |value| forms::duration(value, DEADLINE));
    let sm2_ios = reader.read("password.sm2_ios", forms::flag);
    let recipe = recipe::read(reader);
    Some(PasswordConfig {
        recipe: recipe?,
        engine: engine?,
        threads: threads.unwrap_or_else(cores),
        queue: queue?,
        deadline: deadline?,
        layouts: if sm2_ios? { Sm2Layouts::WithIos } else { Sm2Layouts::Standard },
    })
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}
