//! Whether a relay is asked at all. Closed: all mails go. Open, after `FAILURES` in a row: none does, for a span. Half-open:
//! one mail tries the way; it closes the breaker, or opens it for twice the span.
//! Invariant: pure; a clock that steps back lengthens no rest beyond its span.
//!
//! ```text
//! closed --5 failures in a row--> open --span is over--> half-open --way is free--> closed
//!                                  ^-- span doubles: 5 s .. 5 min --|
//! ```

use std::time::Duration;

use crate::clock::Millis;

/// Failures of the way there, one after the other.
const FAILURES: u32 = 5;
const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(300);

/// Longer than any attempt: a mail that was to try the way and tells nothing by then was given up by its sender.
const LOST: Duration = Duration::from_secs(120);

/// What a breaker allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Free,
    /// One mail may try; to whom `admit` says so, it is that one.
    Trial,
    /// Nothing for so long. While another mail tries, that is not known and short.
    Shut(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Breaker(State);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { since: Millis, span: Duration },
    HalfOpen { since: Millis, span: Duration },
}

impl Breaker {
    pub(crate) const fn new() -> Self {
        Self(State::Closed { failures: 0 })
    }

    /// What a mail would meet now.
    pub(crate) fn way(&mut self, now: Millis) -> Way {
        if let State::Open { since, .. } | State::HalfOpen { since, .. } = &mut self.0 {
            // What began after now begins now: the clock was set back.
            *since = now.min(*since);
        }
        match self.0 {
            State::Closed { .. } => Way::Free,
            State::Open { since, span } => left(since, span, now).map_or(Way::Trial, Way::Shut),
            State::HalfOpen { since, .. } => match left(since, LOST, now) {
                Some(left) => Way::Shut(left.min(Duration::from_secs(1))),
                None => Way::Trial,
            },
        }
    }

    /// The same, for a mail that goes if it may: after `Trial` all others find the way shut until this one tells.
    pub(crate) fn admit(&mut self, now: Millis) -> Way {
        let way = self.way(now);
        if let (Way::Trial, State::Open { span, .. } | State::HalfOpen { span, .. }) = (way, self.0)
        {
            self.0 = State::HalfOpen { since: now, span };
        }
        way
    }

    /// The relay was reached and spoke. True when the breaker was not closed.
    pub(crate) fn reached(&mut self) -> bool {
        let was_shut = !matches!(self.0, State::Closed { .. });
        self.0 = State::Closed { failures: 0 };
        was_shut
    }

    /// The way there failed. The span of the rest that begins with it, if one does.
    pub(crate) fn failed(&mut self, now: Millis) -> Option<Duration> {
        let span = match self.0 {
            State::Closed { failures } if failures.saturating_add(1) < FAILURES => {
                self.0 = State::Closed { failures: failures.saturating_add(1) };
                return None;
            }
            State::Closed { .. } => FIRST,
            State::HalfOpen { span, .. } => span.saturating_mul(2).min(LONGEST),
            // A mail that was on its way before the others failed says nothing new.
            State::Open { .. } => return None,
        };
        self.0 = State::Open { since: now, span };
        Some(span)
    }
}

/// What is left of a span; `None` when it is over.
fn left(since: Millis, span: Duration, now: Millis) -> Option<Duration> {
    Some(now.until(since.plus(span))).filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Millis = Millis(1_800_000_000_000);

    fn after(seconds: u64) -> Millis {
        START.plus(Duration::from_secs(seconds))
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Opened at `START`.
    fn open() -> Breaker {
        let mut breaker = Breaker::new();
        let rests: Vec<_> = (0..5).map(|_| breaker.failed(START)).collect();
        assert_eq!(rests, [None, None, None, None, Some(seconds(5))]);
        breaker
    }

    #[test]
    fn five_failures_in_a_row_open_it() {
        let mut breaker = Breaker::new();
        for _ in 0..3 {
            (0..4).for_each(|_| assert_eq!(breaker.failed(START), None));
            assert!(!breaker.reached(), "it was closed all the time");
        }
        assert_eq!(breaker.admit(START), Way::Free);
        let mut breaker = open();
        assert_eq!(breaker.way(START), Way::Shut(seconds(5)));
        assert_eq!(breaker.way(after(4)), Way::Shut(seconds(1)));
        assert_eq!(breaker.way(after(5)), Way::Trial);
    }

    #[test]
    fn one_mail_tries_and_the_others_wait_for_it() {
        let mut breaker = open();
        assert_eq!(breaker.way(after(5)), Way::Trial, "asking alone changes nothing");
        assert_eq!(breaker.admit(after(5)), Way::Trial);
        assert_eq!(breaker.admit(after(5)), Way::Shut(seconds(1)));
        assert!(breaker.reached());
        assert_eq!(breaker.admit(after(5)), Way::Free);
        assert_eq!(breaker.failed(after(6)), None, "the count begins anew");
    }

    #[test]
    fn the_rest_doubles_up_to_five_minutes() {
        let (mut breaker, mut now) = (open(), 5);
        for span in [10, 20, 40, 80, 160, 300, 300] {
            assert_eq!(breaker.admit(after(now)), Way::Trial);
            assert_eq!(breaker.failed(after(now)), Some(seconds(span)));
            assert_eq!(breaker.way(after(now)), Way::Shut(seconds(span)));
            now += span;
        }
        assert_eq!(breaker.admit(after(now)), Way::Trial);
        breaker.reached();
        (0..4).for_each(|_| assert_eq!(breaker.failed(after(now)), None));
        assert_eq!(breaker.failed(after(now)), Some(seconds(5)), "healed, it starts short");
    }

    #[test]
    fn late_news_change_nothing() {
        let mut breaker = open();
        assert_eq!(breaker.failed(after(4)), None);
        assert_eq!(breaker.way(after(5)), Way::Trial);
    }

    #[test]
    fn a_trial_that_never_tells_is_replaced() {
        let mut breaker = open();
        assert_eq!(breaker.admit(after(5)), Way::Trial);
        assert_eq!(breaker.admit(after(124)), Way::Shut(seconds(1)));
        assert_eq!(breaker.admit(after(125)), Way::Trial);
        assert_eq!(breaker.admit(after(125)), Way::Shut(seconds(1)));
    }

    #[test]
    fn a_clock_that_steps_back_makes_no_rest_longer() {
        let mut breaker = open();
        let earlier = START.minus(seconds(300));
        assert_eq!(breaker.way(earlier), Way::Shut(seconds(5)));
        assert_eq!(breaker.way(earlier.plus(seconds(5))), Way::Trial);
    }
}
