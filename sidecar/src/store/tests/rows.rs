//! Asks, mails, and what is forgotten.

use std::time::Duration;

use contract::address::{Address, Channel};
use contract::language::Language;

use super::rig::*;
use crate::clock::Millis;
use crate::secret::{AddressKey, ChallengeId};
use crate::store::*;

#[tokio::test]
async fn asks_are_counted_and_one_waits_for_an_address() {
    let rig = Rig::new();
    assert_eq!(rig.store.take_ask(rig.ask(1, BEGIN)).await.unwrap(), Asked::Taken);
    assert_eq!(rig.store.take_ask(rig.ask(1, BEGIN)).await.unwrap(), Asked::Taken);
    assert_eq!(rig.store.take_ask(rig.ask(2, BEGIN)).await.unwrap(), Asked::Merged);
    assert_eq!(rig.store.lease_asks(BEGIN, BEGIN, 9).await.unwrap().len(), 1);
    let same_sender = NewAsk { message: message(3), ..rig.ask(1, after(20)) };
    assert_eq!(
        rig.store.take_ask(same_sender).await.unwrap(),
        Asked::Throttled(Duration::from_secs(40))
    );
    let elsewhere = |byte| NewAsk { address_key: AddressKey([byte; 16]), ..rig.ask(byte, BEGIN) };
    assert_eq!(rig.store.take_ask(elsewhere(4)).await.unwrap(), Asked::Taken);
    let two = Backlog { asks: 2, due: 0, mails: 0 };
    assert_eq!(rig.store.backlog(BEGIN, 9).await.unwrap(), two);
    let stale = |id| rig.store.end_asks(vec![([id; 16], None)], BEGIN);
    assert!(stale(7).await.unwrap().is_empty());
    assert_eq!(stale(1).await.unwrap(), [[1; 16]]);
    assert!(stale(1).await.unwrap().is_empty());
    let mailboxes = vec![rig.mailbox(1)];
    assert_eq!(rig.store.resolve_ask([1; 16], BEGIN, mailboxes).await.unwrap(), Resolved::Gone);
    let told = rig.store.stories(AddressKey([1; 16])).await.unwrap();
    let ends: Vec<&str> = told.iter().map(|story| story.state.as_str()).collect();
    assert_eq!(ends.len(), 2);
    assert!(ends.contains(&"stale") && ends.contains(&"suppressed"), "{ends:?}");
}

#[tokio::test]
async fn a_lease_that_ends_is_given_again() {
    let rig = Rig::new();
    let notice = NewMail {
        site: name("s"),
        id: [3; 16],
        kind: MailKind::Changed,
        challenge: None,
        ask: None,
        account: "ann".into(),
        address: Address::parse(Channel::Email, "ann@example.org", None).unwrap(),
        language: Language::English,
        agent: None,
        at: BEGIN,
    };
    let id = rig.challenge().await;
    assert!(rig.hold(5, Target::Link(id), BEGIN).await.is_some());
    assert!(matches!(rig.open(5, None).await, Opened::Fresh(_)));
    let finish = Finish {
        message: [5; 16],
        challenge: id,
        account: "ann".into(),
        at: BEGIN,
        ending: Ending::Written,
        former: Former { hash: None, keep: 2 },
        kept: Kept::Reset { login: None },
        audit: audit(),
        notices: vec![NewMail { id: [8; 16], ..notice }],
        events: Vec::new(),
    };
    assert_eq!(rig.store.finish(finish).await.unwrap(), Finished::Done);
    let lease = |at: Millis| rig.store.lease_mails(at, at.plus(Duration::from_secs(120)), 9);
    assert_eq!(lease(BEGIN).await.unwrap().len(), 1);
    assert_eq!(lease(after(119)).await.unwrap().len(), 0);
    assert_eq!(rig.store.next_mail().await.unwrap(), Some(after(120)));
    let again = lease(after(120)).await.unwrap();
    assert_eq!(
        again.iter().map(|mail| (mail.id, mail.attempts)).collect::<Vec<_>>(),
        [([8; 16], 2)]
    );
    rig.store.end_mail([8; 16], after(121), MailEnd::Sent).await.unwrap();
    rig.store.end_mail([8; 16], after(122), MailEnd::Dead { reply: "x".into() }).await.unwrap();
    assert_eq!(rig.store.next_mail().await.unwrap(), None);
}

#[tokio::test]
async fn rows_are_forgotten_in_their_time() {
    let rig = Rig::new();
    rig.challenge().await;
    let old = |now: Millis, before: Millis| Horizon {
        now,
        messages: before,
        asks: before,
        mails: before,
        dead_mails: before,
        proofs: before,
        audit: before,
    };
    assert!(!rig.store.purge(old(BEGIN, BEGIN)).await.unwrap());
    assert_eq!(rig.store.stories(AddressKey([1; 16])).await.unwrap().len(), 1);
    assert!(!rig.store.purge(old(after(1), after(1))).await.unwrap());
    assert!(rig.store.stories(AddressKey([1; 16])).await.unwrap().is_empty());
    assert!(rig.hold(5, Target::Link(ChallengeId([9; 16])), BEGIN).await.is_none());
}

#[tokio::test]
async fn mails_that_wait_fill_the_backlog_too() {
    let rig = Rig::new();
    rig.queued(1, 8, BEGIN).await;
    assert_eq!(rig.store.lease_asks(BEGIN, BEGIN, 9).await.unwrap().len(), 0);
    let other = |byte| NewAsk { address_key: AddressKey([byte; 16]), ..rig.ask(byte, BEGIN) };
    assert_eq!(rig.store.take_ask(other(2)).await.unwrap(), Asked::Taken);
    let one = Backlog { asks: 1, due: 1, mails: 1 };
    assert_eq!(rig.store.backlog(BEGIN, 9).await.unwrap(), one);
    assert_eq!(rig.store.take_ask(other(3)).await.unwrap(), Asked::Taken);
    assert_eq!(rig.store.backlog(BEGIN, 9).await.unwrap(), Backlog { asks: 2, ..one });
    assert_eq!(rig.store.backlog(BEGIN, 1).await.unwrap(), one, "no more than asked for");
    let later = MailEnd::Later { next: after(60), reply: "451".into() };
    rig.store.end_mail([8; 16], BEGIN, later).await.unwrap();
    let put_off = Backlog { asks: 2, due: 0, mails: 1 };
    assert_eq!(rig.store.backlog(BEGIN, 9).await.unwrap(), put_off);
    rig.store.end_mail([8; 16], BEGIN, MailEnd::Sent).await.unwrap();
    assert_eq!(rig.store.backlog(BEGIN, 9).await.unwrap(), Backlog { mails: 0, ..put_off });
}

