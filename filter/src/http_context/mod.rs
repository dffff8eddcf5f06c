//! Callback -> event -> carry out the step. Decides nothing but what to do when the host itself fails: refuse.
//! What differs between hosts that hold a head back and hosts that do not is in `natural` and `portable`.

mod natural;
mod portable;

use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;

use contract::edge::{Answer, Exchange, Head, Headers, MAX_ANSWER, MAX_BODY, Mode, Step};

use crate::head::{Back, remove_ours, set_fetch_head};
use crate::host::{self, Host, HostFault, Level, MALFORMED};
use crate::metrics::count_host_fault;
use crate::root_context::Shared;

pub(crate) struct Http {
    shared: Option<Rc<Shared>>,
    phase: Phase,
    /// Whether the message of this direction has a body; one that ends with trailers alone has none to read or replace.
    has_body: bool,
}

/// What the host does with what it holds.
#[derive(Clone, Copy)]
pub(crate) enum Action {
    Continue = 0,
    Pause = 1,
}

enum Phase {
    /// Not ours, or our own answer is on its way: nothing more to do.
    Free,
    /// The request's body is held back until it is whole; in natural mode, its head as well.
    Collecting(Box<Exchange>),
    /// The signed message is on its way; the answer comes back.
    Forwarded(Box<Exchange>),
    /// Natural: the answer's head is held back until its body is whole.
    Answering(Box<Exchange>, Answer, Headers),
    /// Portable: the answer's head is out in the dialect's words; its body is still to come.
    Wording(Box<Exchange>),
    /// Portable: so is the body; what else comes of the other is dropped.
    Worded,
}

impl Http {
    pub(crate) fn new(shared: Option<Rc<Shared>>) -> Self {
        Self { shared, phase: Phase::Free, has_body: false }
    }

    fn begin(&mut self, shared: &Shared, is_whole: bool) -> Result<Action, HostFault> {
        let headers = host::request_headers()?;
        // What has no path cannot be judged free.
        headers.first(b":path").ok_or(MALFORMED)?;
        remove_ours(&headers)?;
        let is_portable = shared.edge.mode() == Mode::Portable;
        let is_whole = is_whole || (is_portable && portable::is_whole(&headers));
        let (step, exchange) = shared.edge.on_head(Head::new(headers), is_whole, &mut Host);
        match (step, exchange.map(Box::new)) {
            (Step::Collect, Some(exchange)) if is_whole => self.judge(shared, exchange, &[]),
            (Step::Collect, Some(exchange)) if is_portable && exchange.is_observed() => {
                self.phase = Phase::Collecting(exchange);
                Ok(Action::Continue)
            }
            (Step::Collect, Some(exchange)) if is_portable => {
                self.send_request_head(shared, exchange)
            }
            (Step::Collect, Some(exchange)) => Ok(self.hold_request(exchange)),
            (step @ (Step::Reply(_) | Step::Fetch), Some(exchange)) => {
                self.carry_out(shared, exchange, step)
            }
            (_, exchange) => {
                exchange.iter().for_each(|exchange| shared.metrics.count(exchange));
                Ok(Action::Continue)
            }
        }
    }

    fn collect(
        &mut self,
        shared: &Shared,
        mut exchange: Box<Exchange>,
    ) -> Result<Action, HostFault> {
        if !self.has_body {
            return self.judge(shared, exchange, &[]);
        }
        let body = match host::request_body(MAX_BODY + 1) {
            Ok(body) => body,
            Err(fault) if exchange.is_observed() => {
                report(fault);
                return Ok(Action::Continue);
            }
            Err(fault) => return self.fail(shared, exchange, fault),
        };
        if body.len() > MAX_BODY {
            let step = exchange.on_oversize();
            return self.carry_out(shared, exchange, step);
        }
        self.judge(shared, exchange, &body)
    }

