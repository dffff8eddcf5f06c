//! What came back, in the dialect's words: at once, or its head first. One judgement for both, because status and headers
//! follow from the head alone. Invariant: where head and body disagree, nothing of the body leaves.

use alloc::vec::Vec;

use crate::dialect::Does;
use crate::edge::exchange::Exchange;
use crate::edge::{Answer, AnswerHead, MadeBy};
use crate::message::Operation;
use crate::outcome::{BUSY_RETRY, Outcome, Refusal};

/// What the body of an answer is still to give.
#[derive(Debug, Default)]
pub(super) enum Rest {
    /// No head has been judged.
    #[default]
    Unknown,
    /// Nothing: this is the body, whatever comes.
    Settled(Vec<u8>),
    /// The body of this outcome, once the answer's body confirms it: these words, or those for what it adds.
    Awaited(Outcome, Vec<u8>),
}

impl Exchange {
    /// Puts a whole answer into the dialect's words.
    pub fn on_answer(&mut self, head: &AnswerHead<'_>, body: &[u8]) -> Answer {
        let answer = self.on_answer_head(head);
        match self.on_answer_body(body) {
            Some(body) => Answer { body, ..answer },
            None => self.on_failure(),
        }
    }

    /// Status and headers, for hosts that send them before the body has come; [`Self::on_answer_body`] gives the body.
    pub fn on_answer_head(&mut self, head: &AnswerHead<'_>) -> Answer {
        let (outcome, awaits_body) = self.announced(head);
        let mut answer = self.answer(&outcome);
        let words = core::mem::take(&mut answer.body);
        self.rest = if awaits_body { Rest::Awaited(outcome, words) } else { Rest::Settled(words) };
        answer
    }

    /// The body that belongs to the head. `None`: the two contradict each other. The status is out by then and may say
    /// "done", so that no body could take it back: the host breaks the answer off.
    pub fn on_answer_body(&mut self, body: &[u8]) -> Option<Vec<u8>> {
        match core::mem::take(&mut self.rest) {
            Rest::Settled(words) => Some(words),
            Rest::Awaited(outcome, words) => {
                let told = Outcome::decode(body).filter(|told| told.code() == outcome.code())?;
                Some(if told.says_more() { self.worded(&told).body } else { words })
            }
            Rest::Unknown => None,
        }
    }

    /// The length of a body that is settled with its head; `None` while [`Self::on_answer_body`] wants to see what came.
    pub fn settled_length(&self) -> Option<usize> {
        match &self.rest {
            Rest::Settled(words) => Some(words.len()),
            Rest::Awaited(..) | Rest::Unknown => None,
        }
    }

    /// What a head says became of the message, and whether the body has to confirm it.
    fn announced(&self, head: &AnswerHead<'_>) -> (Outcome, bool) {
        let retry_after = head.retry_after.unwrap_or(BUSY_RETRY);
        let refusal = match (head.made_by, head.status) {
            (MadeBy::Sidecar, _) => {
                let outcome = head.outcome.and_then(|code| Outcome::announced(code, retry_after));
                if let Some(outcome) = outcome.filter(|outcome| self.fits(outcome)) {
                    // The answer to a HEAD is that to a GET, but for the body, which nobody sees.
                    return (outcome, self.head.method() != "HEAD");
                }
                Refusal::Busy { retry_after }
            }
            (MadeBy::Proxy, 413) => Refusal::TooLarge,
            (MadeBy::Proxy, 429) => Refusal::Throttled { retry_after },
            (MadeBy::Proxy, 400..500) => Refusal::Malformed,
            (MadeBy::Proxy, _) => Refusal::Busy { retry_after },
        };
        (Outcome::Refused(refusal), false)
    }

    /// A success of another operation is none.
    fn fits(&self, outcome: &Outcome) -> bool {
        let of = match outcome {
            Outcome::Accepted => Does::Call(Operation::Initiate),
            Outcome::Granted { .. } => Does::Call(Operation::Verify),
            Outcome::Reset { .. } => Does::Call(Operation::Confirm),
            Outcome::Keys(_) => Does::Keys,
            Outcome::Refused(_) => return true,
        };
        self.claim.route.does == of
    }
}
