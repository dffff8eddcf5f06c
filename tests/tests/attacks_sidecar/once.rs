//! ATTACKS.md 12, invariant 6: a proof is spent at most once.

use contract::message::Message;

use crate::house::{
    ANN, ANNS_PHONE, BOB, House, NEW, by_both, by_code, by_place, by_token, code_in, confirm, from,
    grant_in, initiate, outcome, token_in, verify, with_flow,
};

/// Each kind of proof, and a confirm that presents it.
fn proofs(house: &House) -> Vec<(&'static str, &'static str, Message)> {
    let mut all = Vec::new();
    let native = house.ask("native", ANN, 1);
    all.push(("link", "a1", confirm("native", by_token(&token_in(native.text())), NEW)));
    let bamboo = house.ask("bamboocloud", BOB, 1);
    all.push(("code", "b2", confirm("bamboocloud", by_code(BOB, &code_in(bamboo.text())), NEW)));
    all
}

/// Fifty posts of one proof at once: one success, one password write, one mail about it.
fn race(house: &House, name: &str, account: &str, message: &Message) {
    let messages: Vec<Message> = (0..50).map(|_| message.clone()).collect();
    let outcomes = house.say_at_once(&messages);
    let won = outcomes.iter().filter(|outcome| *outcome == "reset").count();
    let lost = outcomes.iter().filter(|outcome| *outcome == "proof_invalid").count();
    assert_eq!((won, lost), (1, 49), "{name}: {outcomes:?}");
    assert_eq!(outcome(&house.say(message)), "proof_invalid", "{name}: used twice");
    assert_eq!(house.resets(account), 1, "{name}");
    house.settle();
}

/// ATTACKS.md 12
#[test]
fn a_link_or_a_code_in_fifty_posts_wins_once() {
    let house = House::build();
    for (name, account, message) in proofs(&house) {
        race(&house, name, account, &message);
    }
    for to in [ANN, BOB] {
        assert_eq!(
            house.mailbox.mails_to(to).unwrap().len(),
            2,
            "the reset's mail and the one after it"
        );
        assert!(house.has_password(to, NEW));
    }
}

/// ATTACKS.md 12
#[test]
fn a_grant_in_fifty_posts_wins_once() {
    let house = House::build();
    let code = code_in(house.ask("authing", ANN, 1).text());
    let grant = grant_in(&house.say(&verify("authing", ANN, &code)));
    race(&house, "grant", "a1", &confirm("authing", by_token(&grant), NEW));
}

/// ATTACKS.md 12
#[test]
fn a_link_with_its_code_in_fifty_posts_wins_once() {
    let house = House::build();
    let mail = house.ask("anqicms", ANN, 1);
    let proof = by_both(ANN, &token_in(mail.text()), &code_in(mail.text()));
    race(&house, "link and code", "a1", &confirm("anqicms", proof, NEW));
}

/// ATTACKS.md 12
#[test]
fn a_placed_code_in_fifty_posts_wins_once() {
    let house = House::build();
    house.say(&with_flow(initiate("vastly", ANNS_PHONE), Some(3)));
    let code = house.texted_code(ANNS_PHONE);
    let message = with_flow(confirm("vastly", by_place(&code), NEW), Some(3));
    // Three tries at a time may be compared in a place; the others are refused before.
    race(&house, "placed code", "a1", &message);
}

/// ATTACKS.md 12: a right code verified by fifty at once gives one grant.
#[test]
fn a_code_gives_one_grant() {
    let house = House::build();
    let code = code_in(house.ask("authing", ANN, 1).text());
    let messages: Vec<Message> = (0..50).map(|_| verify("authing", ANN, &code)).collect();
    let outcomes = house.say_at_once(&messages);
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "granted").count(), 1, "{outcomes:?}");
    assert_eq!(house.count("proof_grant"), 1);
}

/// ATTACKS.md 12: different passwords with one proof at once: the one that won is the one that verifies.
#[test]
fn one_password_wins_and_verifies() {
    let house = House::build();
    let token = token_in(house.ask("native", ANN, 1).text());
    let messages: Vec<Message> =
        (0..8).map(|n| confirm("native", by_token(&token), &format!("{NEW} {n}"))).collect();
    let outcomes = house.say_at_once(&messages);
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "reset").count(), 1, "{outcomes:?}");
    let verifies = (0..8).filter(|n| house.has_password(ANN, &format!("{NEW} {n}"))).count();
    assert_eq!(verifies, 1);
}

/// Link and code of one mail are one proof: after either, the other is dead.
#[test]
fn link_and_code_of_one_mail_are_spent_together() {
    let house = House::build();
    let mail = house.ask("native", ANN, 1);
    let (token, code) = (token_in(mail.text()), code_in(mail.text()));
    let messages =
        vec![confirm("native", by_token(&token), NEW), confirm("native", by_code(ANN, &code), NEW)];
    let outcomes = house.say_at_once(&messages);
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "reset").count(), 1, "{outcomes:?}");
    for message in &messages {
        assert_eq!(outcome(&house.say(message)), "proof_invalid");
    }
    assert_eq!(house.resets("a1"), 1);
}

/// ATTACKS.md 20: a password that breaks the policy gives the proof back; ten of them end it; a stranger learns nothing.
#[test]
fn a_policy_failure_does_not_spend_the_proof_but_ten_do() {
    let house = House::build();
    let token = token_in(house.ask("native", ANN, 1).text());
    for _ in 0..9 {
        assert_eq!(outcome(&house.say(&confirm("native", by_token(&token), "short"))), "policy");
    }
    assert_eq!(
        outcome(&house.say(&confirm("native", by_token(&"0".repeat(64)), "short"))),
        "proof_invalid"
    );
    assert_eq!(outcome(&house.say(&confirm("native", by_token(&token), NEW))), "reset");
    let token = token_in(house.ask("native", BOB, 1).text());
    for _ in 0..10 {
        house.say(&confirm("native", by_token(&token), "short"));
    }
    assert_eq!(outcome(&house.say(&confirm("native", by_token(&token), NEW))), "proof_invalid");
}

/// The same by code: a policy failure gives the attempt back as well.
#[test]
fn a_policy_failure_gives_the_attempt_back() {
    let house = House::build();
    let code = code_in(house.ask("bamboocloud", ANN, 1).text());
    for _ in 0..9 {
        let reply = house.say(&confirm("bamboocloud", by_code(ANN, &code), "short"));
        assert_eq!(outcome(&reply), "policy");
    }
    let elsewhere = from(confirm("bamboocloud", by_code(ANN, &code), NEW), "203.0.113.9");
    assert_eq!(outcome(&house.say(&elsewhere)), "reset");
}

/// ATTACKS.md 32: long passwords cost nothing before they are refused.
#[test]
fn long_passwords_are_refused_unhashed() {
    let house = House::build();
    let token = token_in(house.ask("native", ANN, 1).text());
    for password in ["x".repeat(129), "x".repeat(15_000), "\u{fdfa}".repeat(5_000), "é".repeat(129)]
    {
        let reply = house.say(&confirm("native", by_token(&token), &password));
        assert_eq!(outcome(&reply), "policy", "{} bytes", password.len());
    }
    assert_eq!(
        outcome(&house.say(&confirm("native", by_token(&token), &"\u{fdfa}".repeat(128)))),
        "reset"
    );
}
