//! The worker that tells the store that we live: which keys we hold, how far we have seen the store come, and back from it
//! what makes now. Invariant: the mark on the disk is never ahead of the store, and no message is taken before the first
//! beat has shown whether the store was put back.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::sync::{Mutex, Notify, watch};

use super::wait;
use crate::config::{KeyFiles, StoreConfig};
use crate::engine::Engine;
use crate::entropy::{Entropy, NoEntropy};
use crate::keys::{Held, KeyStates, Keys, Marks, RingFault, marks, stranger};
use crate::store::{Beat, Beaten, StoreError};

/// Three fit into the time in which an instance counts as alive.
const EVERY: Duration = Duration::from_secs(5);

/// The others take an instance for dead that was silent for so long.
const ALIVE: Duration = Duration::from_secs(15);

/// What an instance remembers between two beats.
#[derive(Debug)]
pub(crate) struct Pulse {
    instance: [u8; 16],
    path: PathBuf,
    memory: Mutex<Memory>,
}

#[derive(Debug)]
struct Memory {
    mark: i64,
    files: Marks,
    keys: Keys,
    /// What the ring was made from last; `None` before the first beat.
    states: Option<KeyStates>,
}

/// Why an instance cannot begin, or a beat was missed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BeatFault {
    #[error(transparent)]
    Ring(#[from] RingFault),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "instance {0} holds other keys under the same ids: `rekey keys export --out FILE` there, and here, after moving the \
         key files away, `rekey keys import FILE`"
    )]
    Stranger(String),
}

impl Pulse {
    pub(crate) fn new(
        data: &Path,
        store: &StoreConfig,
        files: &KeyFiles,
        keys: Keys,
        entropy: &Entropy,
    ) -> Result<Self, NoEntropy> {
        // One for each kind of store: who moves from a file to a server has not gone back in time.
        let path = data.join(match store {
            StoreConfig::Sqlite(_) => "beat",
            StoreConfig::Postgres(_) => "beat.postgres",
        });
        let memory = Memory { mark: read_mark(&path), files: marks(files), keys, states: None };
        Ok(Self { instance: entropy.bytes()?, path, memory: Mutex::new(memory) })
    }
}

/// The beat before the first message.
pub(crate) async fn first(engine: &Engine) -> Result<(), BeatFault> {
    let beaten = once(engine).await?;
    let memory = engine.pulse.memory.lock().await;
    match stranger(&Held::all(&memory.keys), &beaten.instances, beaten.at) {
        Some(other) => Err(BeatFault::Stranger(other)),
        None => Ok(()),
    }
}

pub(crate) async fn run(engine: &Engine, mut stop: watch::Receiver<bool>) {
    let nobody = Notify::new();
    let mut good = Instant::now();
    while wait(&nobody, EVERY, &mut stop).await {
        let beaten = once(engine).await;
        if let Err(fault) = &beaten {
            tracing::error!(event = "beat_failed", kind = %fault);
        } else {
            good = Instant::now();
        }
        // Who does not hold what makes now, or has not heard of it, would take good proofs for wrong ones.
        let fit = !matches!(beaten, Err(BeatFault::Ring(_))) && good.elapsed() < ALIVE;
        engine.fit.store(fit, Ordering::Relaxed);
    }
    // Whoever waits for us to hold a key need not wait longer.
    if let Err(error) = engine.store.leave(engine.pulse.instance).await {
        tracing::warn!(event = "not_left", kind = %error);
    }
}

pub(crate) async fn once(engine: &Engine) -> Result<Beaten, BeatFault> {
    let pulse = &engine.pulse;
    let mut memory = pulse.memory.lock().await;
    read_again(&engine.config.keys, &mut memory);
    let holds = Held::all(&memory.keys);
    let (asked, at) = (Instant::now(), engine.clock.now());
    let beat = Beat { instance: pulse.instance, at, holds, mark: memory.mark };
    let beaten = engine.store.beat(beat).await?;
    if let Some(at) = beaten.clock {
        engine.clock.follow(at, asked);
    }
    memory.mark = beaten.beat;
    if let Err(error) = write_mark(&pulse.path, beaten.beat) {
        tracing::error!(event = "mark_not_written", %error);
    }
    if let Some(revoked) = beaten.restored {
        tracing::warn!(event = "store_restored", revoked);
    }
    if memory.states.as_ref() != Some(&beaten.states) {
        engine.ring.change(&memory.keys, &beaten.states)?;
        memory.states = Some(beaten.states.clone());
    }
    Ok(beaten)
}

/// Key files that changed are read; where they cannot be, what was read stays.
fn read_again(files: &KeyFiles, memory: &mut Memory) {
    let found = marks(files);
    if found == memory.files {
        return;
    }
    match Keys::read(files) {
        Ok(keys) => {
            tracing::info!(event = "keys_read", held = keys.iter().count());
            (memory.keys, memory.files, memory.states) = (keys, found, None);
        }
        Err(error) => tracing::error!(event = "keys_unreadable", %error),
    }
}

/// 0 where there is none: then only the copy itself can tell that it is one.
fn read_mark(path: &Path) -> i64 {
    match fs::read_to_string(path) {
        Ok(text) => text.trim().parse().unwrap_or(0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => {
            tracing::error!(event = "mark_not_read", %error);
            0
        }
    }
}

/// Whole or not at all; a mark that is lost is an older one.
fn write_mark(path: &Path, mark: i64) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    fs::set_permissions(&beside, Permissions::from_mode(0o600))?;
    writeln!(file, "{mark}")?;
    file.sync_data()?;
    fs::rename(&beside, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
