//! The outbox as people see and change it, and the addresses that bounced: the same on every engine.

use std::time::Duration;

use contract::address::Channel;

use super::rig::*;
use crate::clock::Millis;
use crate::secret::AddressKey;
use crate::store::*;

const BOUNCED: AddressKey = AddressKey([1; 16]);
const DAY: u64 = 24 * 3600;

async fn lease(rig: &Rig, at: Millis) -> usize {
    rig.store.lease_mails(at, at.plus(Duration::from_secs(120)), 9).await.unwrap().len()
}

async fn end(rig: &Rig, id: u8, at: Millis, end: MailEnd) {
    rig.store.end_mail([id; 16], at, end).await.unwrap();
}

fn dead() -> MailEnd {
    MailEnd::Dead { reply: "late".into() }
}

fn bounced() -> MailEnd {
    MailEnd::Bounced { reply: "the relay refused the recipient with 550".into(), address: BOUNCED }
}

/// State and reason of the latest ask.
async fn told(rig: &Rig) -> (String, Option<String>) {
    let story = rig.store.stories(BOUNCED).await.unwrap().into_iter().next().unwrap();
    (story.state, story.reason)
}

/// Decides another ask at a time; what becomes of it.
async fn asked_again(rig: &Rig, byte: u8, at: Millis) -> Resolved {
    assert_eq!(rig.store.take_ask(rig.ask(byte, at)).await.unwrap(), Asked::Taken);
    rig.store.resolve_ask([byte; 16], at, vec![rig.mailbox(byte)]).await.unwrap()
}

#[tokio::test]
async fn the_outbox_is_listed_page_by_page_the_latest_first() {
    let rig = Rig::new();
    for n in 1..=3 {
        rig.queued(n, 10 + n, after(u64::from(n) * 600)).await;
        assert_eq!(lease(&rig, after(u64::from(n) * 600)).await, 1);
        match n {
            1 => end(&rig, 11, after(600), MailEnd::Sent).await,
            2 => end(&rig, 12, after(1200), dead()).await,
            _ => {}
        }
    }
    let ids = |rows: Vec<MailRow>| rows.iter().map(|row| row.id[0]).collect::<Vec<_>>();
    let list = |state, after, most| rig.store.list_mails(state, after, most);
    assert_eq!(ids(list(None, None, 9).await.unwrap()), [13, 12, 11]);
    let page = list(None, None, 2).await.unwrap();
    let last = page.last().map(|row| (row.at, row.id));
    assert_eq!(ids(page), [13, 12]);
    assert_eq!(ids(list(None, last, 2).await.unwrap()), [11]);
    for (state, id) in [(MailState::Waiting, 13), (MailState::Dead, 12), (MailState::Sent, 11)] {
        assert_eq!(ids(list(Some(state), None, 9).await.unwrap()), [id]);
    }
    let outbox = rig.store.outbox(after(1800), after(1000)).await.unwrap();
    let expected = Outbox { waiting: 1, sent: 1, dead: 1, due: 0, ended_since: 1, suppressed: 0 };
    assert_eq!(outbox, expected);
    let backlog = rig.store.backlog(after(1800), 9).await.unwrap();
    assert_eq!(backlog, Backlog { asks: 0, due: 0, mails: 1 });
    let row = rig.store.show_mail([12; 16]).await.unwrap().unwrap();
    assert_eq!((row.to.as_str(), row.attempts, row.ended), ("a***@e***.org", 1, Some(after(1200))));
    assert_eq!(row.reply.as_deref(), Some("late"));
    assert_eq!(rig.store.show_mail([99; 16]).await.unwrap(), None);
}

#[tokio::test]
async fn a_dead_mail_waits_again_and_its_ask_with_it() {
    let rig = Rig::new();
    rig.queued(1, 8, BEGIN).await;
    assert!(!rig.store.retry_mail([8; 16], BEGIN).await.unwrap(), "it waits already");
    assert_eq!(lease(&rig, BEGIN).await, 1);
    end(&rig, 8, after(1), dead()).await;
    assert_eq!(told(&rig).await, ("dead".into(), Some("late".into())));
    assert!(rig.store.retry_mail([8; 16], after(2)).await.unwrap());
    assert_eq!(told(&rig).await, ("queued".into(), None));
    assert_eq!(lease(&rig, after(2)).await, 1);
    end(&rig, 8, after(3), MailEnd::Sent).await;
    assert_eq!(told(&rig).await, ("sent".into(), None));
    assert!(!rig.store.retry_mail([8; 16], after(4)).await.unwrap(), "it was sent");
}