    fn judge(
        &mut self,
        shared: &Shared,
        mut exchange: Box<Exchange>,
        body: &[u8],
    ) -> Result<Action, HostFault> {
        let step = exchange.on_request(&shared.edge, body, &mut Host);
        self.carry_out(shared, exchange, step)
    }

    fn carry_out(
        &mut self,
        shared: &Shared,
        exchange: Box<Exchange>,
        step: Step,
    ) -> Result<Action, HostFault> {
        match (step, shared.edge.mode()) {
            (Step::Reply(answer), _) => self.reply(shared, &exchange, &answer),
            (Step::Fetch, _) => {
                let sent = set_fetch_head(&exchange);
                self.await_answer(shared, exchange, sent)
            }
            (Step::Forward(forward), Mode::Natural) => {
                let sent = natural::forward_whole(&exchange, &forward);
                self.await_answer(shared, exchange, sent)
            }
            (Step::Forward(forward), Mode::Portable) if self.has_body => {
                let sent = host::replace_request_body(&forward.body);
                self.await_answer(shared, exchange, sent)
            }
            (Step::Pass | Step::Collect, mode)
                if mode == Mode::Natural || exchange.is_observed() =>
            {
                shared.metrics.count(&exchange);
                Ok(Action::Continue)
            }
            // The head is not the client's any more; the configuration sees to it that nothing comes here.
            _ => self.refuse(shared, exchange),
        }
    }

    fn await_answer(
        &mut self,
        shared: &Shared,
        exchange: Box<Exchange>,
        sent: Result<(), HostFault>,
    ) -> Result<Action, HostFault> {
        match sent {
            Ok(()) => {
                self.phase = Phase::Forwarded(exchange);
                Ok(Action::Continue)
            }
            Err(fault) => self.fail(shared, exchange, fault),
        }
    }

    fn reply(
        &mut self,
        shared: &Shared,
        exchange: &Exchange,
        answer: &Answer,
    ) -> Result<Action, HostFault> {
        shared.metrics.count(exchange);
        self.phase = Phase::Free;
        host::reply(answer)?;
        Ok(Action::Pause)
    }

    fn fail(
        &mut self,
        shared: &Shared,
        exchange: Box<Exchange>,
        fault: HostFault,
    ) -> Result<Action, HostFault> {
        report(fault);
        self.refuse(shared, exchange)
    }

    fn refuse(
        &mut self,
        shared: &Shared,
        mut exchange: Box<Exchange>,
    ) -> Result<Action, HostFault> {
        let answer = exchange.on_failure();
        self.reply(shared, &exchange, &answer)
    }

    fn begin_answer(
        &mut self,
        shared: &Shared,
        mut exchange: Box<Exchange>,
        is_whole: bool,
    ) -> Result<Action, HostFault> {
        let came = host::response_headers()?;
        let back = Back::read(&came);
        let answer = exchange.on_answer_head(&back.head());
        self.has_body = false;
        match shared.edge.mode() {
            _ if is_whole => self.answer_without_body(shared, exchange, answer),
            Mode::Natural => Ok(self.hold_answer(exchange, answer, came)),
            Mode::Portable => self.send_answer_head(shared, exchange, answer, back.made_by, &came),
        }
    }

    /// No body callback will come, so the answer is a local reply in its place.
    fn answer_without_body(
        &mut self,
        shared: &Shared,
        mut exchange: Box<Exchange>,
        answer: Answer,
    ) -> Result<Action, HostFault> {
        match exchange.on_answer_body(&[]) {
            Some(body) => self.reply(shared, &exchange, &Answer { body, ..answer }),
            None => self.refuse(shared, exchange),
        }
    }

    fn request_is_whole(&mut self) -> Action {
        let Some(shared) = self.shared.clone() else {
            return refuse_blindly();
        };
        match core::mem::replace(&mut self.phase, Phase::Free) {
            Phase::Collecting(exchange) => {
                self.collect(&shared, exchange).unwrap_or_else(fail_closed)
            }
            other => {
                self.phase = other;
                Action::Continue
            }
        }
    }

