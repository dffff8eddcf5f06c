//! Callback -> event -> carry out the step. Decides nothing but what to do when the host itself fails: refuse.
//! Natural mode: the request is held at its headers until its body is whole, and so is the answer.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::ToString;
use alloc::vec::Vec;

use contract::edge::{Answer, Exchange, FETCH, Forward, Head, MAX_ANSWER, MAX_BODY, MadeBy, Step};

use crate::head::{KEPT, REPLACED, number, remove_ours};
use crate::host::{self, Headers, Host, HostFault, Level};
use crate::root_context::Shared;

pub(crate) struct Http {
    shared: Option<Rc<Shared>>,
    phase: Phase,
    /// What the gateway keeps on the way to the sidecar, and the path.
    kept: Headers,
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
    /// The request is held back until its body is whole.
    Collecting(Exchange),
    /// The signed message is on its way; the answer comes back.
    Forwarded(Exchange),
    /// The answer's headers are held back until its body is whole.
    Answering(Exchange, Back),
}

/// What the headers of the answer said.
#[derive(Clone, Copy)]
struct Back {
    status: u16,
    made_by: MadeBy,
    retry_after: Option<u32>,
}

impl Http {
    pub(crate) fn new(shared: Option<Rc<Shared>>) -> Self {
        Self { shared, phase: Phase::Free, kept: Vec::new(), has_body: false }
    }

    fn begin(&mut self, shared: &Shared, is_whole: bool) -> Result<Action, HostFault> {
        let headers = host::request_headers()?;
        remove_ours(&headers)?;
        self.kept = headers
            .iter()
            .filter(|(name, _)| name == b":path" || KEPT.contains(&name.as_slice()))
            .cloned()
            .collect();
        match shared.edge.on_head(Head::new(headers), is_whole, &mut Host) {
            (Step::Collect, Some(exchange)) if is_whole => self.judge(shared, exchange, &[]),
            (Step::Collect, Some(exchange)) => {
                self.phase = Phase::Collecting(exchange);
                Ok(Action::Pause)
            }
            (step @ (Step::Reply(_) | Step::Fetch), Some(exchange)) => {
                self.carry_out(shared, exchange, step)
            }
            _ => Ok(Action::Continue),
        }
    }

