//! What is left to be told: refusals by their sums, and a used-up day, which writes the same for everybody.

use std::collections::BTreeSet;
use std::time::Duration;

use contract::address::Channel;
use contract::message::Call;
use contract::profile::ProofKind;

use super::rig::*;
use crate::flow::tell;
use crate::store::EventRow;

fn granting() -> Caller {
    with(Channel::Email, |rules| rules.accepts == [ProofKind::Grant])
}

/// A rig that tells everything, to nobody who listens.
async fn telling(limits: &str) -> (Rig, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    let key = home.path().join("events.secret");
    std::fs::write(&key, "whsec_cmVrZXkgdGVzdHMgc2lnbiB3aXRoIHRoaXMgb25lISE=").unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&key, private).unwrap();
    let secret = key.display();
    let events = format!("[events]\nurl = \"http://127.0.0.1:9\"\nsecret = \"file:{secret}\"");
    (Rig::with(&format!("[limits]\n{limits}\n{events}")).await, home)
}

async fn events(rig: &Rig) -> Vec<EventRow> {
    let mut events = rig.engine.store.list_events(None, None, 99).await.unwrap();
    events.reverse();
    events
}

#[tokio::test]
async fn refusals_are_told_by_their_sums() {
    let (rig, _home) = telling("sender_32 = \"3/10m\"\nattempts = \"2/10m\"").await;
    for _ in 0..3 {
        rig.ask(granting(), NOBODY).await;
    }
    for n in 0..4 {
        rig.ask(granting(), &format!("nobody{n}@example.org")).await;
    }
    for _ in 0..5 {
        let guess = Call::Verify { to: address(ANN), code: code("1234567") };
        rig.send(granting().from("198.51.100.9"), guess).await;
    }
    let minute = Duration::from_secs(60);
    tell::sum(&rig.engine, minute).await.unwrap();
    tell::sum(&rig.engine, minute).await.unwrap();
    let told: Vec<String> = events(&rig).await.into_iter().map(|event| event.words).collect();
    let expected = [
        ("attempts", 3, "198.51.100.0/24"),
        ("cool_down", 2, "192.0.2.0/24"),
        ("sender_32", 2, "192.0.2.0/24"),
    ];
    let expected = expected.map(|(limit, count, sender)| {
        format!(
            "{{\"limit\":\"{limit}\",\"refused\":{count},\"seconds\":60,\"sender\":\"{sender}\"}}"
        )
    });
    assert_eq!(told, expected);
}

/// The guess that uses the day up is like any other: for whom it was, only a worker finds out.
#[tokio::test]
async fn a_used_up_day_runs_the_same_statements_for_everybody() {
    let (rig, _home) = telling("daily_wrong_codes = 5").await;
    for to in [ANN, NOBODY] {
        assert_eq!(rig.ask(granting(), to).await.code(), "accepted");
    }
    rig.letters().await;
    let guess = |to: &str| Call::Verify { to: address(to), code: code("1234567") };
    for n in 1..=7 {
        let mut lists = BTreeSet::new();
        for to in [ANN, NOBODY] {
            rig.engine.store.statements().await.unwrap();
            rig.send(granting(), guess(to)).await;
            // Before it, whoever guesses next takes a block of everybody's budget for this process, when the last is spent.
            let all = rig.engine.store.statements().await.unwrap();
            let own = all.into_iter().skip_while(|one| !one.starts_with("SELECT mac"));
            lists.insert(own.collect::<Vec<_>>());
        }
        assert_eq!(lists.len(), 1, "{n}: {lists:#?}");
    }
    assert_eq!(rig.engine.store.used_up(9).await.unwrap().len(), 2);
    tell::used_up(&rig.engine).await.unwrap();
    let told: Vec<(String, String)> =
        events(&rig).await.into_iter().map(|event| (event.kind, event.account)).collect();
    let requested = ("reset.requested".to_owned(), "ann".to_owned());
    assert_eq!(told, [requested, ("reset.frozen".to_owned(), "ann".to_owned())]);
    assert!(rig.engine.store.used_up(9).await.unwrap().is_empty());
}
