//! Holds, ends and counts of challenges.

use contract::message::Operation;
use contract::outcome::Refusal;

use super::rig::*;
use crate::secret::{ChallengeId, GrantId};
use crate::store::*;

#[tokio::test]
async fn a_challenge_is_held_by_one_message_until_its_hold_ends() {
    let rig = Rig::new();
    let id = rig.challenge().await;
    assert!(rig.hold(5, Target::Link(id), after(1)).await.is_some());
    assert!(rig.hold(6, Target::Link(id), after(2)).await.is_none());
    assert!(rig.hold(5, Target::Link(id), after(2)).await.is_some(), "its own repeat goes on");
    assert!(rig.hold(6, Target::Link(id), after(32)).await.is_some(), "whoever is gone loses it");
    assert!(matches!(rig.open(5, None).await, Opened::Fresh(_)));
    assert_eq!(rig.finish(5, id).await, Finished::Lost);
    assert!(matches!(rig.open(6, None).await, Opened::Fresh(_)));
    assert_eq!(rig.finish(6, id).await, Finished::Done);
    assert_eq!(rig.finish(6, id).await, Finished::Repeat(Kept::Reset { login: None }));
    assert_eq!(rig.finish(5, id).await, Finished::Gone);
    assert!(rig.hold(7, Target::Link(id), after(33)).await.is_none());
}

#[tokio::test]
async fn a_reset_ends_the_accounts_other_proofs() {
    let rig = Rig::new();
    let first = rig.challenge().await;
    // Past half of the code's life: a second one beside the first.
    let second = rig.queued(2, 8, after(400)).await;
    rig.store.lease_mails(after(400), after(520), 9).await.unwrap();
    assert!(rig.hold(5, Target::Link(second), after(401)).await.is_some());
    rig.store.release([5; 16], Release::Busy { run: [5; 16] }).await.unwrap();
    assert!(rig.hold(6, Target::Link(first), after(402)).await.is_some());
    assert!(matches!(rig.open(6, None).await, Opened::Fresh(_)));
    assert_eq!(rig.finish(6, first).await, Finished::Done);
    assert!(rig.hold(7, Target::Link(second), after(403)).await.is_none());
    assert!(
        !rig.store.lease_mails(after(520), after(640), 9).await.unwrap()[0]
            .challenges[0]
            .open
    );
}

#[tokio::test]
async fn a_life_begins_when_the_relay_took_the_mail() {
    let rig = Rig::new();
    let id = rig.queued(1, 9, BEGIN).await;
    assert!(rig.hold(5, Target::Link(id), BEGIN).await.is_none(), "nothing was sent yet");
    rig.store.lease_mails(BEGIN, after(120), 9).await.unwrap();
    assert!(rig.hold(5, Target::Link(id), after(1)).await.is_some(), "it may have arrived");
    rig.store.release([5; 16], Release::Busy { run: [5; 16] }).await.unwrap();
    rig.store.end_mail([9; 16], after(100), MailEnd::Sent).await.unwrap();
    assert!(rig.hold(5, Target::LinkAndCode(id), after(699)).await.is_some());
    rig.store.release([5; 16], Release::Busy { run: [5; 16] }).await.unwrap();
    assert!(rig.hold(5, Target::LinkAndCode(id), after(700)).await.is_none());
    assert!(rig.hold(5, Target::Link(id), after(1899)).await.is_some());
    rig.store.release([5; 16], Release::Busy { run: [5; 16] }).await.unwrap();
    assert!(rig.hold(5, Target::Link(id), after(1900)).await.is_none());
}