    fn collect(&mut self, shared: &Shared, mut exchange: Exchange) -> Result<Action, HostFault> {
        if !self.has_body {
            return self.judge(shared, exchange, &[]);
        }
        let body = match host::request_body(MAX_BODY + 1) {
            Ok(body) => body,
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
        mut exchange: Exchange,
        body: &[u8],
    ) -> Result<Action, HostFault> {
        let step = exchange.on_request(&shared.edge, body, &mut Host);
        self.carry_out(shared, exchange, step)
    }

    fn carry_out(
        &mut self,
        shared: &Shared,
        exchange: Exchange,
        step: Step,
    ) -> Result<Action, HostFault> {
        match step {
            Step::Pass | Step::Collect => Ok(Action::Continue),
            Step::Reply(answer) => self.reply(shared, &exchange, &answer),
            Step::Forward(forward) => {
                let sent = self.forward(&forward);
                self.await_answer(shared, exchange, sent)
            }
            Step::Fetch => {
                let sent = self.fetch();
                self.await_answer(shared, exchange, sent)
            }
        }
    }

    fn await_answer(
        &mut self,
        shared: &Shared,
        exchange: Exchange,
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

    fn forward(&self, forward: &Forward) -> Result<(), HostFault> {
        let length = forward.body.len().to_string();
        let ours: [(&[u8], &[u8]); 3] = [
            (b"content-type", b"application/vnd.rekey"),
            (b"content-length", length.as_bytes()),
            (b"x-rekey-operation", forward.operation.as_str().as_bytes()),
        ];
        let kept = self.kept.iter().map(|(name, value)| (name.as_slice(), value.as_slice()));
        let headers: Vec<(&[u8], &[u8])> = kept.chain(ours).collect();
        host::set_request_headers(&headers)?;
        host::replace_request_body(&forward.body)
    }

    /// No host can give a body to a request that has none, so this one goes on as it came, but for its head.
    fn fetch(&self) -> Result<(), HostFault> {
        let path = self.kept.iter().find(|(name, _)| name == b":path");
        let path = path.and_then(|(_, path)| path.split(|byte| *byte == b'?').next());
        let kept = self.kept.iter().map(|(name, value)| match name.as_slice() {
            b":path" => (name.as_slice(), path.unwrap_or(b"/")),
            _ => (name.as_slice(), value.as_slice()),
        });
        let ours: (&[u8], &[u8]) = (b"x-rekey-operation", FETCH.as_bytes());
        let headers: Vec<(&[u8], &[u8])> = kept.chain([ours]).collect();
        host::set_request_headers(&headers)
    }

    fn reply(
        &mut self,
        shared: &Shared,
        exchange: &Exchange,
        answer: &Answer,
    ) -> Result<Action, HostFault> {
        shared.count(exchange);
        self.phase = Phase::Free;
        host::reply(answer)?;
        Ok(Action::Pause)
    }

    fn fail(
        &mut self,
        shared: &Shared,
        mut exchange: Exchange,
        fault: HostFault,
    ) -> Result<Action, HostFault> {
        report(fault);
        let answer = exchange.on_failure();
        self.reply(shared, &exchange, &answer)
    }

    fn hold_answer(
        &mut self,
        shared: &Shared,
        exchange: Exchange,
        is_whole: bool,
    ) -> Result<Action, HostFault> {
        let headers = host::response_headers()?;
        let made_by = if host::is_from_upstream() { MadeBy::Sidecar } else { MadeBy::Proxy };
        let back = Back {
            status: number(&headers, b":status").unwrap_or(503),
            made_by,
            retry_after: number(&headers, b"retry-after"),
        };
        if is_whole {
            return self.answer_without_body(shared, exchange, back);
        }
        self.phase = Phase::Answering(exchange, back);
        self.has_body = false;
        Ok(Action::Pause)
    }

    /// No body callback will come, so the answer is a local reply in its place.
    fn answer_without_body(
        &mut self,
        shared: &Shared,
        mut exchange: Exchange,
        back: Back,
    ) -> Result<Action, HostFault> {
        let answer = exchange.on_answer(back.status, back.made_by, back.retry_after, &[]);
        self.reply(shared, &exchange, &answer)
    }

    fn translate(
        &mut self,
        shared: &Shared,
        mut exchange: Exchange,
        back: Back,
    ) -> Result<Action, HostFault> {
        if !self.has_body {
            return self.answer_without_body(shared, exchange, back);
        }
        let body = host::response_body(MAX_ANSWER)?;
        let answer = exchange.on_answer(back.status, back.made_by, back.retry_after, &body);
        shared.count(&exchange);
        let others = host::response_headers()?;
        let status = answer.status.to_string();
        let length = answer.body.len().to_string();
        let mut headers: Vec<(&[u8], &[u8])> = Vec::from([(&b":status"[..], status.as_bytes())]);
        headers
            .extend(answer.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
        headers.push((b"content-length", length.as_bytes()));
        let stays = |name: &[u8]| !REPLACED.contains(&name) && !name.starts_with(b"x-rekey-");
        let others = others.iter().filter(|(name, _)| stays(name));
        headers.extend(others.map(|(name, value)| (name.as_slice(), value.as_slice())));
        host::set_response_headers(&headers)?;
        host::replace_response_body(&answer.body)?;
        Ok(Action::Continue)
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

    fn answer_is_whole(&mut self) -> Action {
        let Some(shared) = self.shared.clone() else {
            return Action::Continue;
        };
        match core::mem::replace(&mut self.phase, Phase::Free) {
            Phase::Answering(exchange, back) => {
                self.translate(&shared, exchange, back).unwrap_or_else(fail_closed)
            }
            other => {
                self.phase = other;
                Action::Continue
            }
        }
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
            Phase::Forwarded(exchange) | Phase::Collecting(exchange) => {
                self.hold_answer(&shared, exchange, is_whole).unwrap_or_else(fail_closed)
            }
            other => {
                self.phase = other;
                Action::Continue
            }
        }
    }

    pub(crate) fn on_response_body(&mut self, size: usize, is_whole: bool) -> Action {
        self.has_body = true;
        match self.phase {
            Phase::Answering(..) if is_whole => self.answer_is_whole(),
            Phase::Answering(..) if size > MAX_ANSWER => self.answer_is_oversize(),
            Phase::Answering(..) => Action::Pause,
            _ => Action::Continue,
        }
    }

    pub(crate) fn on_response_trailers(&mut self) -> Action {
        self.answer_is_whole()
    }
}

impl Http {
    fn answer_is_oversize(&mut self) -> Action {
        let Some(shared) = self.shared.clone() else {
            return refuse_blindly();
        };
        match core::mem::replace(&mut self.phase, Phase::Free) {
            Phase::Answering(mut exchange, _) => {
                let answer = exchange.on_failure();
                self.reply(&shared, &exchange, &answer).unwrap_or_else(fail_closed)
            }
            _ => Action::Continue,
        }
    }
}

fn report(fault: HostFault) {
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
