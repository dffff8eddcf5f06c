//! Codes: pots, days, grants and places.

use contract::address::Channel;
use contract::profile::{ProofKind, Rules};

use super::rig::*;

const STRANGER: &str = "198.51.100.9";

fn coded() -> Caller {
    with(Channel::Email, |rules| rules.accepts == [ProofKind::Code])
}

fn granting() -> Caller {
    with(Channel::Email, |rules: &Rules| rules.accepts == [ProofKind::Grant])
}

#[tokio::test]
async fn strangers_share_a_pot_and_the_owner_has_one_of_his_own() {
    let rig = Rig::new().await;
    let right = rig.letter(coded(), ANN).await.code.unwrap();
    for n in 0..8 {
        let stranger = coded().from(if n % 2 == 0 { STRANGER } else { "203.0.113.7" });
        assert_eq!(rig.confirm(stranger, by_code(ANN, &wrong(&right))).await, "proof_invalid");
    }
    assert_eq!(rig.confirm(coded().from(STRANGER), by_code(ANN, &right)).await, "proof_invalid");
    for _ in 0..4 {
        assert_eq!(rig.confirm(coded(), by_code(ANN, &wrong(&right))).await, "proof_invalid");
    }
    assert_eq!(rig.confirm(coded(), by_code(ANN, &right)).await, "reset");
}

#[tokio::test]
async fn the_owners_pot_ends_too_and_a_new_ask_has_a_new_one() {
    let rig = Rig::new().await;
    let right = rig.letter(coded(), ANN).await.code.unwrap();
    for _ in 0..5 {
        assert_eq!(rig.confirm(coded(), by_code(ANN, &wrong(&right))).await, "proof_invalid");
    }
    assert_eq!(rig.confirm(coded(), by_code(ANN, &right)).await, "proof_invalid");
    rig.pass(400);
    let right = rig.letter(coded(), ANN).await.code.unwrap();
    assert_eq!(rig.confirm(coded(), by_code(ANN, &right)).await, "reset");
}

#[tokio::test]
async fn a_right_code_is_not_counted() {
    let rig = Rig::new().await;
    let right = rig.letter(coded(), ANN).await.code.unwrap();
    for _ in 0..4 {
        assert_eq!(rig.confirm(coded(), by_code(ANN, &wrong(&right))).await, "proof_invalid");
    }
    for _ in 0..5 {
        assert_eq!(rig.confirm_with(coded(), by_code(ANN, &right), "short").await.code(), "policy");
    }
    assert_eq!(rig.confirm(coded(), by_code(ANN, &right)).await, "reset");
}

#[tokio::test]
async fn a_repeat_is_counted_once() {
    let rig = Rig::new().await;
    let right = rig.letter(coded(), ANN).await.code.unwrap();
    for _ in 0..9 {
        let caller = coded().as_message(5);
        assert_eq!(rig.confirm(caller, by_code(ANN, &wrong(&right))).await, "proof_invalid");
    }
    assert_eq!(rig.confirm(coded(), by_code(ANN, &right)).await, "reset");
}

#[tokio::test]
async fn twenty_wrong_codes_a_day_leave_the_link() {
    let rig = Rig::new().await;
    for _ in 0..4 {
        let right = rig.letter(coded(), ANN).await.code.unwrap();
        for _ in 0..5 {
            assert_eq!(rig.confirm(coded(), by_code(ANN, &wrong(&right))).await, "proof_invalid");
        }
        rig.pass(1000);
    }
    let got = rig.letter(coded(), ANN).await;
    assert_eq!(got.code, None);
    let page = with(Channel::Email, |rules| rules.accepts.contains(&ProofKind::Link));
    assert_eq!(rig.confirm(page, by_token(got.token.as_deref().unwrap())).await, "reset");
}

#[tokio::test]
async fn unknown_addresses_are_counted_and_refused_alike() {
    let rig = Rig::new().await;
    assert_eq!(rig.ask(granting(), NOBODY).await.code(), "accepted");
    for _ in 0..7 {
        assert_eq!(rig.verify(granting(), NOBODY, "123456").await.code(), "proof_invalid");
    }
    assert_eq!(rig.verify(granting(), BOB, "123456").await.code(), "proof_invalid");
}

#[tokio::test]
async fn a_code_gives_one_grant_and_a_grant_one_reset() {
    let rig = Rig::new().await;
    let right = rig.letter(granting(), ANN).await.code.unwrap();
    let first = rig.verify(granting().as_message(1), ANN, &right).await;
    let grant = granted(&first);
    rig.pass(1);
    assert_eq!(granted(&rig.verify(granting().as_message(1), ANN, &right).await), grant);
    assert_eq!(rig.verify(granting(), ANN, &right).await.code(), "proof_invalid");
    assert_eq!(rig.confirm_with(granting(), by_token(&grant), "short").await.code(), "policy");
    assert_eq!(rig.confirm(granting(), by_token(&grant)).await, "reset");
    assert_eq!(rig.confirm(granting(), by_token(&grant)).await, "proof_invalid");
    assert!(rig.has_password("ann", NEW).await);
}

