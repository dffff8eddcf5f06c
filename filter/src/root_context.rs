//! The plugin in one VM: reads the configuration, hands it to every request.
//! Invariant: a faulty configuration never runs; the host refuses to start and its log says why.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;

use contract::edge::{Circumstances, Edge};

use crate::host::{self, Host, Level};
use crate::metrics::{Metrics, Timed, count_configuration};

/// What all requests of a VM share.
pub(crate) struct Shared {
    pub(crate) edge: Edge,
    pub(crate) metrics: Metrics,
}

#[derive(Default)]
pub(crate) struct Root {
    shared: Option<Rc<Shared>>,
}

impl Root {
    /// Reads the plugin's configuration.
    pub(crate) fn on_configure(&mut self) -> bool {
        let is_good = self.configure();
        count_configuration(is_good);
        is_good
    }

    pub(crate) fn stream(&self) -> Timed {
        Timed::new(self.shared.clone())
    }

    fn configure(&mut self) -> bool {
        let Ok(json) = host::configuration() else {
            host::log(Level::Error, "rekey: the host gives no plugin configuration");
            return false;
        };
        match Edge::from_json(&json, &mut host::variable) {
            Ok(edge) => {
                let overdue = edge.overdue(Host.now().unwrap_or(0));
                for warning in edge.warnings().iter().map(String::as_str).chain(overdue) {
                    host::log(Level::Warn, &format!("rekey: {warning}"));
                }
                self.shared = Some(Rc::new(Shared { edge, metrics: Metrics::new() }));
                true
            }
            Err(faults) => {
                for fault in faults {
                    host::log(Level::Error, &format!("rekey: configuration: {fault}"));
                }
                false
            }
        }
    }
}
