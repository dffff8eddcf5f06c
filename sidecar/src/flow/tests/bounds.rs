//! What strangers can use up, and what they cannot: guesses, messages, pots, and everybody's patience with a broken row.

use std::time::Duration;

use contract::address::Channel;
use contract::message::{Call, Encryption};
use contract::outcome::Refusal;
use contract::profile::{ProofKind, Rules};
use contract::secret::Password;

use super::rig::*;
use crate::flow::{deliver, dispatch, purge};

const STRANGER: &str = "198.51.100.9";
const BOBS_PHONE: &str = "+8613900139000";

fn coded() -> Caller {
    with(Channel::Email, |rules| rules.accepts == [ProofKind::Code])
}

fn granting(channel: Channel) -> Caller {
    with(channel, |rules: &Rules| rules.accepts == [ProofKind::Grant])
}

fn linked() -> Caller {
    with(Channel::Email, |rules| rules.accepts == [ProofKind::Link])
}

fn in_place() -> Caller {
    accepting(Channel::Sms, ProofKind::Placed)
}

fn sender(n: usize) -> &'static str {
    format!("203.0.{}.{}", n / 200, n % 200 + 1).leak()
}

fn database(rig: &Rig) -> rusqlite::Connection {
    rusqlite::Connection::open(rig.home.path().join("rekey-data/rekey.db")).unwrap()
}

