//! The key that signs, read again when its file changes. Invariant: there is always a key, and every request is signed with
//! one key from its head to its end.

use std::path::Path;
use std::sync::Arc;

use contract::edge::{Edge, Plan};
use contract::signature::EdgeKey;
use tokio::sync::watch;

use crate::keys::{self, KeyError, KeyFault, Shelf};
use crate::reread::Reread;

#[derive(Debug)]
pub(super) struct Signer(Reread<Edge, KeyFault>);

impl Signer {
    pub(super) fn open(plan: &Plan, path: &Path) -> Result<Self, KeyError> {
        let (plan, file) = (plan.clone(), path.to_owned());
        let edge = Reread::open(vec![path.to_owned()], move || Ok(plan.with_key(read(&file)?)));
        edge.map(Self).map_err(|fault| KeyError { path: path.to_owned(), fault })
    }

    /// The edge as it is now.
    pub(super) fn edge(&self) -> Arc<Edge> {
        self.0.get()
    }

    /// Looks at the file until `stop` turns true.
    pub(super) async fn follow(&self, stop: watch::Receiver<bool>) {
        let tell = |read: Result<&Edge, &KeyFault>| match read {
            Ok(edge) => tracing::info!(event = "keys_read", signs = edge.key().id().as_str()),
            Err(error) => tracing::error!(event = "keys_unreadable", %error),
        };
        self.0.follow(stop, tell).await;
    }
}

/// The first key of the file; the others are there for the day on which it is taken out.
pub(super) fn read(path: &Path) -> Result<EdgeKey, KeyFault> {
    let lines = keys::read_lines(path, Shelf::Edge)?;
    lines.first().and_then(keys::Key::edge).ok_or(KeyFault::Malformed(Shelf::Edge))
}
