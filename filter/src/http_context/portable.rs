//! Portable mode: a head goes on, rewritten, when it comes; only bodies are held. What stands behind the filter (Envoy's
//! buffer filter, nginx itself) keeps a head from the sidecar until its body has been judged. A body whose end the host
//! tells nobody (nginx: an empty one, over HTTP/2) reaches the sidecar unsigned, which refuses it: the client hears "busy".

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;

use contract::edge::{Answer, Exchange, Headers, MAX_ANSWER, MadeBy};

use super::{Action, Http, Phase};
use crate::head::{number, set_answer_head, set_request_head, text};
use crate::host::{self, HostFault};
use crate::root_context::Shared;

/// Whether nothing follows this head, where the host does not say so but the head itself does. Only in nginx: Envoy says
/// it, and shows no filter the header `transfer-encoding`.
pub(super) fn is_whole(head: &Headers) -> bool {
    let is_empty = match text(head, b"content-length") {
        Some(length) => length == "0",
        None => {
            head.first(b"transfer-encoding").or_else(|| head.first(b"content-length")).is_none()
        }
    };
    is_empty && host::is_http1_in_nginx()
}

impl Http {
    pub(super) fn send_request_head(
        &mut self,
        shared: &Shared,
        exchange: Box<Exchange>,
    ) -> Result<Action, HostFault> {
        match set_request_head(&exchange, exchange.operation(), None) {
            Ok(()) => {
                self.phase = Phase::Collecting(exchange);
                Ok(Action::Continue)
            }
            Err(fault) => self.fail(shared, exchange, fault),
        }
    }

    pub(super) fn send_answer_head(
        &mut self,
        shared: &Shared,
        exchange: Box<Exchange>,
        answer: Answer,
        made_by: MadeBy,
        came: &Headers,
    ) -> Result<Action, HostFault> {
        let length = number(came, b"content-length");
        let settled = exchange.settled_length();
        // The sidecar says how long its answers are. One that cannot be believed, or not be read, must not even begin.
        let begins = match made_by {
            MadeBy::Sidecar => {
                settled.is_none() && length.is_some_and(|length| length <= MAX_ANSWER)
            }
            MadeBy::Proxy => true,
        };
        if length == Some(0) || !begins {
            return self.answer_without_body(shared, exchange, answer);
        }
        let length = settled.map(|length| length.to_string());
        set_answer_head(&answer, came, length.as_deref())?;
        self.phase = Phase::Wording(exchange);
        Ok(Action::Continue)
    }

    pub(super) fn send_answer_body(
        &mut self,
        shared: &Shared,
        mut exchange: Box<Exchange>,
    ) -> Result<Action, HostFault> {
        let is_wanted = exchange.settled_length().is_none() && self.has_body;
        let body = if is_wanted { host::response_body(MAX_ANSWER + 1)? } else { Vec::new() };
        let Some(body) = exchange.on_answer_body(&body) else {
            return self.break_off(shared, exchange);
        };
        shared.metrics.count(&exchange);
        self.phase = Phase::Worded;
        if self.has_body {
            host::replace_response_body(&body)?;
        }
        Ok(Action::Continue)
    }

    /// The head is out and may say "done". A host that is asked for a reply by then resets the stream; one that does not
    /// still has nothing of the sidecar's to send.
    fn break_off(
        &mut self,
        shared: &Shared,
        mut exchange: Box<Exchange>,
    ) -> Result<Action, HostFault> {
        let answer = exchange.on_nonsense();
        if self.has_body {
            host::replace_response_body(&answer.body)?;
        }
        self.reply(shared, &exchange, &answer)
    }
}
