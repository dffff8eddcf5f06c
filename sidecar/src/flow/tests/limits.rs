//! Limits in the flows: who is refused, what a refusal costs, and what it does not tell.

use std::sync::atomic::{AtomicUsize, Ordering};

use contract::address::Channel;
use contract::outcome::{Outcome, Refusal};
use contract::profile::{ProofKind, Rules};
use sha2::{Digest, Sha256};

use super::rig::*;

fn linked() -> Caller {
    with(Channel::Email, |rules| rules.accepts == [ProofKind::Link])
}

fn coded() -> Caller {
    with(Channel::Email, |rules| rules.accepts == [ProofKind::Code])
}

fn both() -> Caller {
    with(Channel::Email, |rules: &Rules| {
        rules.accepts.starts_with(&[ProofKind::Link, ProofKind::Code])
    })
}

fn somebody(n: usize) -> String {
    format!("somebody{n}@example.org")
}

/// Somebody else every time, so that no cool-down stands in the way.
fn anybody() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(1000);
    somebody(NEXT.fetch_add(1, Ordering::Relaxed))
}

fn wait(outcome: &Outcome) -> u32 {
    match refused(outcome) {
        Refusal::Throttled { retry_after } => retry_after,
        other => panic!("{other:?}"),
    }
}

fn database(rig: &Rig) -> rusqlite::Connection {
    rusqlite::Connection::open(rig.home.path().join("rekey-data/rekey.db")).unwrap()
}

fn number(rig: &Rig, query: &str) -> i64 {
    database(rig).query_row(query, [], |row| row.get(0)).unwrap()
}

/// Every byte of the database and its log.
fn bytes(rig: &Rig) -> Vec<u8> {
    let folder = rig.home.path().join("rekey-data");
    let mut hash = Sha256::new();
    for name in ["rekey.db", "rekey.db-wal"] {
        hash.update(std::fs::read(folder.join(name)).unwrap_or_default());
    }
    hash.finalize().to_vec()
}

/// Asks by one sender until it is refused: how many were taken, and the wait.
async fn exhaust(rig: &Rig, caller: Caller) -> (usize, u32) {
    let mut taken = 0;
    loop {
        let outcome = rig.ask(caller, &anybody()).await;
        if outcome.code() != "accepted" {
            return (taken, wait(&outcome));
        }
        taken += 1;
    }
}

#[tokio::test]
async fn a_sender_is_refused_and_told_when_to_come_back() {
    let rig = Rig::new().await;
    assert_eq!(exhaust(&rig, linked()).await, (60, 10));
    assert_eq!(rig.ask(linked().from("192.0.2.2"), ANN).await.code(), "accepted");
    rig.pass(9);
    assert_eq!(wait(&rig.ask(linked(), &somebody(60)).await), 1);
    rig.pass(1);
    assert_eq!(rig.ask(linked(), &somebody(60)).await.code(), "accepted");
    assert_eq!(wait(&rig.ask(linked(), &somebody(61)).await), 10);
    rig.pass(600);
    assert_eq!(exhaust(&rig, linked()).await.0, 60);
}

#[tokio::test]
async fn a_network_is_refused_however_many_addresses_it_has() {
    let rig = Rig::with("[limits]\nsender_24 = \"70/10m\"\nsender_48 = \"65/10m\"").await;
    assert_eq!(exhaust(&rig, linked()).await.0, 60);
    assert_eq!(exhaust(&rig, linked().from("192.0.2.2")).await.0, 10);
    assert_eq!(exhaust(&rig, linked().from("192.0.2.3")).await.0, 0);
    assert_eq!(exhaust(&rig, linked().from("192.0.3.3")).await.0, 60);
    for (sender, taken) in [("2001:db8:0:1::1", 60), ("2001:db8:0:1::2", 0), ("2001:db8:0:2::1", 5)]
    {
        assert_eq!(exhaust(&rig, linked().from(sender)).await.0, taken, "{sender}");
    }
}

