//! What the host counts and times for us. Invariant: labels come from closed lists of ours, so their number is bounded;
//! a host without metrics or properties serves all the same.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::sync::atomic::{AtomicU32, Ordering};

use contract::edge::Exchange;

use crate::host::{self, Kind};
use crate::http_context::Http;
use crate::root_context::Shared;

/// One exchange in so many is timed: a look at the clock costs the host as much as a counter, and one exchange needs eight.
const TIMED: u32 = 8;

/// The property that access logs read: Envoy's `%FILTER_STATE(wasm.rekey:PLAIN)%`.
const PROPERTY: &str = "rekey";

/// Where a request has no exchange, nobody has its plugin's metrics at hand. 0 before a configuration was read.
static HOST_FAULTS: AtomicU32 = AtomicU32::new(0);

/// The counters of one plugin, each made when it is first needed.
#[derive(Default)]
pub(crate) struct Metrics {
    answers: RefCell<Vec<Answers>>,
    time: Option<u32>,
    turn: Cell<u32>,
    /// Whether the callback at work has answered.
    answered: Cell<bool>,
}

/// Dialect, operation, what stands before the outcome of what was observed only, and the outcome.
type Labels = [&'static str; 4];

struct Answers {
    labels: Labels,
    counter: u32,
    property: String,
}

/// A stream with the nanoseconds that its callbacks took; `None` where nobody looks at the clock, or no longer.
pub(crate) struct Timed {
    pub(crate) http: Http,
    shared: Option<Rc<Shared>>,
    spent: Option<u64>,
}

/// Tells that a configuration was read; its counters are there from then on.
pub(crate) fn count_configuration(is_good: bool) {
    increment(define(match is_good {
        true => "rekey_edge_configurations_total.outcome.loaded",
        false => "rekey_edge_configurations_total.outcome.refused",
    }));
    HOST_FAULTS
        .store(define("rekey_edge_host_faults_total").map_or(0, |id| id + 1), Ordering::Relaxed);
}

/// A hostcall failed, and with it a request.
pub(crate) fn count_host_fault() {
    increment(HOST_FAULTS.load(Ordering::Relaxed).checked_sub(1));
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let time = host::define_metric(Kind::Histogram, "rekey_edge_filter_time_microseconds").ok();
        Self { time, ..Self::default() }
    }

    /// Counts an exchange that has its outcome, and names it for the access log.
    pub(crate) fn count(&self, exchange: &Exchange) {
        if exchange.outcome().is_empty() {
            return;
        }
        self.answered.set(true);
        let seen = if exchange.is_observed() { "observed_" } else { "" };
        let labels = [exchange.dialect().name(), exchange.operation(), seen, exchange.outcome()];
        let Ok(mut answers) = self.answers.try_borrow_mut() else {
            return;
        };
        let known = answers.iter().position(|known| known.labels == labels);
        let at = known.unwrap_or(answers.len());
        if known.is_none() {
            answers.extend(Answers::of(labels));
        }
        if let Some(answers) = answers.get(at) {
            let _ = host::set_property(PROPERTY, answers.property.as_bytes());
            increment(Some(answers.counter));
        }
    }

    fn takes_time(&self) -> bool {
        let turn = self.turn.get();
        self.turn.set(turn.wrapping_add(1));
        self.time.is_some() && turn.is_multiple_of(TIMED)
    }
}

impl Answers {
    fn of(labels: Labels) -> Option<Self> {
        let [dialect, operation, seen, outcome] = labels;
        let counter = define(&format!(
            "rekey_edge_requests_total.dialect.{dialect}.operation.{operation}.outcome.{seen}{outcome}"
        ))?;
        Some(Self { labels, counter, property: format!("{dialect}.{operation}.{seen}{outcome}") })
    }
}

impl Timed {
    pub(crate) fn new(shared: Option<Rc<Shared>>) -> Self {
        let is_timed = shared.as_ref().is_some_and(|shared| shared.metrics.takes_time());
        Self { http: Http::new(shared.clone()), shared, spent: is_timed.then_some(0) }
    }

    /// Before a callback: when it begins.
    pub(crate) fn begin(&self) -> Option<u64> {
        self.spent?;
        if let Some(shared) = &self.shared {
            shared.metrics.answered.set(false);
        }
        host::nanoseconds().ok()
    }

    /// After the callback: adds it up, and hands the sum over when this one has answered.
    pub(crate) fn end(&mut self, began: Option<u64>) {
        let (Some(began), Some(spent), Some(shared)) = (began, self.spent, &self.shared) else {
            return;
        };
        // A clock that was set back tells nothing.
        let spent = spent + host::nanoseconds().map_or(0, |now| now.saturating_sub(began));
        self.spent = Some(spent);
        if let (true, Some(time)) = (shared.metrics.answered.take(), shared.metrics.time) {
            let _ = host::record(time, spent.div_ceil(1000));
            self.spent = None;
        }
    }
}

fn define(name: &str) -> Option<u32> {
    host::define_metric(Kind::Counter, name).ok()
}

fn increment(counter: Option<u32>) {
    if let Some(counter) = counter {
        let _ = host::increment(counter);
    }
}
