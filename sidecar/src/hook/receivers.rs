//! Who is told what: the receiver of events, and the directory that ends sessions. Invariant: what nobody wants to hear is
//! not queued.

use super::Hook;
use crate::config::{Config, DirectoryConfig};
use crate::store::{EventKind, Receiver};

/// Those that there are.
#[derive(Debug)]
pub struct Receivers {
    events: Option<Hook>,
    kinds: Vec<EventKind>,
    directory: Option<Hook>,
}

impl Receivers {
    /// Calls nobody yet.
    pub fn new(config: &Config) -> Self {
        let directory = match &config.directory {
            DirectoryConfig::Http(http) => Some(Hook::new(&http.hook)),
            _ => None,
        };
        let events = config.events.as_ref();
        let mut kinds = events.map(|events| events.kinds.clone()).unwrap_or_default();
        kinds.extend(directory.iter().map(|_| EventKind::SessionsEnd));
        Self { events: events.map(|events| Hook::new(&events.hook)), kinds, directory }
    }

    pub fn wants(&self, kind: EventKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Whom to call, and what follows its URL.
    pub fn of(&self, receiver: Receiver) -> Option<(&Hook, &'static str)> {
        match receiver {
            Receiver::Directory => self.directory.as_ref().map(|hook| (hook, "/sessions/end")),
            Receiver::Events => self.events.as_ref().map(|hook| (hook, "")),
        }
    }
}
