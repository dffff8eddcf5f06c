//! Several accounts of one address: one mail for each mailbox, and nothing of one account is another's.

use super::rig::*;
use crate::secret::{AddressKey, ChallengeId};
use crate::store::*;

const ANN: AddressKey = AddressKey([1; 16]);

/// Mailboxes of these accounts; the ids of their challenges count up from the mail's.
fn mailboxes(rig: &Rig, of: &[(u8, &[&str])]) -> Vec<Mailbox> {
    let birth = |(id, account): (u8, &&str)| Birth { account: (*account).into(), ..rig.birth(id) };
    of.iter()
        .map(|(mail, accounts)| Mailbox {
            mail: [*mail; 16],
            births: (*mail..).zip(*accounts).map(birth).collect(),
        })
        .collect()
}

async fn asked(rig: &Rig, byte: u8, at: crate::clock::Millis, of: &[(u8, &[&str])]) -> Resolved {
    assert_eq!(rig.store.take_ask(rig.ask(byte, at)).await.unwrap(), Asked::Taken);
    rig.store.resolve_ask([byte; 16], at, mailboxes(rig, of)).await.unwrap()
}

/// What is leased: mail, and whose challenges; in the order of the mails.
async fn leased(rig: &Rig, at: crate::clock::Millis) -> Vec<(u8, Vec<String>, bool)> {
    let mut mails = rig.store.lease_mails(at, at.plus(LEASE), 99).await.unwrap();
    mails.sort_by_key(|mail| mail.id);
    let told = |mail: &Leased| mail.challenges.iter().map(|one| one.account.clone()).collect();
    mails.iter().map(|mail| (mail.id[0], told(mail), mail.shared)).collect()
}

async fn sent(rig: &Rig, mail: u8, at: crate::clock::Millis) {
    rig.store.end_mail([mail; 16], at, MailEnd::Sent).await.unwrap();
}

const LEASE: std::time::Duration = std::time::Duration::from_secs(120);

#[tokio::test]
async fn each_mailbox_gets_one_mail_that_tells_of_its_own() {
    let rig = Rig::new();
    let of: &[(u8, &[&str])] = &[(10, &["ann1", "ann2"]), (20, &["ann3"])];
    assert_eq!(asked(&rig, 1, BEGIN, of).await, Resolved::Queued);
    let mails = leased(&rig, BEGIN).await;
    let expected = [(10, vec!["ann1".into(), "ann2".into()], true), (20, vec!["ann3".into()], false)];
    assert_eq!(mails, expected);
    let row = rig.store.show_mail([10; 16]).await.unwrap().unwrap();
    assert_eq!((row.account.as_str(), row.accounts), ("ann1", 2));
    assert_eq!(rig.store.show_mail([20; 16]).await.unwrap().unwrap().accounts, 1);
    let dead = MailEnd::Dead { reply: "550".into() };
    rig.store.end_mail([20; 16], BEGIN, dead).await.unwrap();
    sent(&rig, 10, BEGIN).await;
    let told = rig.store.stories(ANN).await.unwrap();
    let ends: Vec<_> = told.iter().map(|one| (one.state.as_str(), one.mails, one.attempts)).collect();
    assert_eq!(ends, [("sent", 2, 1)], "one ask is told of once, and one mail arrived");
}

#[tokio::test]
async fn all_of_a_mail_live_from_it_and_a_reset_ends_one_accounts_proofs() {
    let rig = Rig::new();
    asked(&rig, 1, BEGIN, &[(10, &["ann1", "ann2"])]).await;
    let (first, second) = (ChallengeId([10; 16]), ChallengeId([11; 16]));
    for id in [first, second] {
        assert!(rig.hold(5, Target::Link(id), BEGIN).await.is_none(), "nothing was sent yet");
    }
    leased(&rig, BEGIN).await;
    sent(&rig, 10, after(100)).await;
    for id in [first, second] {
        assert!(rig.hold(5, Target::LinkAndCode(id), after(699)).await.is_some());
        rig.store.release([5; 16], Release::Busy { run: [5; 16] }).await.unwrap();
        assert!(rig.hold(5, Target::LinkAndCode(id), after(700)).await.is_none());
    }
    assert!(rig.hold(6, Target::Link(first), after(200)).await.is_some());
    assert!(matches!(rig.open(6, None).await, Opened::Fresh(_)));
    assert_eq!(rig.finish(6, first).await, Finished::Done);
    let held = rig.hold(7, Target::Link(second), after(201)).await.unwrap();
    assert_eq!(held.account, "ann2");
}

