//! Asking, links, confirm, and what ends a proof.

use contract::address::Channel;
use contract::message::{Call, Encryption, Proof};
use contract::outcome::{Outcome, Refusal};
use contract::profile::{Login, ProofKind};
use contract::secret::{Password, Token};

use super::rig::*;
use crate::directory::Status;
use crate::flow::deliver;

fn link() -> Caller {
    accepting(Channel::Email, ProofKind::Link)
}

#[tokio::test]
async fn a_link_resets_once_and_its_message_can_be_repeated() {
    let rig = Rig::new().await;
    let got = rig.letter(link(), "ANN@Example.org").await;
    assert_eq!(got.to, ANN, "mail goes to the stored address");
    let proof = by_token(got.token.as_deref().unwrap());
    let first = link().as_message(7);
    assert_eq!(rig.confirm(first, proof.clone()).await, "reset");
    assert!(rig.has_password("ann", NEW).await);
    assert_eq!(rig.confirm(first, proof.clone()).await, "reset");
    let other = rig.confirm_with(link(), proof.clone(), "another password").await;
    assert_eq!(refused(&other), Refusal::ProofInvalid);
    assert!(rig.has_password("ann", NEW).await);
    let forged = rig.send_as(link(), Call::Initiate { to: address(ANN) }, [7; 16], [9; 32]).await;
    assert_eq!(refused(&forged), Refusal::Unsigned);
    assert_eq!(rig.end(ANN).await.0, "sent");
}

#[tokio::test]
async fn an_unknown_address_is_answered_alike() {
    let rig = Rig::new().await;
    assert_eq!(rig.ask(link(), NOBODY).await.code(), rig.ask(link(), ANN).await.code());
    assert_eq!(rig.end(NOBODY).await, ("suppressed".into(), "no_account".into()));
    for to in [NOBODY, ANN] {
        assert_eq!(
            refused(&rig.ask(link(), to).await),
            Refusal::Throttled { retry_after: 60 },
            "{to}"
        );
        assert_eq!(rig.ask(link().from("192.0.2.2"), to).await.code(), "accepted", "{to}");
    }
    assert_eq!(rig.letters().await.len(), 1);
    rig.pass(59);
    assert_eq!(refused(&rig.ask(link(), NOBODY).await), Refusal::Throttled { retry_after: 1 });
    rig.pass(1);
    assert_eq!(rig.ask(link(), NOBODY).await.code(), "accepted");
}

#[tokio::test]
async fn a_disabled_account_gets_nothing_and_its_link_dies() {
    let rig = Rig::new().await;
    let got = rig.letter(link(), ANN).await;
    rig.embedded().set("ann", Some(Status::Disabled), None).await.unwrap();
    assert_eq!(rig.confirm(link(), by_token(got.token.as_deref().unwrap())).await, "proof_invalid");
    rig.pass(61);
    assert_eq!(rig.ask(link(), ANN).await.code(), "accepted");
    assert_eq!(rig.end(ANN).await.1, "disabled");
    assert!(rig.has_password("ann", OLD).await);
}

#[tokio::test]
async fn the_same_secret_is_sent_again_then_a_second_stands_beside_it() {
    let rig = Rig::new().await;
    let first = rig.letter(link(), ANN).await;
    for _ in 0..2 {
        rig.pass(61);
        assert_eq!(rig.letter(link(), ANN).await, first);
    }
    rig.pass(61);
    assert_eq!(rig.ask(link(), ANN).await.code(), "accepted");
    assert_eq!(rig.end(ANN).await, ("suppressed".into(), "resends".into()));
    rig.pass(15 * 60);
    let second = rig.letter(link(), ANN).await;
    assert_ne!(second.token, first.token);
    // Both live; the use of one ends the other.
    let (first, second) = (first.token.unwrap(), second.token.unwrap());
    assert_eq!(rig.confirm(link(), by_token(&first)).await, "reset");
    assert_eq!(rig.confirm(link(), by_token(&second)).await, "proof_invalid");
}

#[tokio::test]
async fn a_link_ends_with_its_life_which_begins_with_the_relay() {
    let rig = Rig::new().await;
    assert_eq!(rig.ask(link(), ANN).await.code(), "accepted");
    rig.pass(20 * 60);
    let got = rig.letters().await.pop().unwrap();
    rig.pass(30 * 60 - 1);
    let proof = by_token(got.token.as_deref().unwrap());
    assert_eq!(rig.confirm_with(link(), proof.clone(), "short").await.code(), "policy");
    rig.pass(1);
    assert_eq!(rig.confirm(link(), proof).await, "proof_invalid");
}

