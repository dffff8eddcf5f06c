//! Keys that an instance may do without: when the first of them makes, and when a pepper may end.

use std::time::Duration;

use base64ct::{Base64Unpadded, Encoding};

use super::rig::*;
use crate::keys::{Held, KeyState, Kind, Refused, SETTLED, Step, Wish};
use crate::store::sql::history;
use crate::store::sql::tx::{Tx, values};
use crate::store::*;

fn held(kind: Kind, id: &str) -> Held {
    Held { kind, id: name(id), check: "c".into() }
}

/// What the store then knows of a key.
async fn beat(rig: &Rig, instance: u8, seconds: u64, holds: &[Held]) -> Option<KeyState> {
    let (at, holds) = (after(seconds), holds.to_vec());
    let beat = Beat { instance: [instance; 16], at, holds, mark: 0 };
    let beaten = rig.store.beat(beat).await.unwrap();
    beaten.states.of(Kind::Rsa, &name("one")).map(|row| row.state)
}

#[tokio::test]
async fn the_first_key_that_may_be_missing_makes_once_all_that_live_hold_it() {
    let rig = Rig::new();
    let (bare, key) = ([held(Kind::Master, "m")], held(Kind::Rsa, "one"));
    let full = [bare[0].clone(), key.clone()];
    assert_eq!(beat(&rig, 1, 0, &bare).await, None);
    assert_eq!(beat(&rig, 2, 0, &bare).await, None);
    assert_eq!(beat(&rig, 1, 1, &full).await, Some(KeyState::Pending));
    assert_eq!(beat(&rig, 2, 2, &bare).await, Some(KeyState::Pending));
    assert_eq!(beat(&rig, 2, 3, &full).await, Some(KeyState::Active));
    // A second one waits to be activated.
    let more = [full[0].clone(), held(Kind::Rsa, "two"), key];
    assert_eq!(beat(&rig, 1, 4, &more).await, Some(KeyState::Active));
    let facts = rig.store.key_facts(after(4)).await.unwrap();
    let state = |id| facts.states.of(Kind::Rsa, &name(id)).map(|row| row.state);
    assert_eq!(state("two"), Some(KeyState::Pending));
}

fn hash(pepper: &str, more: &str) -> String {
    format!("$argon2id$v=19$m=1,t=1,p=1,keyid={pepper}{more}$c2FsdA$aGFzaA")
}

fn base64(id: &str) -> String {
    Base64Unpadded::encode_string(id.as_bytes())
}

fn account(id: &str, hash: Option<String>) -> AccountRow {
    AccountRow {
        id: id.to_owned(),
        user_name: None,
        display_name: None,
        email: None,
        email_key: None,
        phone: None,
        language: None,
        active: true,
        second_factor: false,
        password_hash: hash,
        counter: 0,
        changed: BEGIN,
    }
}

/// What is said against it.
async fn change(rig: &Rig, id: &str, step: Step, now: bool) -> Result<Option<Refused>, StoreError> {
    let here = ["Old", "gone", "bare"].map(|id| held(Kind::Pepper, id)).to_vec();
    let wish = Wish { kind: Kind::Pepper, id: name(id), step, now, here, peppered: false };
    Ok(rig.store.change_key(BEGIN, wish).await?.err())
}

/// As if all of it had been so long ago.
async fn wait(rig: &Rig, time: Duration) {
    let time = i64::try_from(time.as_millis()).unwrap();
    let aged = rig.store.write(move |tx| {
        tx.run("UPDATE key_state SET since = since - ?1", values![time])
    });
    assert!(aged.await.unwrap() > 0);
}

#[tokio::test]
async fn a_pepper_ends_when_no_hash_names_it() {
    let rig = Rig::new();
    let accounts = [
        account("a", Some(hash(&base64("Old"), ""))),
        account("b", Some(hash(&base64("Old"), ",data=eA"))),
        account("c", Some(hash(&base64("Older"), ""))),
        account("d", Some(hash(&base64("Old").to_lowercase(), ""))),
        account("e", Some(hash(&base64("new"), ""))),
        account("f", None),
    ];
    rig.store.add_accounts(accounts.into()).await.unwrap();
    for id in ["Old", "gone"] {
        assert_eq!(change(&rig, id, Step::Retire, false).await, Ok(None));
    }
    let early = change(&rig, "gone", Step::Finally, false).await;
    assert!(matches!(early, Ok(Some(Refused::Unsettled(_)))), "{early:?}");
    wait(&rig, SETTLED).await;
    assert_eq!(change(&rig, "gone", Step::Finally, false).await, Ok(None));
    assert_eq!(change(&rig, "Old", Step::Finally, false).await, Ok(Some(Refused::Hashes(2))));
    assert_eq!(change(&rig, "Old", Step::Finally, true).await, Ok(None));
}

#[tokio::test]
async fn a_pepper_does_not_end_while_a_former_password_names_it() {
    let rig = Rig::new();
    rig.store.add_accounts(vec![account("a", Some(hash(&base64("new"), "")))]).await.unwrap();
    let former = Former { hash: Some(hash(&base64("Old"), "")), keep: 2 };
    let note = move |tx: &mut Tx<'_>| history::note(tx, "a", &former, BEGIN);
    rig.store.write(note).await.unwrap();
    assert_eq!(change(&rig, "Old", Step::Retire, false).await, Ok(None));
    wait(&rig, SETTLED).await;
    assert_eq!(change(&rig, "Old", Step::Finally, false).await, Ok(Some(Refused::Hashes(1))));
    let forget = |tx: &mut Tx<'_>| history::note(tx, "a", &Former { hash: None, keep: 0 }, BEGIN);
    rig.store.write(forget).await.unwrap();
    assert_eq!(change(&rig, "Old", Step::Finally, false).await, Ok(None));
}

/// Accounts may be millions: nobody reads them all where the answer does not depend on it.
#[tokio::test]
async fn hashes_are_looked_through_only_where_a_pepper_ends_in_peace() {
    let rig = Rig::new();
    let aside = |tx: &mut Tx<'_>| tx.run("ALTER TABLE account RENAME TO aside", &[]);
    rig.store.write(aside).await.unwrap();
    let holds = [held(Kind::Master, "m"), held(Kind::Pepper, "Old"), held(Kind::Pepper, "bare")];
    beat(&rig, 1, 0, &holds).await;
    for (id, step, now) in [
        ("bare", Step::Activate, false),
        ("Old", Step::Activate, true),
        ("Old", Step::Retire, false),
        ("bare", Step::Finally, true),
    ] {
        assert_eq!(change(&rig, id, step, now).await, Ok(None), "{id} {step:?}");
    }
    assert_eq!(change(&rig, "Old", Step::Finally, false).await, Err(StoreError::Failed));
}