#[tokio::test]
async fn who_was_told_a_moment_ago_is_left_out_and_no_mail_tells_of_nobody() {
    let rig = Rig::new();
    asked(&rig, 1, BEGIN, &[(10, &["ann1", "ann2"])]).await;
    let merged = Resolved::Suppressed(Suppression::Merged);
    assert_eq!(asked(&rig, 2, after(70), &[(20, &["ann1", "ann2"])]).await, merged, "it waits");
    leased(&rig, after(70)).await;
    sent(&rig, 10, after(70)).await;
    let cool = Resolved::Suppressed(Suppression::CoolDown);
    assert_eq!(asked(&rig, 3, after(40), &[(30, &["ann1", "ann2"])]).await, cool);
    let of: &[(u8, &[&str])] = &[(40, &["ann1", "ann2", "ann3"])];
    assert_eq!(asked(&rig, 4, after(50), of).await, Resolved::Queued);
    assert_eq!(leased(&rig, after(71)).await, [(40, vec!["ann3".into()], true)]);
    sent(&rig, 40, after(71)).await;
    // The same secrets again, in one mail.
    let of: &[(u8, &[&str])] = &[(50, &["ann1", "ann2", "ann3"])];
    assert_eq!(asked(&rig, 5, after(140), of).await, Resolved::Queued);
    assert_eq!(rig.count("challenge").await, 3);
    assert_eq!(rig.count("challenge WHERE sends = 2").await, 3);
    let all = vec!["ann1".into(), "ann2".into(), "ann3".into()];
    assert_eq!(leased(&rig, after(140)).await, [(50, all, true)]);
}

/// The others' mails count for each account that they tell of, or a crowd of doors could write to one account by another.
#[tokio::test]
async fn a_crowd_is_counted_for_each_account() {
    let rig = Rig::new();
    for n in 0..9_u8 {
        let at = after(u64::from(n) * 70);
        // Each time another fingerprint: nothing is sent again.
        let mut of = mailboxes(&rig, &[(10 + n * 10, &["ann1", "ann2"])]);
        for birth in of.iter_mut().flat_map(|mailbox| &mut mailbox.births) {
            birth.fingerprint = [n; 32];
        }
        assert_eq!(rig.store.take_ask(rig.ask(n + 1, at)).await.unwrap(), Asked::Taken);
        let resolved = rig.store.resolve_ask([n + 1; 16], at, of).await.unwrap();
        assert_eq!(resolved, Resolved::Queued, "{n}");
        leased(&rig, at).await;
        sent(&rig, 10 + n * 10, at).await;
    }
    let crowded = Resolved::Suppressed(Suppression::CoolDown);
    assert_eq!(asked(&rig, 101, after(630), &[(101, &["ann2"])]).await, crowded);
    assert_eq!(asked(&rig, 111, after(630), &[(111, &["ann1"])]).await, crowded);
    assert_eq!(asked(&rig, 121, after(630), &[(121, &["ann9"])]).await, Resolved::Queued);
}

#[tokio::test]
async fn who_is_forgotten_leaves_the_mail_to_the_others() {
    let rig = Rig::new();
    asked(&rig, 1, BEGIN, &[(10, &["ann", "bob"]), (20, &["ann0"])]).await;
    let whom = Forgotten {
        account: "ann".into(),
        audited: "ann".into(),
        addresses: Vec::new(),
        scopes: Vec::new(),
    };
    rig.store.forget(whom).await.unwrap();
    let row = rig.store.show_mail([10; 16]).await.unwrap().unwrap();
    assert_eq!((row.account.as_str(), row.accounts), ("bob", 1));
    let expected = [(10, vec!["bob".into()], true), (20, vec!["ann0".into()], false)];
    assert_eq!(leased(&rig, BEGIN).await, expected);
}

#[tokio::test]
async fn the_parts_of_a_mail_are_forgotten_with_it() {
    let rig = Rig::new();
    asked(&rig, 1, BEGIN, &[(10, &["ann1", "ann2"]), (20, &["ann3", "ann4"])]).await;
    leased(&rig, BEGIN).await;
    sent(&rig, 10, BEGIN.minus(std::time::Duration::from_secs(1))).await;
    rig.purge(BEGIN).await;
    assert_eq!((rig.count("mail").await, rig.count("mail_part").await), (1, 2));
    let dead = MailEnd::Dead { reply: "late".into() };
    rig.store.end_mail([20; 16], BEGIN.minus(std::time::Duration::from_secs(1)), dead).await.unwrap();
    rig.purge(BEGIN).await;
    assert_eq!((rig.count("mail").await, rig.count("mail_part").await), (0, 0));
}
