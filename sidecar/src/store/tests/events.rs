//! Events: in order for each account, told until they are acknowledged, and the same rows for everybody.

use std::time::Duration;

use contract::address::{Address, Channel};

use super::rig::*;
use crate::clock::Millis;
use crate::store::*;

const LEASE: Duration = Duration::from_secs(60);

fn event(id: u8, account: &str) -> NewEvent {
    let (kind, words) = (EventKind::Reset, "{\"x\":1}".to_owned());
    NewEvent { id: [id; 16], kind, account: account.into(), words, at: BEGIN }
}

async fn leased(rig: &Rig, now: Millis) -> Vec<u8> {
    let leased = rig.store.lease_events(Receiver::Events, now, now.plus(LEASE), 9).await.unwrap();
    leased.iter().map(|event| event.id[0]).collect()
}

async fn end(rig: &Rig, id: u8, attempt: u32, end: EventEnd) {
    rig.store.end_event([id; 16], attempt, BEGIN, end).await.unwrap();
}

fn later(seconds: u64) -> EventEnd {
    EventEnd::Later { next: after(seconds), reply: "status 500".into() }
}

#[tokio::test]
async fn of_an_account_the_oldest_goes_first_and_keeps_no_other_waiting() {
    let rig = Rig::new();
    let all = [event(1, "ann"), event(2, "ann"), event(3, "bob"), event(4, "ann"), event(5, "bob")];
    rig.store.queue_events(all.to_vec()).await.unwrap();
    assert_eq!(leased(&rig, BEGIN).await, [1, 3]);
    assert_eq!(leased(&rig, BEGIN).await, [] as [u8; 0], "they are in hand");
    end(&rig, 3, 1, EventEnd::Told).await;
    end(&rig, 1, 1, later(10)).await;
    assert_eq!(leased(&rig, after(1)).await, [5], "ann's wait for her first");
    assert_eq!(rig.store.next_event(Receiver::Events).await.unwrap(), Some(after(10)));
    end(&rig, 5, 1, EventEnd::Told).await;
    assert_eq!(leased(&rig, after(10)).await, [1]);
    end(&rig, 1, 2, EventEnd::Told).await;
    assert_eq!(leased(&rig, after(10)).await, [2]);
    assert_eq!(rig.store.waiting_events().await.unwrap(), 2);
    end(&rig, 2, 1, EventEnd::Expired { reply: "status 500".into() }).await;
    assert_eq!(leased(&rig, after(10)).await, [4]);
}

#[tokio::test]
async fn receivers_do_not_wait_for_each_other() {
    let rig = Rig::new();
    let sessions = NewEvent { kind: EventKind::SessionsEnd, ..event(1, "ann") };
    rig.store.queue_events(vec![sessions, event(2, "ann")]).await.unwrap();
    assert_eq!(leased(&rig, BEGIN).await, [2]);
    let until = BEGIN.plus(LEASE);
    let directory = rig.store.lease_events(Receiver::Directory, BEGIN, until, 9).await.unwrap();
    assert_eq!(directory.len(), 1);
    assert_eq!((directory[0].id, directory[0].attempts), ([1; 16], 1));
    assert_eq!(rig.store.next_event(Receiver::Directory).await.unwrap(), Some(until));
}

/// Whoever had it in hand may have died, or may only have been slow: then its word of a failure comes too late.
#[tokio::test]
async fn a_lease_that_ends_is_given_again_and_a_late_word_moves_nothing() {
    let rig = Rig::new();
    rig.store.queue_events(vec![event(1, "ann"), event(1, "ann")]).await.unwrap();
    assert_eq!(rig.store.waiting_events().await.unwrap(), 1, "one id is one event");
    assert_eq!(leased(&rig, BEGIN).await, [1]);
    assert_eq!(leased(&rig, after(59)).await, [] as [u8; 0]);
    assert_eq!(leased(&rig, after(60)).await, [1]);
    end(&rig, 1, 1, later(1)).await;
    assert_eq!(leased(&rig, after(61)).await, [] as [u8; 0], "the second worker has it");
    end(&rig, 1, 1, EventEnd::Told).await;
    end(&rig, 1, 2, later(1)).await;
    assert_eq!(leased(&rig, after(500)).await, [] as [u8; 0], "it was told");
}

