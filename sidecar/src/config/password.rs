//! The section `password`: what a new password must be, how it is hashed, and how much of that at a time.

use std::num::NonZero;
use std::ops::RangeInclusive;
use std::thread;
use std::time::Duration;

use super::forms;
use super::reader::Reader;
use super::recipe;
use crate::password::Recipe;

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
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<PasswordConfig> {
    let min = reader.read("password.min", |value| forms::whole(value, 6..=64));
    let max = reader.read("password.max", |value| forms::whole(value, 32..=1_024));
    let threads = reader.read("password.threads", |value| forms::whole(value, 1..=256));
    let queue = reader.read("password.queue", |value| forms::whole(value, 1..=10_000));
    let deadline = reader.read("password.deadline", |value| forms::duration(value, DEADLINE));
    let recipe = recipe::read(reader);
    let (min, max) = (min?, max?);
    if min > max {
        reader.refuse(
            "password.min",
            "no password could be this short and this long",
            "keep min at or below max",
        );
    }
    Some(PasswordConfig {
        min,
        max,
        recipe: recipe?,
        threads: threads.unwrap_or_else(cores),
        queue: queue?,
        deadline: deadline?,
    })
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}
