//! The plugin in one VM: reads the configuration, hands it to every request, keeps the counters.
//! Invariant: a faulty configuration never runs; the host refuses to start and its log says why.

use std::cell::RefCell;
use std::rc::Rc;

use contract::edge::{Edge, Exchange};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::host::{self, Level};
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
    /// Counts an exchange that has its answer. A host without metrics serves all the same.
    pub(crate) fn count(&self, exchange: &Exchange) {
        let name = format!(
            "rekey_requests_total.dialect.{}.operation.{}.outcome.{}",
            exchange.dialect().name(),
            exchange.operation(),
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

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let Ok(json) = host::configuration() else {
            host::log(Level::Error, "rekey: the host gives no plugin configuration");
            return false;
        };
        match Edge::from_json(&json, &mut variable) {
            Ok(edge) => {
                for warning in edge.warnings() {
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

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Http::new(self.shared.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// The SDK's and std's text readers panic on, or print, a variable that is not UTF-8.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name)?.into_string().ok().filter(|value| !value.is_empty())
}
