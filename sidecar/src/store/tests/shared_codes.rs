//! The codes of several accounts of one address: they differ, share a pot, and a guess at all of them is one at each.

use std::time::Duration;

use super::rig::*;
use crate::clock::Millis;
use crate::secret::{AddressKey, ChallengeId, Place};
use crate::store::*;

/// Accounts with codes of few digits, so that two would be the same if nothing kept them apart.
fn mailbox(rig: &Rig, mail: u8, accounts: u8, code: CodeForm) -> Vec<Mailbox> {
    let birth = |n: u8| {
        let birth = rig.birth(mail + n);
        let usual = Form { link_life: None, code: Some(code), ..birth.usual };
        Birth { account: format!("ann{n}"), usual, ..birth }
    };
    vec![Mailbox { mail: [mail; 16], births: (0..accounts).map(birth).collect() }]
}

fn digits(digits: u8) -> CodeForm {
    CodeForm { digits, life: Duration::from_secs(600), tries: 5, placed: false }
}

async fn asked(rig: &Rig, ask: NewAsk, of: Vec<Mailbox>) -> Resolved {
    let (id, at) = (ask.message.id, ask.at);
    assert_eq!(rig.store.take_ask(ask).await.unwrap(), Asked::Taken);
    let resolved = rig.store.resolve_ask(id, at, of).await.unwrap();
    rig.store.lease_mails(at, at.plus(Duration::from_secs(120)), 99).await.unwrap();
    resolved
}

/// The codes that a guess is compared with.
async fn compared(rig: &Rig, byte: u8, guess: Guess, at: Millis) -> Vec<String> {
    let attempt = Attempt {
        message: message(byte),
        operation: contract::message::Operation::Confirm,
        at,
        guess: Some(guess),
        budgets: Vec::new(),
        judge: judge(),
    };
    let Opened::Fresh(found) = rig.store.open_attempt(attempt).await.unwrap() else {
        panic!("the message is new");
    };
    let code = |one: &Candidate| {
        rig.masters.active().code(one.id, one.counter, one.code_digits).to_string()
    };
    found.iter().map(code).collect()
}

fn distinct(codes: &[String]) -> usize {
    codes.iter().collect::<std::collections::BTreeSet<_>>().len()
}

async fn number(rig: &Rig, query: &'static str) -> i64 {
    rig.store.read(move |tx| tx.only(query, &[])).await.unwrap()
}

#[tokio::test]
async fn codes_of_one_address_differ_from_each_other_and_from_those_before() {
    let rig = Rig::new();
    let all = ACCOUNTS as u8;
    asked(&rig, rig.ask(1, BEGIN), mailbox(&rig, 10, all, digits(1))).await;
    let wide = || Guess { daily: 1000, tries: 100, ..rig.guess() };
    let codes = compared(&rig, 90, wide(), BEGIN).await;
    assert_eq!((codes.len(), distinct(&codes)), (ACCOUNTS, ACCOUNTS), "{codes:?}");
    // Past half of their life each has a second one, in another pot.
    let rig = Rig::new();
    asked(&rig, rig.ask(1, BEGIN), mailbox(&rig, 10, all, digits(2))).await;
    asked(&rig, rig.ask(2, after(400)), mailbox(&rig, 20, all, digits(2))).await;
    let codes = compared(&rig, 91, wide(), after(400)).await;
    assert_eq!((codes.len(), distinct(&codes)), (2 * ACCOUNTS, 2 * ACCOUNTS), "{codes:?}");
}

