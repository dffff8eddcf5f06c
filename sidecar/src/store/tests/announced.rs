//! Passwords that are written in another system: who may end what was announced, and how.

use std::time::Duration;

use contract::outcome::Refusal;

use super::rig::*;
use crate::clock::Millis;
use crate::secret::ChallengeId;
use crate::store::sql::history::note;
use crate::store::*;

const RESET: Kept = Kept::Reset { login: None };
const DIGEST: [u8; 32] = [8; 32];

fn announce(byte: u8, challenge: ChallengeId) -> Announce {
    Announce {
        message: [byte; 16],
        run: [byte; 16],
        challenge,
        account: "ann".into(),
        revision: b"before".to_vec(),
        digest: DIGEST,
        words: "{}".into(),
        former: Former { hash: Some("former".into()), keep: 2 },
        at: BEGIN,
        until: after(30),
    }
}

/// A challenge that the message 5 holds and announced.
async fn announced(rig: &Rig) -> ChallengeId {
    let id = rig.challenge().await;
    assert!(matches!(rig.open(5, None).await, Opened::Fresh(_)));
    assert!(rig.hold(5, Target::Link(id), BEGIN).await.is_some());
    assert_eq!(rig.store.announce(announce(5, id)).await.unwrap(), Announced::Done);
    assert_eq!(rig.store.announced().await.unwrap(), 1);
    id
}

async fn hold(rig: &Rig, byte: u8, id: ChallengeId, at: Millis) -> Held {
    let hold = Hold {
        message: [byte; 16],
        run: [77; 16],
        target: Target::Link(id),
        issuer: issuer(),
        master: name("m"),
        at,
        until: at.plus(Duration::from_secs(30)),
        retake: Millis(i64::MAX),
    };
    rig.store.hold(hold).await.unwrap()
}

/// The one who leases at a moment.
fn run(at: Millis) -> [u8; 16] {
    let mut run = [9; 16];
    run.iter_mut().zip(at.0.to_be_bytes()).for_each(|(to, from)| *to = from);
    run
}

async fn lease(rig: &Rig, at: Millis) -> Vec<Unsettled> {
    rig.store.lease_announced(run(at), at, at.plus(Duration::from_secs(60)), 9).await.unwrap()
}

#[tokio::test]
async fn what_is_announced_is_nobody_elses_to_take_or_to_free() {
    let rig = Rig::new();
    let id = announced(&rig).await;
    for at in [after(1), after(500)] {
        assert!(matches!(hold(&rig, 5, id, at).await, Held::InHand), "its own repeat waits");
        assert!(matches!(hold(&rig, 6, id, at).await, Held::Announced));
    }
    rig.store.release([5; 16], Release::Busy { run: [5; 16] }).await.unwrap();
    assert_eq!(rig.store.announced().await.unwrap(), 1);
    assert!(matches!(hold(&rig, 6, id, after(2)).await, Held::Announced));
    let another = Release::Unwritten { run: [6; 16] };
    rig.store.release([5; 16], another).await.unwrap();
    assert_eq!(rig.store.announced().await.unwrap(), 1, "another run has not announced it");
    rig.store.release([5; 16], Release::Unwritten { run: [5; 16] }).await.unwrap();
    assert_eq!(rig.store.announced().await.unwrap(), 0);
    assert!(matches!(hold(&rig, 6, id, after(2)).await, Held::Refused), "it is held still");
    rig.store.release([5; 16], Release::Busy { run: [5; 16] }).await.unwrap();
    assert!(matches!(hold(&rig, 6, id, after(2)).await, Held::Ours(_)), "it lives again");
}

#[tokio::test]
async fn only_who_holds_a_challenge_announces_and_one_of_an_account() {
    let rig = Rig::new();
    let first = rig.challenge().await;
    let second = rig.queued(2, 8, after(400)).await;
    rig.store.lease_mails(after(400), after(520), 9).await.unwrap();
    let announce = |byte, id| rig.store.announce(announce(byte, id));
    assert_eq!(announce(5, first).await, Ok(Announced::Busy), "nobody holds it");
    assert!(rig.hold(5, Target::Link(first), after(401)).await.is_some());
    assert!(rig.hold(6, Target::Link(second), after(401)).await.is_some());
    assert_eq!(announce(6, first).await, Ok(Announced::Busy), "another holds it");
    assert_eq!(announce(5, first).await, Ok(Announced::Done));
    assert_eq!(announce(5, first).await, Ok(Announced::Busy), "once");
    assert_eq!(announce(6, second).await, Ok(Announced::Busy), "of one account");
    assert!(matches!(rig.open(5, None).await, Opened::Fresh(_)));
    assert_eq!(rig.end(5, first, Ending::Written).await, Finished::Done);
    assert_eq!(announce(6, second).await, Ok(Announced::Busy), "it was revoked with the reset");
}

#[tokio::test]
async fn a_write_that_was_done_is_finished_whoever_holds_the_challenge() {
    let rig = Rig::new();
    let id = announced(&rig).await;
    let left = lease(&rig, after(31)).await;
    assert!(rig.store.take_back(id, left[0].lease).await.unwrap());
    assert!(matches!(hold(&rig, 6, id, after(32)).await, Held::Ours(_)));
    assert_eq!(rig.end(5, id, Ending::Written).await, Finished::Done);
    assert_eq!(rig.end(5, id, Ending::Written).await, Finished::Repeat(RESET));
    assert_eq!(rig.end(6, id, Ending::Written).await, Finished::Gone);
    assert_eq!(rig.count("audit WHERE outcome = 'reset'").await, 1);
    assert!(matches!(hold(&rig, 7, id, after(33)).await, Held::Refused));
}