#[tokio::test]
async fn a_hold_needs_the_right_door_key_and_time() {
    let rig = Rig::new();
    let id = rig.challenge().await;
    let good = Hold {
        message: [5; 16],
        run: [9; 16],
        target: Target::LinkAndCode(id),
        issuer: issuer(),
        master: name("m"),
        at: after(599),
        until: after(629),
        retake: after(604),
    };
    let other = |change: fn(&mut Hold)| {
        let mut hold = good.clone();
        change(&mut hold);
        hold
    };
    for bad in [
        other(|hold| hold.issuer.dialect = contract::dialect::DIALECTS[1].name()),
        other(|hold| hold.issuer.site = name("t")),
        other(|hold| hold.issuer.client = Some(name("c"))),
        other(|hold| hold.master = name("n")),
        other(|hold| hold.target = Target::Link(ChallengeId([8; 16]))),
        other(|hold| hold.target = Target::Grant(GrantId([8; 16]))),
        other(|hold| hold.at = after(600)),
        other(|hold| (hold.target, hold.at) = (Target::Link(ChallengeId([9; 16])), after(1800))),
    ] {
        assert!(matches!(rig.store.hold(bad.clone()).await, Ok(Held::Refused)), "{bad:?}");
    }
    assert!(matches!(rig.open(5, None).await, Opened::Fresh(_)));
    assert!(matches!(rig.store.hold(good.clone()).await, Ok(Held::Ours(_))));
    let again = other(|hold| (hold.run, hold.at, hold.until) = ([8; 16], after(599), after(629)));
    assert!(matches!(rig.store.hold(again).await, Ok(Held::InHand)), "one run at a time");
    let late = other(|hold| (hold.run, hold.retake) = ([8; 16], after(629)));
    assert!(matches!(rig.store.hold(late).await, Ok(Held::Ours(_))), "the first run is gone");
}

#[tokio::test]
async fn a_message_that_found_no_end_is_resumed_without_counting_again() {
    let rig = Rig::new();
    let id = rig.challenge().await;
    for _ in 0..9 {
        match rig.open(5, Some(rig.guess())).await {
            Opened::Fresh(found) => {
                assert_eq!(found.iter().map(|one| one.id).collect::<Vec<_>>(), [id])
            }
            other => panic!("{other:?}"),
        }
    }
    let rig = rig.reopen();
    for byte in 10..14 {
        assert!(
            matches!(rig.open(byte, Some(rig.guess())).await, Opened::Fresh(found) if found.len() == 1)
        );
    }
    assert!(
        matches!(rig.open(14, Some(rig.guess())).await, Opened::Fresh(found) if found.is_empty())
    );
    rig.store.conclude([5; 16], Kept::Refused(Refusal::ProofInvalid)).await.unwrap();
    rig.store.conclude([5; 16], Kept::Accepted).await.unwrap();
    let first = Kept::Refused(Refusal::ProofInvalid);
    assert!(matches!(rig.open(5, Some(rig.guess())).await, Opened::Repeat(kept) if kept == first));
    let forged = Attempt {
        message: MessageKey { mac: [0; 32], ..message(5) },
        operation: Operation::Confirm,
        at: BEGIN,
        guess: None,
        budgets: Vec::new(), judge: judge() };
    assert!(matches!(rig.store.open_attempt(forged).await.unwrap(), Opened::Forged));
}

#[tokio::test]
async fn a_right_code_is_given_back_once_however_often_its_message_comes_again() {
    let rig = Rig::new();
    let id = rig.challenge().await;
    for byte in 10..14 {
        assert!(matches!(rig.open(byte, Some(rig.guess())).await, Opened::Fresh(_)));
    }
    for _ in 0..9 {
        assert!(
            matches!(rig.open(5, Some(rig.guess())).await, Opened::Fresh(found) if found.len() == 1)
        );
        assert!(rig.hold(5, Target::Code(id), after(1)).await.is_some());
        rig.store.release([5; 16], Release::Busy { run: [5; 16] }).await.unwrap();
    }
    assert!(
        matches!(rig.open(14, Some(rig.guess())).await, Opened::Fresh(found) if found.len() == 1)
    );
    assert!(
        matches!(rig.open(15, Some(rig.guess())).await, Opened::Fresh(found) if found.is_empty())
    );
}
