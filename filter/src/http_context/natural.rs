//! Natural mode: the host holds a head back until the body is whole, on both ways, and the two change together.

use alloc::string::ToString;

use alloc::boxed::Box;
use contract::edge::{Exchange, Forward, Headers, MAX_ANSWER};

use super::{Action, Http, Phase};
use crate::head::{Back, set_answer_head, set_request_head};
use crate::host::{self, HostFault};
use crate::root_context::Shared;

impl Http {
    pub(super) fn hold_request(&mut self, exchange: Box<Exchange>) -> Action {
        self.phase = Phase::Collecting(exchange);
        Action::Pause
    }

    pub(super) fn hold_answer(
        &mut self,
        shared: &Shared,
        exchange: Box<Exchange>,
        is_whole: bool,
    ) -> Result<Action, HostFault> {
        let headers = host::response_headers()?;
        let back = Back::read(&headers);
        if is_whole {
            return self.answer_without_body(shared, exchange, &back);
        }
        self.phase = Phase::Answering(exchange, back, headers);
        self.has_body = false;
        Ok(Action::Pause)
    }

    pub(super) fn answer_whole(
        &mut self,
        shared: &Shared,
        mut exchange: Box<Exchange>,
        back: &Back,
        headers: &Headers,
    ) -> Result<Action, HostFault> {
        if !self.has_body {
            return self.answer_without_body(shared, exchange, back);
        }
        let body = host::response_body(MAX_ANSWER)?;
        let answer = exchange.on_answer(&back.head(), &body);
        shared.count(&exchange);
        set_answer_head(&answer, headers, Some(&answer.body.len().to_string()))?;
        host::replace_response_body(&answer.body)?;
        Ok(Action::Continue)
    }
}

pub(super) fn forward_whole(exchange: &Exchange, forward: &Forward) -> Result<(), HostFault> {
    let length = forward.body.len().to_string();
    set_request_head(exchange, forward.operation.as_str(), Some(&length))?;
    host::replace_request_body(&forward.body)
}
