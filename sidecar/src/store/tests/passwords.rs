//! Passwords that cannot be taken, and those that were there before.

use contract::outcome::Refusal;

use super::rig::*;
use crate::secret::ChallengeId;
use crate::store::sql::history::note;
use crate::store::*;

/// Holds the challenge and gives it back, as a confirm with a password that cannot be taken; whether it could be held.
async fn unfit(rig: &Rig, byte: u8, id: ChallengeId, why: Unfit, most: u32) -> bool {
    let held = rig.hold(byte, Target::Link(id), after(1)).await.is_some();
    let kept = Kept::Refused(Refusal::Undecryptable);
    let release = Release::Unfit { why, kept, at: after(1), most };
    rig.store.release([byte; 16], release).await.unwrap();
    held
}

#[tokio::test]
async fn the_third_undecryptable_password_ends_a_proof_and_nothing_else_counts_to_it() {
    let rig = Rig::new();
    let id = rig.challenge().await;
    for byte in 20..24 {
        assert!(unfit(&rig, byte, id, Unfit::Policy, 10).await);
    }
    for byte in 30..33 {
        assert!(unfit(&rig, byte, id, Unfit::Undecryptable, 3).await, "{byte}");
    }
    assert!(rig.hold(40, Target::Link(id), after(1)).await.is_none());
}

#[tokio::test]
async fn the_tenth_broken_policy_ends_a_proof() {
    let rig = Rig::new();
    let id = rig.challenge().await;
    for byte in 20..30 {
        assert!(unfit(&rig, byte, id, Unfit::Policy, 10).await, "{byte}");
    }
    assert!(rig.hold(40, Target::Link(id), after(1)).await.is_none());
}

#[tokio::test]
async fn as_many_former_hashes_are_kept_as_are_asked_for() {
    let rig = Rig::new();
    assert!(rig.store.history("ann".into(), 9).await.unwrap().is_empty());
    for (hash, keep, expected) in [
        (Some("first"), 2, vec!["first"]),
        (Some("second"), 2, vec!["second", "first"]),
        (Some("third"), 2, vec!["third", "second"]),
        (None, 2, vec!["third", "second"]),
        (Some("fourth"), 1, vec!["fourth"]),
        (Some("fifth"), 0, vec![]),
    ] {
        let former = Former { hash: hash.map(str::to_owned), keep };
        rig.store.write(move |tx| note(tx, "ann", &former, BEGIN)).await.unwrap();
        assert_eq!(rig.store.history("ann".into(), 9).await.unwrap(), expected, "{hash:?}");
        let latest = rig.store.history("ann".into(), 1).await.unwrap();
        assert_eq!(latest.as_slice(), expected.get(..1).unwrap_or_default());
        assert!(rig.store.history("bob".into(), 9).await.unwrap().is_empty());
    }
}