/// Not when the store refuses it, and then not even a look at the store.
#[tokio::test]
async fn a_refused_ask_writes_nothing_and_is_remembered() {
    let rig = Rig::new().await;
    for n in 0..60 {
        assert_eq!(rig.ask(linked(), &somebody(n)).await.code(), "accepted");
    }
    let before = bytes(&rig);
    for to in [NOBODY, ANN, BOB] {
        assert_eq!(wait(&rig.ask(linked(), to).await), 10);
    }
    assert_eq!(bytes(&rig), before);
    database(&rig).execute("DELETE FROM budget", []).unwrap();
    assert_eq!(wait(&rig.ask(linked(), ANN).await), 10, "from memory");
    rig.pass(10);
    assert_eq!(rig.ask(linked(), ANN).await.code(), "accepted");
}

#[tokio::test]
async fn a_restart_refills_nothing() {
    let rig = Rig::new().await;
    assert_eq!(exhaust(&rig, linked()).await.0, 60);
    let rig = rig.restarted();
    assert_eq!(exhaust(&rig, linked()).await.0, 0);
    rig.pass(20);
    assert_eq!(exhaust(&rig.restarted(), linked()).await.0, 2);
}

#[tokio::test]
async fn known_and_unknown_addresses_draw_the_same() {
    let rig = Rig::with("[limits]\naddress = \"3/10m\"").await;
    let drawn = async |sender: &'static str, to: &str| {
        let (rows, tats) =
            ("SELECT COUNT(*) FROM budget", "SELECT SUM(tat - 1800000000000) FROM budget");
        let before = (number(&rig, rows), number(&rig, tats));
        let mut outcomes = Vec::new();
        for n in 0..5 {
            let sender = format!("{sender}{n}").leak();
            outcomes.push(format!("{:?}", rig.ask(coded().from(sender), to).await));
        }
        let guesser = coded().from(format!("{sender}9").leak());
        outcomes.push(rig.confirm(guesser, by_code(to, "123456")).await.into());
        (outcomes, number(&rig, rows) - before.0, number(&rig, tats) - before.1)
    };
    // What is shared by all is drawn once.
    rig.confirm(coded(), by_code(NOBODY, "1")).await;
    rig.ask(coded(), "else@example.org").await;
    let known = drawn("198.51.100.1", ANN).await;
    let unknown = drawn("198.51.101.1", NOBODY).await;
    assert_eq!(known, unknown);
    assert!(known.0.iter().any(|outcome| outcome.contains("Throttled")), "{known:?}");
    rig.embedded().set("bob", Some(crate::directory::Status::Disabled), None).await.unwrap();
    assert_eq!(drawn("198.51.102.1", BOB).await, unknown);
}

#[tokio::test]
async fn a_clock_that_steps_locks_nobody_out_longer_than_the_step() {
    let rig = Rig::new().await;
    rig.pass(300);
    assert_eq!(exhaust(&rig, linked()).await.0, 60);
    for (back, taken) in [(-60, 0), (-240, 1), (300, 30), (11, 1)] {
        rig.pass(back);
        assert_eq!(exhaust(&rig, linked()).await.0, taken, "{back}");
    }
    // A year ahead and back.
    rig.pass(365 * 86_400);
    assert_eq!(exhaust(&rig, linked()).await.0, 60);
    rig.pass(-365 * 86_400);
    assert_ne!(exhaust(&rig, linked()).await.0, 0);
}

#[tokio::test]
async fn a_repeat_of_what_was_taken_is_answered_as_it_was() {
    let rig = Rig::new().await;
    assert_eq!(rig.ask(linked().as_message(7), ANN).await.code(), "accepted");
    assert_eq!(exhaust(&rig, linked()).await.0, 59);
    assert_eq!(rig.ask(linked(), ANN).await.code(), "throttled");
    assert_eq!(rig.ask(linked().as_message(7), ANN).await.code(), "accepted");
}