#[tokio::test]
async fn a_policy_failure_gives_the_proof_back_ten_times() {
    let rig = Rig::new().await;
    let got = rig.letter(link(), ANN).await;
    let proof = by_token(got.token.as_deref().unwrap());
    for _ in 0..9 {
        assert_eq!(rig.confirm_with(link(), proof.clone(), "short").await.code(), "policy");
    }
    let repeated = link().as_message(3);
    for _ in 0..3 {
        assert_eq!(rig.confirm_with(repeated, proof.clone(), "short").await.code(), "policy");
    }
    assert_eq!(rig.confirm(link(), proof).await, "proof_invalid");
}

#[tokio::test]
async fn garbage_and_other_doors_open_nothing() {
    let rig = Rig::new().await;
    let got = rig.letter(link(), ANN).await;
    let token = got.token.unwrap();
    let garbage = ["0".repeat(64), wrong(&token), "x".into(), token.to_uppercase()];
    for garbage in garbage {
        assert_eq!(rig.confirm(link(), by_token(&garbage)).await, "proof_invalid");
    }
    let elsewhere =
        contract::dialect::DIALECTS.iter().filter(|other| other.name() != link().dialect.name());
    for dialect in elsewhere {
        let caller = Caller { dialect: *dialect, ..link() };
        assert_eq!(rig.confirm(caller, by_token(&token)).await, "proof_invalid", "{dialect:?}");
    }
    let password = Password::parse(NEW.into()).unwrap();
    let encrypted =
        Call::Confirm { proof: by_token(&token), password, encryption: Encryption::Rsa };
    assert_eq!(refused(&rig.send(link(), encrypted).await), Refusal::Undecryptable);
    assert!(rig.has_password("ann", OLD).await);
    assert_eq!(rig.confirm(link(), by_token(&token)).await, "reset");
}