fn number(rig: &Rig, query: &str) -> i64 {
    database(rig).query_row(query, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn places_share_the_guesses_of_an_accounts_day() {
    let rig = Rig::new().await;
    for n in 0..7_u8 {
        let here = in_place().from(sender(n.into())).in_flow(n);
        let right = rig.letter(here, ANNS_PHONE).await.code.unwrap();
        for _ in 0..2 {
            assert_eq!(rig.confirm(here, placed(&wrong(&right))).await, "proof_invalid");
        }
        rig.pass(121);
    }
    let last = in_place().from(sender(8)).in_flow(8);
    assert_eq!(rig.ask(last, ANNS_PHONE).await.code(), "accepted");
    assert_eq!(rig.end(ANNS_PHONE).await, ("suppressed".into(), "frozen".into()));
    rig.pass(24 * 3600);
    assert_eq!(rig.letter(last, ANNS_PHONE).await.to, ANNS_PHONE);
}

#[tokio::test]
async fn a_stranger_in_another_dialect_silences_nobody() {
    let rig = Rig::new().await;
    let mut quiet = 0;
    for _ in 0..60 {
        assert_eq!(rig.ask(granting(Channel::Email).from(STRANGER), ANN).await.code(), "accepted");
        rig.letters().await;
        rig.pass(30);
        assert_eq!(rig.ask(linked(), ANN).await.code(), "accepted");
        let got = rig.letters().await;
        quiet = if got.iter().any(|got| got.token.is_some()) { 0 } else { quiet + 1 };
        assert!(
            quiet <= 15,
            "no link for more than a quarter of an hour: {:?}",
            rig.end(ANN).await
        );
        rig.pass(30);
    }
}

#[tokio::test]
async fn all_doors_together_write_a_bounded_number_of_messages() {
    let rig = Rig::with("[limits]\ncool_down = \"1s\"\naddress = \"900/10m\"").await;
    for round in 0..200 {
        for (door, dialect) in contract::dialect::DIALECTS.iter().enumerate() {
            let caller = Caller { dialect: *dialect, ..coded() }.from(sender(round * 10 + door));
            assert_eq!(rig.ask(caller, ANN).await.code(), "accepted");
            rig.letters().await;
        }
        rig.pass(4);
    }
    let sent = number(&rig, "SELECT COUNT(*) FROM mail");
    let doors = i64::try_from(contract::dialect::DIALECTS.len()).unwrap();
    assert!((3..=9 + doors).contains(&sent), "{sent} in 800 s");
}

#[tokio::test]
async fn a_code_is_good_for_its_own_address_only_even_when_its_pot_is_gone() {
    let rig = Rig::new().await;
    rig.add("bobby@example.org", Some(BOBS_PHONE)).await;
    let caller = granting(Channel::Sms);
    let asks = Call::Initiate { to: address(ANNS_PHONE) };
    assert_eq!(rig.send(caller, asks).await.code(), "accepted");
    rig.pass(200);
    database(&rig).execute("UPDATE pot SET until = 0", []).unwrap();
    rig.engine.store.purge(purge::horizon(&rig.engine)).await.unwrap();
    let stranger = caller.from(STRANGER);
    let asks = Call::Initiate { to: address(BOBS_PHONE) };
    assert_eq!(rig.send(stranger, asks).await.code(), "accepted");
    while dispatch::once(&rig.engine).await.unwrap() > 0 {}
    let letters = rig.letters().await;
    let anns = letters.iter().find(|got| got.to == ANNS_PHONE).unwrap().code.clone().unwrap();
    assert_eq!(rig.verify(stranger, BOBS_PHONE, &anns).await.code(), "proof_invalid");
    assert_eq!(number(&rig, "SELECT COUNT(DISTINCT pot) FROM challenge"), 2);
}

#[tokio::test]
async fn a_pot_outlives_every_code_of_its_asks() {
    let rig = Rig::new().await;
    let caller = granting(Channel::Sms);
    let life = caller.dialect.profile().rules(Channel::Sms).unwrap().code.unwrap().life;
    let nearly = i64::from(life) - 1;
    let asks = Call::Initiate { to: address(ANNS_PHONE) };
    assert_eq!(rig.send(caller, asks).await.code(), "accepted");
    rig.pass(599);
    while dispatch::once(&rig.engine).await.unwrap() > 0 {}
    rig.pass(nearly);
    rig.engine.store.purge(purge::horizon(&rig.engine)).await.unwrap();
    let right = rig.letters().await.pop().unwrap().code.unwrap();
    rig.pass(nearly);
    assert_eq!(rig.verify(caller, ANNS_PHONE, &right).await.code(), "granted");
}

#[tokio::test]
async fn a_burnt_code_is_not_sent_again() {
    let rig = Rig::new().await;
    let right = rig.letter(coded().from(STRANGER), ANN).await.code.unwrap();
    for n in 0..10 {
        let guesser = coded().from(if n < 5 { STRANGER } else { "198.51.100.10" });
        assert_eq!(rig.confirm(guesser, by_code(ANN, &wrong(&right))).await, "proof_invalid");
    }
    rig.pass(61);
    let got = rig.letter(coded(), ANN).await.code.unwrap();
    assert_eq!(rig.confirm(coded(), by_code(ANN, &got)).await, "reset");
}

#[tokio::test]
async fn a_guesser_costs_his_neighbours_nothing() {
    let rig = Rig::new().await;
    let stranger = in_place().in_flow(66);
    for n in 0..8 {
        let phone = format!("+861390013900{n}");
        rig.add(&format!("p{n}@example.org"), Some(&phone)).await;
        let right = rig.letter(stranger, &phone).await.code.unwrap();
        for _ in 0..3 {
            assert_eq!(rig.confirm(stranger, placed(&wrong(&right))).await, "proof_invalid");
        }
        rig.pass(61);
    }
    let neighbour = in_place().in_flow(1);
    let right = rig.letter(neighbour, ANNS_PHONE).await.code.unwrap();
    assert_eq!(rig.confirm(neighbour, placed(&right)).await, "reset");
}

#[tokio::test]
async fn the_pots_of_an_address_are_few() {
    let rig = Rig::new().await;
    for n in 0..60 {
        let here = coded().from(sender(n));
        assert_eq!(rig.ask(here, NOBODY).await.code(), "accepted");
        for _ in 0..5 {
            assert_eq!(rig.confirm(here, by_code(NOBODY, "000000")).await, "proof_invalid");
        }
    }
    let pots = number(&rig, "SELECT COUNT(*) FROM pot");
    assert!((1..=5).contains(&pots), "{pots}");
}

#[tokio::test]
async fn an_ask_that_cannot_be_read_stops_no_other() {
    let rig = Rig::new().await;
    assert_eq!(rig.send(coded(), Call::Initiate { to: address(BOB) }).await.code(), "accepted");
    database(&rig).execute("UPDATE ask SET dialect = 'future'", []).unwrap();
    rig.pass(1);
    assert_eq!(rig.send(coded(), Call::Initiate { to: address(NOBODY) }).await.code(), "accepted");
    database(&rig).execute("UPDATE ask SET at = 'x' WHERE dialect <> 'future'", []).unwrap();
    assert_eq!(dispatch::once(&rig.engine).await, Ok(0));
    assert_eq!(rig.end(BOB).await, ("stale".into(), "unreadable".into()));
    assert_eq!(number(&rig, "SELECT COUNT(*) FROM ask WHERE reason = 'unreadable'"), 2);
    assert_eq!(rig.letter(coded(), ANN).await.to, ANN);
}

#[tokio::test]
async fn a_mail_that_cannot_be_read_stops_no_other() {
    let rig = Rig::new().await;
    assert_eq!(rig.ask(coded(), BOB).await.code(), "accepted");
    database(&rig).execute("UPDATE mail SET language = 'future'", []).unwrap();
    let texted = granting(Channel::Sms);
    assert_eq!(rig.ask(texted, ANNS_PHONE).await.code(), "accepted");
    assert_eq!(deliver::once(&rig.engine).await, Ok(1));
    assert_eq!(rig.end(BOB).await, ("dead".into(), "unreadable".into()));
    assert_eq!(rig.end(ANNS_PHONE).await.0, "sent");
}

#[tokio::test]
async fn an_encrypted_password_tells_nothing_of_a_dead_proof() {
    let rig = Rig::new().await;
    let caller = granting(Channel::Email);
    let right = rig.letter(caller, ANN).await.code.unwrap();
    let grant = granted(&rig.verify(caller, ANN, &right).await);
    let encrypted = || Call::Confirm {
        proof: by_token(&grant),
        password: Password::parse("0011".into()).unwrap(),
        encryption: Encryption::Rsa,
    };
    assert_eq!(refused(&rig.send(caller, encrypted()).await), Refusal::Undecryptable);
    assert_eq!(rig.confirm(caller, by_token(&grant)).await, "reset");
    assert_eq!(refused(&rig.send(caller, encrypted()).await), Refusal::ProofInvalid);
}

#[tokio::test]
async fn a_long_cool_down_outlives_the_purge() {
    let rig = Rig::with("[limits]\ncool_down = \"1h\"").await;
    assert_eq!(rig.ask(coded(), NOBODY).await.code(), "accepted");
    rig.pass(901);
    rig.engine.store.purge(purge::horizon(&rig.engine)).await.unwrap();
    let throttled = refused(&rig.ask(coded(), NOBODY).await);
    assert_eq!(throttled, Refusal::Throttled { retry_after: 3600 - 901 });
}

#[tokio::test]
async fn a_proof_that_policy_failures_ended_has_an_end() {
    let rig = Rig::new().await;
    let token = rig.letter(linked(), ANN).await.token.unwrap();
    for _ in 0..10 {
        assert_eq!(rig.confirm_with(linked(), by_token(&token), "short").await.code(), "policy");
    }
    let query = "SELECT ended FROM challenge WHERE state = 'dead'";
    assert_eq!(number(&rig, query), rig.now().0);
}

#[tokio::test]
async fn what_a_dead_process_held_is_free_before_the_first_message() {
    let rig = Rig::new().await;
    let token = rig.letter(linked(), ANN).await.token.unwrap();
    let until = rig.now().plus(Duration::from_secs(60)).0;
    let write = "UPDATE challenge SET state = 'held', held_by = x'00', held_until = ?1";
    database(&rig).execute(write, [until]).unwrap();
    rig.engine.recover().await;
    assert_eq!(rig.confirm(linked(), by_token(&token)).await, "reset");
}