#[tokio::test]
async fn a_grant_ends_with_its_life_and_with_a_changed_account() {
    let rig = Rig::new().await;
    let right = rig.letter(granting(), ANN).await.code.unwrap();
    let grant = granted(&rig.verify(granting(), ANN, &right).await);
    rig.pass(300);
    assert_eq!(rig.confirm(granting(), by_token(&grant)).await, "proof_invalid");

    let right = rig.letter(granting(), BOB).await.code.unwrap();
    let grant = granted(&rig.verify(granting(), BOB, &right).await);
    rig.embedded().set("bob", None, Some(true)).await.unwrap();
    assert_eq!(rig.confirm(granting(), by_token(&grant)).await, "proof_invalid");
}

#[tokio::test]
async fn codes_end_with_their_life() {
    let rig = Rig::new().await;
    let right = rig.letter(granting(), ANN).await.code.unwrap();
    rig.pass(300);
    assert_eq!(rig.verify(granting(), ANN, &right).await.code(), "proof_invalid");
}

#[tokio::test]
async fn a_placed_code_is_good_in_its_place_only() {
    let rig = Rig::new().await;
    let caller = accepting(Channel::Sms, ProofKind::Placed);
    let right = rig.letter(caller.in_flow(1), ANNS_PHONE).await.code.unwrap();
    assert_eq!(rig.confirm(caller, placed(&right)).await, "proof_invalid", "born under a cookie");
    assert_eq!(rig.confirm(caller.in_flow(2), placed(&right)).await, "proof_invalid");
    assert_eq!(rig.confirm(caller.in_flow(1).from(STRANGER), placed(&right)).await, "reset");
}

#[tokio::test]
async fn a_flow_without_a_cookie_yet_is_its_senders_and_has_three_tries() {
    let rig = Rig::new().await;
    let caller = accepting(Channel::Sms, ProofKind::Placed);
    let right = rig.letter(caller, ANNS_PHONE).await.code.unwrap();
    assert_eq!(rig.confirm(caller.from(STRANGER), placed(&right)).await, "proof_invalid");
    for flow in 0..2 {
        assert_eq!(
            rig.confirm(caller.in_flow(flow), placed(&wrong(&right))).await,
            "proof_invalid"
        );
    }
    assert_eq!(rig.confirm(caller.in_flow(9), placed(&right)).await, "reset");

    rig.pass(121);
    let right = rig.letter(caller, ANNS_PHONE).await.code.unwrap();
    for flow in 0..3 {
        assert_eq!(
            rig.confirm(caller.in_flow(flow), placed(&wrong(&right))).await,
            "proof_invalid"
        );
    }
    assert_eq!(rig.confirm(caller.in_flow(9), placed(&right)).await, "proof_invalid");
}

#[tokio::test]
async fn the_day_ends_codes_that_have_tries_left() {
    let rig = Rig::with("[limits]\ndaily_wrong_codes = 5").await;
    let right = rig.letter(coded(), ANN).await.code.unwrap();
    for n in 0..5 {
        let caller = if n < 3 { coded() } else { coded().from(STRANGER) };
        assert_eq!(rig.confirm(caller, by_code(ANN, &wrong(&right))).await, "proof_invalid");
    }
    assert_eq!(rig.confirm(coded(), by_code(ANN, &right)).await, "proof_invalid");
    // A dialect with a link of its own sends that, without its code.
    rig.pass(61);
    let both = with(Channel::Email, |rules| {
        rules.accepts.starts_with(&[ProofKind::Link, ProofKind::Code])
    });
    let got = rig.letter(both, ANN).await;
    assert_eq!(got.code, None);
    assert_eq!(rig.confirm(both, by_token(got.token.as_deref().unwrap())).await, "reset");
}

#[tokio::test]
async fn codes_of_one_place_differ_and_a_cookies_place_has_one() {
    let rig = Rig::new().await;
    let caller = accepting(Channel::Sms, ProofKind::Placed);
    let mut codes = std::collections::HashSet::new();
    for n in 0..9 {
        let phone = format!("+861390013900{n}");
        rig.add(&format!("p{n}@example.org"), Some(&phone)).await;
        assert!(codes.insert(rig.letter(caller, &phone).await.code.unwrap()), "{n}");
    }
    rig.pass(61);
    let first = rig.letter(caller.in_flow(2), "+8613900139000").await.code.unwrap();
    let second = rig.letter(caller.in_flow(2), "+8613900139001").await.code.unwrap();
    if first != second {
        assert_eq!(rig.confirm(caller.in_flow(2), placed(&first)).await, "proof_invalid");
    }
    assert_eq!(rig.confirm(caller.in_flow(2), placed(&second)).await, "reset");
    assert!(rig.has_password("p1", NEW).await && rig.has_password("p0", OLD).await);
}