#[tokio::test]
async fn fifty_at_once_reset_once() {
    let rig = Rig::new().await;
    let got = rig.letter(link(), ANN).await;
    let proof = by_token(got.token.as_deref().unwrap());
    let all = (0..50_u8).map(|n| rig.confirm(link().as_message(n / 2 + 1), proof.clone()));
    let mut ends = Vec::new();
    let mut pending: Vec<_> = all.map(Box::pin).collect();
    while !pending.is_empty() {
        std::future::poll_fn(|context| {
            let before = pending.len();
            pending.retain_mut(|one| match one.as_mut().poll(context) {
                std::task::Poll::Ready(end) => {
                    ends.push(end);
                    false
                }
                std::task::Poll::Pending => true,
            });
            if pending.len() < before {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
    }
    // Both of the message that won say so, after one hash.
    assert_eq!(ends.iter().filter(|end| **end == "reset").count(), 2, "{ends:?}");
    assert_eq!(ends.iter().filter(|end| **end == "proof_invalid").count(), 48, "{ends:?}");
    assert_eq!(rig.engine.worked().hashed, 3, "two accounts were made, and one was reset");
    assert!(rig.has_password("ann", NEW).await);
}

#[tokio::test]
async fn link_code_and_address_must_belong_together() {
    let rig = Rig::new().await;
    let caller = accepting(Channel::Email, ProofKind::LinkAndCode);
    let ann = rig.letter(caller, ANN).await;
    let bob = rig.letter(caller, BOB).await;
    let both = |to: &str, token: &Option<String>, typed: &Option<String>| Proof::TokenAndCode {
        to: address(to),
        token: Token::parse(token.clone().unwrap()).unwrap(),
        code: code(typed.as_deref().unwrap()),
    };
    for proof in [
        both(BOB, &ann.token, &ann.code),
        both(ANN, &bob.token, &ann.code),
        both(ANN, &ann.token, &bob.code),
    ] {
        assert_eq!(rig.confirm(caller, proof).await, "proof_invalid");
    }
    assert_eq!(rig.confirm(caller, by_token(ann.token.as_deref().unwrap())).await, "proof_invalid");
    assert_eq!(rig.confirm(caller, both(ANN, &ann.token, &ann.code)).await, "reset");
    assert!(rig.has_password("bob", OLD).await);
}

#[tokio::test]
async fn a_login_is_signed_again_for_a_repeat_but_not_past_a_second_factor() {
    let rig = Rig::new().await;
    let logs_in = |rules: &contract::profile::Rules| rules.accepts.contains(&ProofKind::Link);
    let caller = contract::dialect::DIALECTS
        .iter()
        .find(|dialect| {
            let profile = dialect.profile();
            profile.login == Login::Always && profile.rules(Channel::Email).is_some_and(logs_in)
        })
        .map(|dialect| Caller { dialect: *dialect, ..link() })
        .unwrap();
    let access = |outcome: &Outcome| match outcome {
        Outcome::Reset { access_token } => {
            access_token.as_ref().map(|token| token.expose().to_owned())
        }
        other => panic!("{other:?}"),
    };
    let got = rig.letter(caller, ANN).await;
    let proof = by_token(got.token.as_deref().unwrap());
    let first = access(&rig.confirm_with(caller.as_message(1), proof.clone(), NEW).await).unwrap();
    rig.pass(5);
    assert_eq!(access(&rig.confirm_with(caller.as_message(1), proof, NEW).await), Some(first));

    rig.embedded().set("bob", None, Some(true)).await.unwrap();
    let got = rig.letter(caller, BOB).await;
    let proof = by_token(got.token.as_deref().unwrap());
    assert_eq!(access(&rig.confirm_with(caller, proof, NEW).await), None);
}

#[tokio::test]
async fn texts_are_spooled_and_owners_are_told() {
    let rig = Rig::new().await;
    let caller = accepting(Channel::Sms, ProofKind::Code);
    assert_eq!(rig.ask(caller, ANNS_PHONE).await.code(), "accepted");
    assert_eq!(deliver::once(&rig.engine).await.unwrap(), 1);
    assert_eq!(rig.end(ANNS_PHONE).await.0, "sent");
    let spooled: Vec<_> = std::fs::read_dir(rig.home.path().join("sms")).unwrap().collect();
    assert_eq!(spooled.len(), 1);
    let text = std::fs::read_to_string(spooled[0].as_ref().unwrap().path()).unwrap();
    let typed: String = text.split_whitespace().find_map(six_digits).unwrap();
    assert_eq!(rig.confirm(caller, by_code(ANNS_PHONE, &typed)).await, "reset");
    let due = rig.engine.store.lease_mails(rig.now(), rig.now(), 9).await.unwrap();
    assert_eq!(due.len(), 2, "to the mail address and to the phone");
}

fn six_digits(word: &str) -> Option<String> {
    let digits: String = word.chars().filter(char::is_ascii_digit).collect();
    (digits.len() == 6).then_some(digits)
}

#[tokio::test]
async fn nobody_without_the_link_can_use_up_its_codes_tries() {
    let rig = Rig::new().await;
    let caller = accepting(Channel::Email, ProofKind::LinkAndCode);
    let coded = with(Channel::Email, |rules| rules.accepts == [ProofKind::Code]);
    let ann = rig.letter(caller, ANN).await;
    let bob = rig.letter(caller, BOB).await;
    let (token, right) = (ann.token.unwrap(), ann.code.unwrap());
    let both = |token: &str, typed: &str| Proof::TokenAndCode {
        to: address(ANN),
        token: Token::parse(token.into()).unwrap(),
        code: code(typed),
    };
    // A stranger with a link of his own, one with garbage, and one who guesses elsewhere for a day.
    let stranger = caller.from("198.51.100.9");
    for _ in 0..7 {
        assert_eq!(
            rig.confirm(stranger, both(bob.token.as_deref().unwrap(), &wrong(&right))).await,
            "proof_invalid"
        );
        assert_eq!(
            rig.confirm(stranger, both(&wrong(&token), &wrong(&right))).await,
            "proof_invalid"
        );
    }
    for n in 0..25 {
        if n % 5 == 0 {
            rig.ask(coded.from("198.51.100.9"), ANN).await;
            rig.pass(61);
        }
        assert_eq!(
            rig.confirm(coded.from("198.51.100.9"), by_code(ANN, &wrong(&right))).await,
            "proof_invalid"
        );
    }
    // The owner, elsewhere by now.
    let owner = caller.from("203.0.113.5");
    for _ in 0..4 {
        assert_eq!(rig.confirm(owner, both(&token, &wrong(&right))).await, "proof_invalid");
    }
    assert_eq!(rig.confirm(owner, both(&token, &right)).await, "reset");
}

#[tokio::test]
async fn a_dead_relay_is_tried_until_the_mail_is_of_no_use() {
    let rig = Rig::new().await;
    assert_eq!(rig.ask(link(), ANN).await.code(), "accepted");
    let begun = rig.now();
    let mut attempts = 0;
    while rig.end(ANN).await.0 == "queued" {
        assert!(begun.until(rig.now()).as_secs() < 31 * 60);
        attempts += deliver::once(&rig.engine).await.unwrap();
        rig.pass(5);
    }
    let story = rig.stories(ANN).await.into_iter().next().unwrap();
    assert_eq!((story.state.as_str(), story.attempts as usize), ("dead", attempts));
    assert!((8..14).contains(&attempts), "{attempts}");
    assert!(begun.until(rig.now()).as_secs() > 15 * 60);
}