#[tokio::test]
async fn a_write_that_was_done_is_finished_though_its_message_was_refused_meanwhile() {
    let rig = Rig::new();
    let id = announced(&rig).await;
    let refused = Kept::Refused(Refusal::ProofInvalid);
    rig.store.conclude([5; 16], refused.clone()).await.unwrap();
    assert_eq!(rig.end(5, id, Ending::Written).await, Finished::Repeat(refused));
    assert_eq!(rig.count("audit WHERE outcome = 'reset'").await, 1);
    assert_eq!(rig.count("challenge WHERE state = 'spent'").await, 1);
    assert_eq!(rig.store.announced().await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_left_is_leased_when_its_time_is_over() {
    let rig = Rig::new();
    let id = announced(&rig).await;
    assert!(lease(&rig, after(29)).await.is_empty());
    let left = lease(&rig, after(30)).await;
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].challenge.id, left[0].message), (id, [5; 16]));
    assert_eq!((left[0].revision.as_slice(), left[0].digest), (&b"before"[..], DIGEST));
    assert_eq!((left[0].words.as_str(), left[0].lease), ("{}", run(after(30))));
    assert!(lease(&rig, after(89)).await.is_empty(), "somebody is at it");
    rig.store.put_off_announced(id, run(after(29)), after(40)).await.unwrap();
    assert!(lease(&rig, after(40)).await.is_empty(), "it is another's to put off");
    rig.store.put_off_announced(id, run(after(30)), after(40)).await.unwrap();
    assert_eq!(lease(&rig, after(40)).await.len(), 1);
    assert!(!rig.store.take_back(id, run(after(30))).await.unwrap(), "the lease is another's");
    let unknown = Ending::Unknown { lease: run(after(30)) };
    assert_eq!(rig.end(5, id, unknown).await, Finished::Lost);
    assert_eq!(rig.store.announced().await.unwrap(), 1);
}

#[tokio::test]
async fn what_nobody_knows_spends_the_proof_and_is_audited() {
    let rig = Rig::new();
    let id = announced(&rig).await;
    let lease = lease(&rig, after(30)).await[0].lease;
    assert_eq!(rig.end(5, id, Ending::Unknown { lease }).await, Finished::Done);
    assert_eq!(rig.count("audit WHERE outcome = 'unknown'").await, 1);
    assert_eq!(rig.count("audit WHERE outcome = 'reset'").await, 0);
    assert!(matches!(hold(&rig, 6, id, after(31)).await, Held::Refused));
    assert_eq!(rig.end(5, id, Ending::Written).await, Finished::Repeat(RESET));
}

/// What a program that died had sent may be done later than it died.
#[tokio::test]
async fn a_start_leaves_what_was_announced_to_its_time() {
    let rig = Rig::new();
    announced(&rig).await;
    assert_eq!(rig.store.free_held().await.unwrap(), 0);
    assert!(lease(&rig, after(29)).await.is_empty());
    assert_eq!(lease(&rig, after(30)).await.len(), 1);
}

#[tokio::test]
async fn what_is_announced_is_purged_by_nobody() {
    let rig = Rig::new();
    let id = announced(&rig).await;
    let purge = || {
        let late = after(1_000_000);
        let horizon = Horizon {
            now: late,
            messages: late,
            asks: late,
            mails: late,
            dead_mails: late,
            proofs: late,
            audit: late,
        };
        rig.store.purge(horizon)
    };
    purge().await.unwrap();
    let lease = lease(&rig, after(30)).await[0].lease;
    assert_eq!(rig.end(5, id, Ending::Unknown { lease }).await, Finished::Done);
    purge().await.unwrap();
    assert_eq!(rig.count("challenge").await, 0);
}

#[tokio::test]
async fn a_store_that_was_put_back_forgets_no_announcement() {
    let rig = Rig::new();
    let id = announced(&rig).await;
    let beat = Beat { instance: [1; 16], at: BEGIN, holds: Vec::new(), mark: 100 };
    assert_eq!(rig.store.beat(beat).await.unwrap().restored, Some(1));
    let lease = lease(&rig, after(30)).await[0].lease;
    assert_eq!(rig.end(5, id, Ending::Written).await, Finished::Done);
    assert_eq!(rig.count("audit WHERE outcome = 'reset'").await, 1);
    assert!(!rig.store.take_back(id, lease).await.unwrap());
}

/// The present hash is kept once however often that is tried, and pushes no older one out before it is one.
#[tokio::test]
async fn an_announcement_keeps_the_hash_that_is_there() {
    let rig = Rig::new();
    let id = rig.challenge().await;
    for hash in ["first", "second"] {
        let former = Former { hash: Some(hash.into()), keep: 2 };
        rig.store.write(move |tx| note(tx, "ann", &former, BEGIN)).await.unwrap();
    }
    let history = || rig.store.history("ann".into(), 9);
    for _ in 0..3 {
        assert!(rig.hold(5, Target::Link(id), after(1)).await.is_some());
        assert_eq!(rig.store.announce(announce(5, id)).await, Ok(Announced::Done));
        rig.store.release([5; 16], Release::Unwritten { run: [5; 16] }).await.unwrap();
        rig.store.release([5; 16], Release::Busy { run: [5; 16] }).await.unwrap();
        assert_eq!(history().await.unwrap(), ["former", "second", "first"]);
    }
    assert_eq!(rig.end(5, id, Ending::Written).await, Finished::Done);
    assert_eq!(history().await.unwrap(), ["former", "second"]);
}
