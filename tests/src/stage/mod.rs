//! Real things on free ports: Envoy, the sidecar, a mail server, an app. Each stops exactly what it started, also when a
//! test fails. Nothing here waits for a fixed time: everything is polled until a deadline.

mod app;
mod child;
mod edge;
mod envoy;
mod gate;
mod lenient;
mod mail;
mod mailbox;
mod mariadb;
mod nginx;
mod postgres;
mod receiver;
mod relay;
mod samba;
mod server;
mod sidecar;
mod slapd;
mod template;
mod texts;

use std::path::PathBuf;
use std::time::{Duration, Instant};

pub use app::App;
pub use child::Running;
pub use edge::{Edge, EdgeOptions};
pub use envoy::{Envoy, EnvoyOptions};
pub use gate::{Gate, Way};
pub use lenient::{Reset, reset_in};
pub use mail::Mail;
pub use mailbox::Mailbox;
pub use mariadb::{MariaDb, Schema};
pub use nginx::Nginx;
pub use postgres::{Database, Postgres, Safety};
pub use receiver::{HOOK_KEY, Receiver};
pub use relay::{At, Manner, Relay, Taken};
pub use samba::{BEGINNING, DOMAIN, SERVANT, Samba};
pub use server::{Answer, Reaction, Received, Server};
pub use sidecar::{Sidecar, Told, rekey};
pub use slapd::{ADMIN, BASE, LOWLY, PASSWORD, Slapd, SlapdOptions};
pub use template::Limits;
pub use texts::{Text, Texts};

/// How long anything may take to start, stop or arrive: generous, because a build may be running beside the tests.
pub const DEADLINE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(10);

/// Something on the stage did not go as it must.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {detail}")]
pub struct Fault {
    what: &'static str,
    detail: String,
}

/// The outcome of a step on the stage.
pub type Staged<T> = Result<T, Fault>;

impl Fault {
    #[must_use]
    pub fn new(what: &'static str, detail: impl Into<String>) -> Self {
        Self { what, detail: detail.into() }
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::new("input or output failed", error.to_string())
    }
}

/// Asks again and again until there is something, at most [`DEADLINE`] long.
///
/// # Errors
/// The deadline passed, or the question itself failed.
pub fn until<T>(what: &'static str, ask: impl FnMut() -> Staged<Option<T>>) -> Staged<T> {
    let found = poll(DEADLINE, ask)?;
    found.ok_or_else(|| Fault::new(what, format!("not within {} seconds", DEADLINE.as_secs())))
}

/// Asks again and again until there is something; `None` when the time is over. Whatever cannot be waited for by itself
/// is waited for here.
///
/// # Errors
/// The question itself failed.
pub fn poll<T, E>(
    patience: Duration,
    mut ask: impl FnMut() -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    let end = Instant::now() + patience;
    loop {
        let found = ask()?;
        let left = end.saturating_duration_since(Instant::now());
        if found.is_some() || left.is_zero() {
            return Ok(found);
        }
        std::thread::sleep(PAUSE.min(left));
    }
}

/// The checkout.
#[must_use]
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or_else(|| here.clone(), PathBuf::from)
}

/// Where cargo puts what it builds.
#[must_use]
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Where the apps of `tests/recipes` lie, and a Node that runs the newest of them.
#[must_use]
pub fn apps() -> PathBuf {
    root().join("target/apps")
}

/// A program of the Python environment that `./just setup` makes.
#[must_use]
pub fn venv(program: &str) -> PathBuf {
    root().join("target/venv/bin").join(program)
}
