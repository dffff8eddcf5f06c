//! The section `password`, its hashing: how, and how much of that at a time. What a new password must be is in `rules`.

use std::num::NonZero;
use std::ops::RangeInclusive;
use std::thread;
use std::time::Duration;

use super::forms::{self, Wrong};
use super::reader::Reader;
use super::recipe;
use crate::password::{EngineChoice, Keep, Recipe, Sm2Layouts};

const DEADLINE: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(60);

/// How passwords are hashed.
#[derive(Clone, Debug)]
pub struct PasswordConfig {
    /// How new hashes are written.
    pub recipe: Recipe,
    /// Those that replace one are written in its format; absent: all as `recipe` says.
    pub keep: Option<Keep>,
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

impl PasswordConfig {
    /// How a hash is written in the place of another.
    pub fn recipe_over(&self, replaced: Option<&str>) -> Recipe {
        match (&self.keep, replaced) {
            (Some(keep), Some(replaced)) => keep.recipe(self.recipe, replaced),
            _ => self.recipe,
        }
    }
}

/// `is_theirs`: the accounts live elsewhere, and so the app wrote their hashes.
pub(super) fn read(reader: &mut Reader<'_>, is_theirs: bool) -> Option<PasswordConfig> {
    let engine = reader.read("password.engine", |value| match forms::text(value)? {
        "reference" => Ok(EngineChoice::Reference),
        "auto" => Ok(EngineChoice::Auto),
        _ => Err(Wrong::new("it is neither reference nor auto", "write reference or auto")),
    });
    let threads = reader.read("password.threads", |value| forms::whole(value, 1..=256));
    let queue = reader.read("password.queue", |value| forms::whole(value, 1..=10_000));
    let deadline = reader.read("password.deadline", |value| forms::duration(value, DEADLINE));
    let sm2_ios = reader.read("password.sm2_ios", forms::flag);
    let (recipe, keep) = recipe::read(reader, is_theirs)?;
    Some(PasswordConfig {
        recipe,
        keep,
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