#[tokio::test]
async fn proofs_of_one_sender_are_bounded_and_a_refusal_counts_nothing() {
    let rig = Rig::with("[limits]\nattempts = \"4/10m\"").await;
    let right = rig.letter(coded(), ANN).await.code.unwrap();
    let guesser = coded().from("198.51.100.9");
    for _ in 0..4 {
        assert_eq!(rig.confirm(guesser, by_code(ANN, &wrong(&right))).await, "proof_invalid");
    }
    let before = bytes(&rig);
    for proof in [by_code(ANN, &right), by_code(NOBODY, "123456"), by_token(&"0".repeat(64))] {
        assert_eq!(wait(&rig.confirm_with(guesser, proof, NEW).await), 150);
    }
    assert_eq!(bytes(&rig), before);
    assert_eq!(rig.confirm(coded(), by_code(ANN, &right)).await, "reset");
}

#[tokio::test]
async fn the_installations_wrong_codes_end_codes_but_no_link() {
    let rig = Rig::with("[limits]\nwrong_codes = \"8/1h\"").await;
    let caller = both();
    let got = rig.letter(caller, ANN).await;
    let (right, token) = (got.code.unwrap(), got.token.unwrap());
    // A right one costs nothing.
    for _ in 0..5 {
        assert_eq!(rig.confirm_with(caller, by_code(ANN, &right), "short").await.code(), "policy");
    }
    for n in 0..9 {
        let guesser = caller.from(format!("203.0.113.{n}").leak());
        assert_eq!(rig.confirm(guesser, by_code(NOBODY, "123456")).await, "proof_invalid");
    }
    let compared = rig.engine.worked().compared;
    assert_eq!(rig.confirm(caller, by_code(ANN, &right)).await, "proof_invalid");
    assert_eq!(rig.engine.worked().compared, compared);
    assert_eq!(number(&rig, "SELECT SUM(own_wrong) FROM pot"), 0, "the owner's pot is untouched");
    // Who asks now gets what is sure to work.
    let other = rig.letter(caller.from("203.0.113.77"), BOB).await;
    assert_eq!((other.code, other.token.is_some()), (None, true));
    rig.pass(61);
    let plain = rig.letter(coded().from("203.0.113.78"), BOB).await;
    assert_eq!((plain.code, plain.token.is_some()), (None, true));
    assert_eq!(rig.confirm(caller, by_token(&token)).await, "reset");
    rig.pass(3600);
    let right = rig.letter(coded(), ANN).await.code.unwrap();
    assert_eq!(rig.confirm(coded(), by_code(ANN, &right)).await, "reset");
}

#[tokio::test]
async fn private_senders_share_no_budget_and_a_dominant_one_has_a_wide_one() {
    let rig = Rig::with("[limits]\nattempts = \"3/10m\"").await;
    let private = linked().from("10.0.0.1");
    for n in 0..150 {
        assert_eq!(rig.ask(private, &somebody(n)).await.code(), "accepted");
        assert_eq!(rig.confirm(private, by_token(&"0".repeat(64))).await, "proof_invalid");
    }
    let balancer = linked().from("198.51.100.1");
    for _ in 0..400 {
        rig.ask(balancer, &anybody()).await;
    }
    rig.pass(600);
    let mut taken = 0;
    for n in 0..1200 {
        taken += usize::from(rig.ask(balancer, &somebody(n)).await.code() == "accepted");
    }
    assert_eq!(taken, 600, "ten times as many");
    let other = linked().from("198.51.101.1");
    assert_eq!(exhaust(&rig, other).await.0, 60);
}

#[tokio::test]
async fn what_everybody_shares_is_told_as_busy() {
    let rig = Rig::with("[limits]\ninstallation = \"5/1m\"").await;
    let asks = async |n: usize| {
        rig.ask(linked().from(format!("203.0.113.{n}").leak()), &somebody(n)).await
    };
    for n in 0..5 {
        assert_eq!(asks(n).await.code(), "accepted");
    }
    let before = bytes(&rig);
    assert_eq!(refused(&asks(5).await), Refusal::Busy { retry_after: 12 });
    assert_eq!(bytes(&rig), before);
    rig.pass(12);
    assert_eq!(asks(5).await.code(), "accepted");
}