#[tokio::test]
async fn a_wrong_code_counts_once_in_the_pot_and_for_each_code_in_the_day() {
    let rig = Rig::new();
    asked(&rig, rig.ask(1, BEGIN), mailbox(&rig, 10, 8, digits(6))).await;
    let mut codes = Vec::new();
    for byte in 90..94 {
        codes.push(compared(&rig, byte, rig.guess(), BEGIN).await.len());
    }
    assert_eq!(codes, [8, 8, 0, 0], "never more than the day's 20");
    assert_eq!(number(&rig, "SELECT own_wrong FROM pot").await, 4);
    assert_eq!(number(&rig, "SELECT wrong FROM daily").await, 32);
    // One account has all 20.
    let rig = Rig::new();
    asked(&rig, rig.ask(1, BEGIN), mailbox(&rig, 10, 1, digits(6))).await;
    for byte in 90..94 {
        compared(&rig, byte, rig.guess(), BEGIN).await;
    }
    assert_eq!(number(&rig, "SELECT own_wrong FROM pot").await, 4);
    assert_eq!(number(&rig, "SELECT wrong FROM daily").await, 4);
}

/// No code is sent that could not be compared any more.
#[tokio::test]
async fn a_day_without_room_for_all_of_them_is_used_up() {
    let rig = Rig::new();
    let ask = |byte, at| NewAsk { tries: 100, ..rig.ask(byte, at) };
    asked(&rig, ask(1, BEGIN), mailbox(&rig, 10, 3, digits(6))).await;
    for byte in 90..95 {
        compared(&rig, byte, Guess { tries: 100, ..rig.guess() }, BEGIN).await;
    }
    assert_eq!(number(&rig, "SELECT wrong FROM daily").await, 15);
    let frozen = Resolved::Suppressed(Suppression::Frozen);
    assert_eq!(asked(&rig, ask(2, after(400)), mailbox(&rig, 20, 6, digits(6))).await, frozen);
    assert_eq!(
        asked(&rig, ask(3, after(401)), mailbox(&rig, 30, 5, digits(6))).await,
        Resolved::Queued
    );
}

/// In a place of its own the codes of one ask live side by side, and end the ones before.
#[tokio::test]
async fn a_place_of_its_own_holds_the_codes_of_one_ask() {
    let rig = Rig::new();
    let place = Place([7; 16]);
    let ask = |byte, at| NewAsk { place, place_owned: true, scope: place.0, ..rig.ask(byte, at) };
    let form = CodeForm { placed: true, ..digits(1) };
    let guess = || Guess {
        scopes: vec![place.0],
        address: None,
        places: vec![place],
        daily: 1000,
        tries: 100,
        ..rig.guess()
    };
    asked(&rig, ask(1, BEGIN), mailbox(&rig, 10, 5, form)).await;
    let codes = compared(&rig, 90, guess(), BEGIN).await;
    assert_eq!((codes.len(), distinct(&codes)), (5, 5), "{codes:?}");
    // Those who have theirs keep it beside a new one.
    let mut of = mailbox(&rig, 20, 5, form);
    of[0].births[4].account = "new".into();
    of[0].births[4].daily_wrong_codes = 100;
    let again = NewAsk { address_key: AddressKey([1; 16]), ..ask(2, after(30)) };
    assert_eq!(asked(&rig, again, of).await, Resolved::Queued);
    let codes = compared(&rig, 91, guess(), after(30)).await;
    assert_eq!((codes.len(), distinct(&codes)), (5, 5), "four of before and the new one: {codes:?}");
    assert!(rig.hold(50, Target::Code(ChallengeId([14; 16])), after(31)).await.is_none());
    assert!(rig.hold(51, Target::Code(ChallengeId([10; 16])), after(31)).await.is_some());
    // Another ask there ends them all.
    let stranger = NewAsk { address_key: AddressKey([3; 16]), ..ask(3, after(40)) };
    let mut of = mailbox(&rig, 30, 1, form);
    of[0].births[0].account = "other".into();
    assert_eq!(asked(&rig, stranger, of).await, Resolved::Queued);
    let codes = compared(&rig, 92, guess(), after(40)).await;
    assert_eq!(codes.len(), 2, "the new one, and the one that is held: {codes:?}");
}
