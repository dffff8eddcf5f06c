//! What files give, read again when they change. Invariant: there always is a value; files that cannot be read, or do not
//! belong together yet, leave the former one in use.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::keys::{self, Marks};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

type Read<T, E> = Box<dyn Fn() -> Result<T, E> + Send + Sync>;

pub(crate) struct Reread<T, E> {
    files: Vec<PathBuf>,
    /// Of the files as they were opened: what changes before anybody follows is seen as well.
    opened: Vec<Marks>,
    read: Read<T, E>,
    value: RwLock<Arc<T>>,
}

impl<T, E> std::fmt::Debug for Reread<T, E> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Reread({:?}, ..)", self.files)
    }
}

impl<T, E> Reread<T, E> {
    /// `read` is called now, and whenever one of the files has changed.
    pub(crate) fn open(
        files: Vec<PathBuf>,
        read: impl Fn() -> Result<T, E> + Send + Sync + 'static,
    ) -> Result<Self, E> {
        let opened = marks(&files);
        let value = RwLock::new(Arc::new(read()?));
        Ok(Self { files, opened, read: Box::new(read), value })
    }

    /// The value as it is now.
    pub(crate) fn get(&self) -> Arc<T> {
        Arc::clone(&self.value.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the files until `stop` turns true; what was read, or why not, is told.
    pub(crate) async fn follow(
        &self,
        mut stop: watch::Receiver<bool>,
        tell: impl Fn(Result<&T, &E>),
    ) {
        let mut seen = self.opened.clone();
        while timeout(LOOK, stop.wait_for(|stop| *stop)).await.is_err() {
            let now = marks(&self.files);
            if now == seen {
                continue;
            }
            seen = now;
            match (self.read)() {
                Ok(value) => {
                    tell(Ok(&value));
                    *self.value.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(value);
                }
                Err(error) => tell(Err(&error)),
            }
        }
    }
}

fn marks(files: &[PathBuf]) -> Vec<Marks> {
    files.iter().map(|file| keys::mark(file)).collect()
}
