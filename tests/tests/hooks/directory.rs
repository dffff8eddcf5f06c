//! What every directory promises, kept by this one.

use contract::address::{Address, Channel};
use sidecar::directory::{Status, Written};

use crate::rig::{ANN, OLD, Rig, email, write};

#[tokio::test]
async fn accounts_are_found_in_one_call() {
    let rig = Rig::new();
    rig.add("u1", ANN, OLD);
    rig.add("u2", "Shared@Example.com", "h2");
    rig.add("u3", "shared@example.com", "h3");
    rig.add("u4", "other@example.com", "h4");
    rig.receiver
        .sql("UPDATE users SET phone = '+8613800138000', second_factor = 1 WHERE id = 'u4'")
        .unwrap();
    rig.receiver.sql("UPDATE users SET status = 'disabled', name = NULL WHERE id = 'u3'").unwrap();
    let phone = Address::parse(Channel::Sms, "+8613800138000", None).unwrap();
    let asked = [
        email("ANN@example.com"),
        email("shared@example.com"),
        phone.clone(),
        email("nobody@example.com"),
    ];
    let mut found = rig.directory.find(&asked).await.unwrap();
    found.sort_by(|left, right| left.id.cmp(&right.id));
    let ids: Vec<&str> = found.iter().map(|account| account.id.as_str()).collect();
    assert_eq!(ids, ["u1", "u2", "u3", "u4"]);
    assert_eq!(rig.tape.requests().len(), 1);
    let [ann, _, third, fourth] = found.as_slice() else { panic!("four accounts") };
    assert_eq!((ann.status, third.status), (Status::Active, Status::Disabled));
    assert_eq!((ann.second_factor, fourth.second_factor), (false, true));
    assert_eq!(ann.password_hash.as_deref(), Some(OLD));
    assert_eq!((ann.user_name.as_deref(), third.user_name.as_deref()), (Some("u1"), None));
    assert_eq!(fourth.stored(&phone), Some(phone));
    assert!(rig.directory.find(&[email("nobody@example.com")]).await.unwrap().is_empty());
    assert!(rig.directory.find(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_account_is_got_by_its_id() {
    let rig = Rig::new();
    rig.add("u1", ANN, OLD);
    assert_eq!(rig.get("u1").await.stored(&email(ANN)), Some(email(ANN)));
    assert!(rig.directory.get("u2").await.unwrap().is_none());
    let before = rig.directory.aspects("u1").await.unwrap();
    rig.receiver.sql("UPDATE users SET hash = 'another' WHERE id = 'u1'").unwrap();
    let after = rig.directory.aspects("u1").await.unwrap();
    let changed = before.iter().zip(&after).filter(|(left, right)| left != right);
    assert_eq!(
        changed.map(|((name, _), _)| name.as_str()).collect::<Vec<_>>(),
        ["etag", "password_hash"]
    );
    assert!(rig.directory.aspects("u2").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_write_is_over_the_revision_that_was_read() {
    let rig = Rig::new();
    rig.add("u1", ANN, OLD);
    let first = rig.get("u1").await;
    assert_eq!(write(&rig.directory, &first, "new one").await, Ok(Written::Done));
    assert_eq!(rig.hash("u1"), "new one");
    let second = rig.get("u1").await;
    assert_ne!(first.revision, second.revision, "the revision changes with what we write");
    // Behind our back.
    rig.receiver.sql("UPDATE users SET hash = 'changed' WHERE id = 'u1'").unwrap();
    assert_ne!(rig.get("u1").await.revision, second.revision);
    assert_eq!(write(&rig.directory, &second, "too late").await, Ok(Written::Changed));
    assert_eq!(rig.hash("u1"), "changed");
    let third = rig.get("u1").await;
    rig.receiver.sql("DELETE FROM users").unwrap();
    assert_eq!(write(&rig.directory, &third, "nobody's").await, Ok(Written::Changed));
}

/// Of many writes over one revision one wins, whoever makes them.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_writes_one_wins() {
    let rig = Rig::new();
    rig.add("u1", ANN, OLD);
    let account = rig.get("u1").await;
    let writes = (0..16).map(|n| {
        let (directory, account) = (rig.directory.clone(), account.clone());
        tokio::spawn(async move { write(&directory, &account, &format!("new {n}")).await })
    });
    let mut done = Vec::new();
    for (n, one) in writes.collect::<Vec<_>>().into_iter().enumerate() {
        if one.await.unwrap() == Ok(Written::Done) {
            done.push(n);
        }
    }
    let [winner] = done.as_slice() else { panic!("{done:?} were done") };
    assert_eq!(rig.hash("u1"), format!("new {winner}"));
}

/// The same write again, as after an answer that was lost: the receiver knows it by its id.
#[tokio::test]
async fn a_write_that_comes_again_is_done_already() {
    let rig = Rig::new();
    rig.add("u1", ANN, OLD);
    let account = rig.get("u1").await;
    for _ in 0..2 {
        assert_eq!(write(&rig.directory, &account, "new one").await, Ok(Written::Done));
    }
    assert_eq!(write(&rig.directory, &account, "new two").await, Ok(Written::Changed));
    let requests = rig.tape.requests();
    let ids: Vec<_> = requests.iter().rev().take(3).map(|one| one.header("webhook-id")).collect();
    assert_eq!(ids[1], ids[2], "one write, one id");
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_receiver_that_comes_back_is_found_again() {
    let mut rig = Rig::new();
    rig.add("u1", ANN, OLD);
    let account = rig.get("u1").await;
    rig.receiver.kill().unwrap();
    assert!(rig.directory.find(&[email(ANN)]).await.is_err());
    rig.receiver.resume().unwrap();
    assert_eq!(write(&rig.directory, &account, "new one").await, Ok(Written::Done));
}