#[tokio::test]
async fn people_look_retry_and_drop() {
    let rig = Rig::new();
    rig.store.queue_events(vec![event(1, "ann"), event(2, "bob"), event(3, "bob")]).await.unwrap();
    assert_eq!(leased(&rig, BEGIN).await, [1, 2]);
    end(&rig, 1, 1, EventEnd::Told).await;
    end(&rig, 2, 1, later(3600)).await;
    let row = rig.store.show_event([2; 16]).await.unwrap().unwrap();
    assert_eq!((row.kind.as_str(), row.target.as_str()), ("password.reset", "events"));
    assert_eq!((row.state, row.next, row.attempts), (EventState::Waiting, after(3600), 1));
    assert_eq!(row.reply.as_deref(), Some("status 500"));
    let listed = rig.store.list_events(None, None, 2).await.unwrap();
    let ids: Vec<u8> = listed.iter().map(|row| row.id[0]).collect();
    assert_eq!(ids, [3, 2]);
    let rest = rig.store.list_events(None, Some(listed[1].place), 2).await.unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(rig.store.list_events(Some(EventState::Waiting), None, 9).await.unwrap().len(), 2);
    assert!(!rig.store.retry_event([1; 16], BEGIN).await.unwrap(), "it was told");
    assert!(rig.store.retry_event([2; 16], BEGIN).await.unwrap());
    assert_eq!(leased(&rig, BEGIN).await, [2]);
    end(&rig, 2, 1, later(3600)).await;
    assert_eq!(rig.store.retry_events(BEGIN).await.unwrap(), 1);
    assert!(rig.store.drop_event([2; 16], BEGIN).await.unwrap());
    assert!(!rig.store.drop_event([2; 16], BEGIN).await.unwrap());
    assert_eq!(leased(&rig, BEGIN).await, [3], "those behind it go on");
    let counts = rig.store.count_events().await.unwrap();
    let one = |state| (state, 1);
    assert_eq!(counts, [one(EventState::Dropped), one(EventState::Told), one(EventState::Waiting)]);
    rig.purge(after(1)).await;
    assert_eq!(rig.count("event").await, 3, "nothing is old enough");
}

#[tokio::test]
async fn events_are_queued_with_what_caused_them_or_not_at_all() {
    let rig = Rig::new();
    assert_eq!(rig.store.take_ask(rig.ask(1, BEGIN)).await.unwrap(), Asked::Taken);
    let birth = || Birth { event: Some(event(1, "ann")), ..rig.birth(1) };
    let mailbox = || vec![Mailbox { mail: [1; 16], births: vec![birth()] }];
    assert_eq!(rig.store.resolve_ask([9; 16], BEGIN, mailbox()).await.unwrap(), Resolved::Gone);
    assert_eq!(rig.count("event").await, 0);
    assert_eq!(rig.store.resolve_ask([1; 16], BEGIN, mailbox()).await.unwrap(), Resolved::Queued);
    assert_eq!(rig.count("event").await, 1);
}

/// The day's last wrong code writes the same for an address that nobody has; who has one, a worker looks up.
#[tokio::test]
async fn a_used_up_day_is_noted_once_for_everybody_alike() {
    let rig = Rig::new();
    rig.challenge().await;
    // Nobody's address, which was asked for all the same.
    let nobody = NewAsk {
        address: Address::parse(Channel::Email, "nobody@example.org", None).unwrap(),
        address_key: crate::secret::AddressKey([7; 16]),
        scope: [7; 16],
        ..rig.ask(7, BEGIN)
    };
    assert_eq!(rig.store.take_ask(nobody).await.unwrap(), Asked::Taken);
    let guess = |scope: u8| Guess {
        scopes: vec![[scope; 16]],
        address: Some(crate::secret::AddressKey([scope; 16])),
        daily: 3,
        tells_used_up: true,
        ..rig.guess()
    };
    for (n, scope) in [(0_u8, 1), (1, 7)] {
        for guessed in 1..=5 {
            rig.open(100 + n * 10 + guessed, Some(guess(scope))).await;
            let noted = i64::from(n) + i64::from(guessed >= 3);
            assert_eq!(rig.count("event WHERE state = 'noted'").await, noted, "{scope} {guessed}");
        }
    }
    assert!(leased(&rig, BEGIN).await.is_empty(), "what is noted is told to nobody");
    let found = rig.store.used_up(9).await.unwrap();
    let accounts: Vec<Vec<&str>> = found
        .iter()
        .map(|one| one.accounts.iter().map(|(account, _)| account.as_str()).collect())
        .collect();
    assert_eq!(accounts, [vec!["ann"], vec![]]);
    for one in &found {
        for _ in 0..2 {
            let told = one.accounts.iter().map(|(account, _)| event(5, account)).collect();
            rig.store.tell_used_up(one.id, told).await.unwrap();
        }
    }
    assert_eq!(rig.count("event").await, 1);
    assert_eq!(leased(&rig, BEGIN).await, [5]);
    // Where nobody wants to hear of it, nothing is written.
    let silent = Rig::new();
    silent.challenge().await;
    for guessed in 1..=5 {
        silent.open(100 + guessed, Some(Guess { daily: 3, ..silent.guess() })).await;
    }
    assert_eq!(silent.count("event").await, 0);
}
