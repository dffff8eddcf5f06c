//! Natural mode: the host holds a head back until the body is whole, on both ways, and the two change together.

use alloc::boxed::Box;
use alloc::string::ToString;

use contract::edge::{Answer, Exchange, Forward, Headers, MAX_ANSWER};

use super::{Action, Http, Phase};
use crate::head::{set_answer_head, set_request_head};
use crate::host::{self, HostFault};
use crate::root_context::Shared;

impl Http {
    pub(super) fn hold_request(&mut self, exchange: Box<Exchange>) -> Action {
        self.phase = Phase::Collecting(exchange);
        Action::Pause
    }

    pub(super) fn hold_answer(
        &mut self,
        exchange: Box<Exchange>,
        answer: Answer,
        came: Headers,
    ) -> Action {
        self.phase = Phase::Answering(exchange, answer, came);
        Action::Pause
    }

    pub(super) fn answer_whole(
        &mut self,
        shared: &Shared,
        mut exchange: Box<Exchange>,
        answer: Answer,
        came: &Headers,
    ) -> Result<Action, HostFault> {
        if !self.has_body {
            return self.answer_without_body(shared, exchange, answer);
        }
        let Some(body) = exchange.on_answer_body(&host::response_body(MAX_ANSWER)?) else {
            let answer = exchange.on_nonsense();
            return self.reply(shared, &exchange, &answer);
        };
        shared.metrics.count(&exchange);
        set_answer_head(&answer, came, Some(&body.len().to_string()))?;
        host::replace_response_body(&body)?;
        Ok(Action::Continue)
    }
}

pub(super) fn forward_whole(exchange: &Exchange, forward: &Forward) -> Result<(), HostFault> {
    let length = forward.body.len().to_string();
    set_request_head(exchange, forward.operation.as_str(), Some(&length))?;
    host::replace_request_body(&forward.body)
}
