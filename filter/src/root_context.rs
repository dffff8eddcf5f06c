//! The plugin in one VM: reads the configuration, hands it to every request, keeps the counters.
//! Invariant: a faulty configuration never runs; the host refuses to start and its log says why.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use contract::edge::{Circumstances, Edge, Exchange};

use crate::host::{self, Host, Level};
use crate::http_context::Http;

/// What all requests of a VM share.
pub(crate) struct Shared {
    pub(crate) edge: Edge,
    counters: RefCell<Vec<(String, u32)>>,
}

#[derive(Default)]
pub(crate) struct Root {
    shared: Option<Rc<Shared>>,
}

impl Shared {
    /// Counts an exchange that has its outcome. A host without metrics serves all the same.
    pub(crate) fn count(&self, exchange: &Exchange) {
        if exchange.outcome().is_empty() {
            return;
        }
        let name = format!(
            "rekey_requests_total.dialect.{}.operation.{}.outcome.{}{}",
            exchange.dialect().name(),
            exchange.operation(),
            if exchange.is_observed() { "observed_" } else { "" },
            exchange.outcome(),
        );
        let Ok(mut counters) = self.counters.try_borrow_mut() else {
            return;
        };
        let known = counters.iter().find(|(known, _)| *known == name).map(|(_, id)| *id);
        let counter = known.map_or_else(|| host::define_counter(&name), Ok);
        let Ok(counter) = counter else { return };
        if known.is_none() {
            counters.push((name, counter));
        }
        let _ = host::increment(counter);
    }
}

impl Root {
    /// Reads the plugin's configuration.
    pub(crate) fn on_configure(&mut self) -> bool {
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
                self.shared = Some(Rc::new(Shared { edge, counters: RefCell::default() }));
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

    pub(crate) fn stream(&self) -> Http {
        Http::new(self.shared.clone())
    }
}