    /// The answer's body is whole, or too long.
    fn answer_is_whole(&mut self, is_oversize: bool) -> Action {
        let Some(shared) = self.shared.clone() else {
            return Action::Continue;
        };
        let done = match core::mem::replace(&mut self.phase, Phase::Free) {
            Phase::Answering(mut exchange, ..) if is_oversize => {
                let answer = exchange.on_nonsense();
                self.reply(&shared, &exchange, &answer)
            }
            Phase::Answering(exchange, answer, came) => {
                self.answer_whole(&shared, exchange, answer, &came)
            }
            Phase::Wording(exchange) => self.send_answer_body(&shared, exchange),
            other => {
                self.phase = other;
                return Action::Continue;
            }
        };
        done.unwrap_or_else(fail_closed)
    }
}

/// The host's callbacks.
impl Http {
    pub(crate) fn on_request_headers(&mut self, is_whole: bool) -> Action {
        let Some(shared) = self.shared.clone() else {
            return refuse_blindly();
        };
        self.begin(&shared, is_whole).unwrap_or_else(fail_closed)
    }

    pub(crate) fn on_request_body(&mut self, size: usize, is_whole: bool) -> Action {
        self.has_body = true;
        match self.phase {
            Phase::Collecting(_) if is_whole || size > MAX_BODY => self.request_is_whole(),
            Phase::Collecting(_) => Action::Pause,
            _ => Action::Continue,
        }
    }

    pub(crate) fn on_request_trailers(&mut self) -> Action {
        let is_ours = matches!(self.phase, Phase::Collecting(_));
        let action = self.request_is_whole();
        if is_ours && matches!(self.phase, Phase::Forwarded(_)) {
            // Trailers could name a header twice; nothing of the client's goes on.
            if let Err(fault) = host::clear_request_trailers() {
                report(fault);
            }
        }
        action
    }

    pub(crate) fn on_response_headers(&mut self, is_whole: bool) -> Action {
        let Some(shared) = self.shared.clone() else {
            return Action::Continue;
        };
        match core::mem::replace(&mut self.phase, Phase::Free) {
            // The host answered before the body was whole.
            Phase::Collecting(exchange) if exchange.is_observed() => Action::Continue,
            Phase::Forwarded(exchange) | Phase::Collecting(exchange) => {
                self.begin_answer(&shared, exchange, is_whole).unwrap_or_else(fail_closed)
            }
            other => {
                self.phase = other;
                Action::Continue
            }
        }
    }

    pub(crate) fn on_response_body(&mut self, size: usize, is_whole: bool) -> Action {
        self.has_body = true;
        let is_oversize = size > MAX_ANSWER;
        match &self.phase {
            Phase::Answering(..) if is_whole || is_oversize => self.answer_is_whole(is_oversize),
            Phase::Answering(..) => Action::Pause,
            Phase::Wording(exchange)
                if exchange.settled_length().is_none() && !is_whole && !is_oversize =>
            {
                Action::Pause
            }
            Phase::Wording(_) => self.answer_is_whole(is_oversize),
            Phase::Worded => {
                let dropped = host::replace_response_body(&[]);
                dropped.map_or_else(fail_closed, |()| Action::Continue)
            }
            _ => Action::Continue,
        }
    }

    pub(crate) fn on_response_trailers(&mut self) -> Action {
        self.answer_is_whole(false)
    }
}

fn report(fault: HostFault) {
    count_host_fault();
    host::log(Level::Error, &format!("rekey: the host refused a call with status {}", fault.0));
}

fn fail_closed(fault: HostFault) -> Action {
    report(fault);
    refuse_blindly()
}

/// The last resort, where not even the dialect is known.
pub(crate) fn refuse_blindly() -> Action {
    let mut answer = Answer::empty(503);
    answer.headers.push(("cache-control", "no-store".into()));
    if host::reply(&answer).is_err() {
        host::log(Level::Error, "rekey: the host refused even a local reply; the request is held");
    }
    Action::Pause
}