#[tokio::test]
async fn all_dead_mails_wait_again_but_each_once() {
    let rig = Rig::new();
    for n in 1..=3 {
        rig.queued(n, 10 + n, after(u64::from(n) * 600)).await;
        assert_eq!(lease(&rig, after(u64::from(n) * 600)).await, 1);
        end(&rig, 10 + n, after(u64::from(n) * 600), dead()).await;
    }
    assert_eq!(rig.store.retry_dead(after(2000), 2).await.unwrap(), 2);
    // One dies again while the others are still to come.
    end(&rig, 11, after(2001), dead()).await;
    assert_eq!(rig.store.retry_dead(after(2000), 2).await.unwrap(), 1);
    assert_eq!(rig.store.retry_dead(after(2000), 2).await.unwrap(), 0);
}

#[tokio::test]
async fn a_dropped_mail_is_dead() {
    let rig = Rig::new();
    rig.queued(1, 8, BEGIN).await;
    assert!(rig.store.drop_mail([8; 16], after(1)).await.unwrap());
    assert_eq!(told(&rig).await, ("dead".into(), Some("dropped".into())));
    assert_eq!(lease(&rig, after(1)).await, 0);
    assert!(!rig.store.drop_mail([8; 16], after(2)).await.unwrap());
}

#[tokio::test]
async fn an_address_that_bounced_gets_nothing_for_a_week() {
    let rig = Rig::new();
    rig.queued(1, 8, BEGIN).await;
    assert_eq!(lease(&rig, BEGIN).await, 1);
    end(&rig, 8, BEGIN, bounced()).await;
    assert_eq!(told(&rig).await, ("dead".into(), Some("bounced".into())));
    assert_eq!(rig.store.outbox(BEGIN, BEGIN).await.unwrap().suppressed, 1);
    let bounced = Resolved::Suppressed(Suppression::Bounced);
    assert_eq!(asked_again(&rig, 2, after(3600)).await, bounced);
    assert_eq!(asked_again(&rig, 3, after(7 * DAY - 1)).await, bounced);
    assert_eq!(asked_again(&rig, 4, after(7 * DAY)).await, Resolved::Queued);
}

#[tokio::test]
async fn an_operator_takes_an_address_from_the_list() {
    let rig = Rig::new();
    rig.queued(1, 8, BEGIN).await;
    assert_eq!(lease(&rig, BEGIN).await, 1);
    end(&rig, 8, BEGIN, bounced()).await;
    let unsuppress = |channel| rig.store.unsuppress(BOUNCED, channel);
    assert!(!unsuppress(Channel::Sms).await.unwrap(), "channels are apart");
    assert!(unsuppress(Channel::Email).await.unwrap());
    assert!(!unsuppress(Channel::Email).await.unwrap());
    assert_eq!(asked_again(&rig, 2, after(3600)).await, Resolved::Queued);
    assert_eq!(lease(&rig, after(3600)).await, 1);
    end(&rig, 2, after(3600), self::bounced()).await;
    assert_eq!(rig.store.unsuppress_all().await.unwrap(), 1);
}

#[tokio::test]
async fn a_late_bounce_of_a_mail_that_ended_suppresses_nobody() {
    let rig = Rig::new();
    rig.queued(1, 8, BEGIN).await;
    assert_eq!(lease(&rig, BEGIN).await, 1);
    end(&rig, 8, BEGIN, MailEnd::Sent).await;
    end(&rig, 8, after(1), bounced()).await;
    assert_eq!(told(&rig).await, ("sent".into(), None));
    assert_eq!(rig.store.outbox(BEGIN, BEGIN).await.unwrap().suppressed, 0);
}

#[tokio::test]
async fn what_a_dead_process_had_in_hand_is_due_at_once_where_nobody_else_can_have_it() {
    let rig = Rig::new();
    rig.queued(1, 8, BEGIN).await;
    assert_eq!(lease(&rig, BEGIN).await, 1);
    assert_eq!(lease(&rig, after(1)).await, 0);
    let alone = !rig.store.is_shared();
    assert_eq!(rig.store.free_leased(after(1)).await.unwrap(), u64::from(alone));
    assert_eq!(lease(&rig, after(if alone { 1 } else { 120 })).await, 1);
    let later = MailEnd::Later { next: after(300), reply: "directory".into() };
    end(&rig, 8, after(121), later).await;
    assert_eq!(rig.store.free_leased(after(122)).await.unwrap(), 0, "it was put off");
    assert_eq!(rig.store.next_mail().await.unwrap(), Some(after(300)));
}
