//! Keys that an instance may do without: when the first of them makes, and when a pepper may end.

use base64ct::{Base64Unpadded, Encoding};

use super::rig::*;
use crate::keys::{Held, KeyState, Kind, Refused, Step, Wish};
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

#[tokio::test]
async fn a_pepper_ends_when_no_hash_names_it() {
    let rig = Rig::new();
    let id = |text: &str| Base64Unpadded::encode_string(text.as_bytes());
    let hash = |id: &str| Some(format!("$argon2id$v=19$m=1,t=1,p=1,keyid={id}$c2FsdA$aGFzaA"));
    let accounts = [
        ("a", hash(&id("Old"))),
        ("b", Some(format!("$argon2id$v=19$m=1,t=1,p=1,keyid={},data=eA$c2FsdA$aGFzaA", id("Old")))),
        ("c", hash(&id("Older"))),
        ("d", hash(&id("Old").to_lowercase())),
        ("e", hash(&id("new"))),
        ("f", None),
    ];
    let row = |(id, hash): (&str, Option<String>)| AccountRow {
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
    };
    rig.store.add_accounts(accounts.into_iter().map(row).collect()).await.unwrap();
    let here = vec![held(Kind::Pepper, "Old"), held(Kind::Pepper, "gone")];
    let change = |id: &str, step, now| {
        let wish = Wish { kind: Kind::Pepper, id: name(id), step, now, here: here.clone() };
        let store = rig.store.clone();
        async move { store.change_key(BEGIN, wish).await.unwrap().err() }
    };
    for id in ["Old", "gone"] {
        assert_eq!(change(id, Step::Retire, false).await, None);
    }
    assert_eq!(change("gone", Step::Finally, false).await, None);
    assert_eq!(change("Old", Step::Finally, false).await, Some(Refused::Hashes(2)));
    assert_eq!(change("Old", Step::Finally, true).await, None);
}
