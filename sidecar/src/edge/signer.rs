//! The key that signs, read again when its file changes. Invariant: there is always a key, and every request is signed with
//! one key from its head to its end.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use contract::edge::{Edge, Plan};
use contract::signature::EdgeKey;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::keys::{self, KeyError, KeyFault, Shelf};

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Signer {
    plan: Plan,
    path: PathBuf,
    edge: RwLock<Arc<Edge>>,
}

impl Signer {
    pub(super) fn open(plan: &Plan, path: &Path) -> Result<Self, KeyError> {
        let key = read(path).map_err(|fault| KeyError { path: path.to_owned(), fault })?;
        let edge = RwLock::new(Arc::new(plan.with_key(key)));
        Ok(Self { plan: plan.clone(), path: path.to_owned(), edge })
    }

    /// The edge as it is now.
    pub(super) fn edge(&self) -> Arc<Edge> {
        Arc::clone(&self.edge.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the file until `stop` turns true.
    pub(super) async fn follow(&self, mut stop: watch::Receiver<bool>) {
        let mut mark = keys::mark(&self.path);
        while timeout(LOOK, stop.wait_for(|stop| *stop)).await.is_err() {
            let now = keys::mark(&self.path);
            if now != mark {
                mark = now;
                self.exchange();
            }
        }
    }

    fn exchange(&self) {
        match read(&self.path) {
            Ok(key) => {
                tracing::info!(event = "keys_read", signs = key.id().as_str());
                let edge = Arc::new(self.plan.with_key(key));
                *self.edge.write().unwrap_or_else(PoisonError::into_inner) = edge;
            }
            Err(fault) => tracing::error!(event = "keys_unreadable", error = %fault),
        }
    }
}

/// The first key of the file; the others are there for the day on which it is taken out.
pub(super) fn read(path: &Path) -> Result<EdgeKey, KeyFault> {
    let lines = keys::read_lines(path, Shelf::Edge)?;
    lines.first().and_then(keys::Key::edge).ok_or(KeyFault::Malformed(Shelf::Edge))
}
