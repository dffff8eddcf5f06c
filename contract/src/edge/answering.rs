//! What came back, in the dialect's words: at once, or its head first. One judgement for both, because status and headers
//! follow from the head alone. Invariant: where head and body disagree, nothing of the body leaves.

use alloc::vec::Vec;

use crate::dialect::Does;
use crate::edge::exchange::{Exchange, UNREACHABLE, UNREADABLE};
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
            None => self.on_nonsense(),
        }
    }

    /// Status and headers, for hosts that send them before the body has come; [`Self::on_answer_body`] gives the body.
    pub fn on_answer_head(&mut self, head: &AnswerHead<'_>) -> Answer {
        let announced = self.announced(head);
        // The answer to a HEAD is that to a GET, but for the body, which nobody sees.
        let awaits_body = announced.is_some() && self.head.method() != "HEAD";
        let mut answer = match &announced {
            Some(outcome) => self.answer(outcome),
            None => self.answer_in_place_of(head),
        };
        let words = core::mem::take(&mut answer.body);
        self.rest = match announced {
            Some(outcome) if awaits_body => Rest::Awaited(outcome, words),
            _ => Rest::Settled(words),
        };
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

    /// The answer where head and body disagree, or the body is too long: busy, in the dialect's words.
    pub fn on_nonsense(&mut self) -> Answer {
        self.busy_for(UNREADABLE, BUSY_RETRY)
    }

    /// What a head says became of the message; `None` where a sidecar says nothing that fits, or did not speak at all.
    fn announced(&self, head: &AnswerHead<'_>) -> Option<Outcome> {
        let code = head.outcome.filter(|_| head.made_by == MadeBy::Sidecar)?;
        let outcome = Outcome::announced(code, head.retry_after.unwrap_or(BUSY_RETRY))?;
        Some(outcome).filter(|outcome| self.fits(outcome))
    }

    fn answer_in_place_of(&mut self, head: &AnswerHead<'_>) -> Answer {
        let retry_after = head.retry_after.unwrap_or(BUSY_RETRY);
        let refusal = match (head.made_by, head.status) {
            (MadeBy::Sidecar, _) => return self.busy_for(UNREADABLE, retry_after),
            (MadeBy::Proxy, 413) => Refusal::TooLarge,
            (MadeBy::Proxy, 429) => Refusal::Throttled { retry_after },
            (MadeBy::Proxy, 400..500) => Refusal::Malformed,
            (MadeBy::Proxy, _) => return self.busy_for(UNREACHABLE, retry_after),
        };
        self.answer(&Outcome::Refused(refusal))
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
