//! Clocks that step, and clocks that disagree: five minutes both ways, and two processes on one store that are a minute apart.

use std::sync::atomic::Ordering;

use contract::address::Channel;
use contract::message::Call;
use contract::profile::ProofKind;

use super::rig::*;
use crate::flow::purge;

const STEP: i64 = 300;

fn linked() -> Caller {
    with(Channel::Email, |rules| rules.accepts == [ProofKind::Link])
}

fn coded() -> Caller {
    with(Channel::Email, |rules| rules.accepts == [ProofKind::Code])
}

fn life() -> i64 {
    linked().dialect.profile().rules(Channel::Email).unwrap().link.unwrap().life.into()
}

async fn purge_all(rig: &Rig) {
    while rig.engine.store.purge(purge::horizon(&rig.engine)).await.unwrap() {}
}

#[tokio::test]
async fn no_step_has_a_message_forgotten_or_a_proof_spent_twice() {
    for step in [STEP, -STEP] {
        let rig = Rig::new().await;
        let token = rig.letter(linked(), ANN).await.token.unwrap();
        let first = linked().as_message(7);
        assert_eq!(rig.confirm(first, by_token(&token)).await, "reset");
        for back in [step, -step] {
            rig.pass(back);
            purge_all(&rig).await;
            assert_eq!(rig.confirm(first, by_token(&token)).await, "reset", "{step}: its repeat");
            assert_eq!(rig.confirm(linked(), by_token(&token)).await, "proof_invalid", "{step}");
        }
        assert_eq!(rig.engine.worked().hashed, 3, "{step}: two accounts, one reset");
    }
}

#[tokio::test]
async fn an_ask_repeated_over_a_step_is_one_ask() {
    for step in [STEP, -STEP] {
        let rig = Rig::new().await;
        let asks = || Call::Initiate { to: address(ANN) };
        let first = linked().as_message(9);
        for back in [0, step, -step] {
            rig.pass(back);
            purge_all(&rig).await;
            assert_eq!(rig.send(first, asks()).await.code(), "accepted");
        }
        assert_eq!(rig.stories(ANN).await.len(), 1, "{step}");
    }
}

#[tokio::test]
async fn a_step_moves_the_end_of_a_life_by_no_more_than_itself() {
    for (step, passed, alive) in [
        (STEP, life() - STEP - 1, true),
        (STEP, life() - STEP, false),
        (-STEP, life() + STEP - 1, true),
        (-STEP, life() + STEP, false),
    ] {
        let rig = Rig::new().await;
        let token = rig.letter(linked(), ANN).await.token.unwrap();
        rig.pass(step);
        rig.pass(passed);
        let expected = if alive { "reset" } else { "proof_invalid" };
        assert_eq!(rig.confirm(linked(), by_token(&token)).await, expected, "{step} {passed}");
    }
}

/// A clock that was wrong and is set right again leaves nothing behind: asks are decided, mails leave, new proofs live.
#[tokio::test]
async fn all_heals_with_the_clock() {
    for step in [STEP, -STEP] {
        let rig = Rig::new().await;
        rig.pass(step);
        assert_eq!(
            rig.send(linked(), Call::Initiate { to: address(ANN) }).await.code(),
            "accepted"
        );
        rig.pass(-step);
        rig.pass(STEP + 1);
        assert_eq!(rig.ask(linked().from("192.0.2.9"), BOB).await.code(), "accepted");
        assert!(rig.letters().await.iter().any(|got| got.to == BOB), "{step}");
        assert_ne!(rig.end(ANN).await.0, "waiting", "{step}");
        rig.pass(61);
        let again = rig.letter(linked().from("192.0.2.10"), BOB).await.token.unwrap();
        assert_eq!(rig.confirm(linked(), by_token(&again)).await, "reset", "{step}");
    }
}

#[tokio::test]
async fn a_minute_between_two_processes_spends_nothing_twice() {
    for apart in [60, -60] {
        let rig = Rig::new().await;
        let other = rig.twin(apart);
        let token = rig.letter(linked(), ANN).await.token.unwrap();
        let same = linked().as_message(3);
        let (left, right) = tokio::join!(
            rig.confirm(same, by_token(&token)),
            other.confirm(linked(), by_token(&token))
        );
        assert_eq!(
            [left, right].iter().filter(|end| **end == "reset").count(),
            1,
            "{left} {right}"
        );
        // Whoever was told to come back comes back, through the other door.
        let again = other.confirm(same, by_token(&token)).await;
        assert_eq!(again == "reset", left == "reset", "{apart}: {left} {right} {again}");
        assert_eq!(rig.confirm(linked(), by_token(&token)).await, "proof_invalid");
    }
}

#[tokio::test]
async fn a_minute_between_two_processes_shares_pots_and_bounds_lives() {
    for apart in [60, -60] {
        let rig = Rig::new().await;
        let other = rig.twin(apart);
        let right = rig.letter(coded(), ANN).await.code.unwrap();
        for n in 0..5 {
            let at = if n % 2 == 0 { &rig } else { &other };
            assert_eq!(at.confirm(coded(), by_code(ANN, &wrong(&right))).await, "proof_invalid");
        }
        for at in [&rig, &other] {
            let last = at.confirm(coded(), by_code(ANN, &right)).await;
            assert_eq!(last, "proof_invalid", "five guesses are five, wherever they are made");
        }
        let token = rig.letter(linked(), BOB).await.token.unwrap();
        let clock = rig.now();
        rig.pass(life() - apart);
        assert_eq!(other.now(), clock.plus(std::time::Duration::from_secs(life() as u64)));
        assert_eq!(other.confirm(linked(), by_token(&token)).await, "proof_invalid", "{apart}");
    }
}

impl Rig {
    /// Another process on the same store, whose clock is ahead by so many seconds.
    fn twin(&self, ahead: i64) -> Twin<'_> {
        Twin { rig: self, other: self.beside(), ahead }
    }
}

/// Its clock follows the first one's at a distance.
struct Twin<'r> {
    rig: &'r Rig,
    other: Rig,
    ahead: i64,
}

impl std::ops::Deref for Twin<'_> {
    type Target = Rig;

    fn deref(&self) -> &Rig {
        let at = self.rig.now().0 + self.ahead * 1000;
        self.other.hands().store(at, Ordering::SeqCst);
        &self.other
    }
}
