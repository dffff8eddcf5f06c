//! What the way to a server does to a write.

use std::time::{Duration, Instant};

use rekey_tests::stage::{Gate, Way, poll};

use super::rig::*;
use crate::directory::sql::{Engine, Sql};
use crate::directory::{DirectoryError, Written};

/// The directory behind a gate; `None` where there is no network.
fn behind_a_gate(rig: &Rig) -> Option<(Gate, Sql)> {
    let place = rig.place();
    let (_, rest) = place.split_once("@127.0.0.1:")?;
    let door = format!("127.0.0.1:{}", rest.split('/').next()?);
    let gate = Gate::before(door.parse().ok()?).unwrap();
    let place = place.replace(&door, &gate.addr().to_string());
    let sql = Sql::new(&rig.config(&place, &format!("timeout = \"1s\"\n{KEYS}")));
    Some((gate, sql))
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_unknown() {
    for (arrives, hash) in [(true, "new"), (false, "old")] {
        let rig = Rig::new();
        let Some((gate, sql)) = behind_a_gate(&rig) else { return };
        let ann = account(&sql, "1").await;
        // PostgreSQL's transactions begin with the words `READ COMMITTED`.
        let commit: &[u8] = if Rig::ENGINE == Engine::Postgres { b"COMMIT\0" } else { b"COMMIT" };
        match arrives {
            true => gate.lose_answer_to(commit),
            false => gate.lose(commit),
        }
        assert_eq!(write(&sql, &ann, "new").await, Err(DirectoryError::Unknown));
        assert!(gate.has_lost());
        // The server does what it was told, or finds out that nobody is there any more.
        let is_settled = || Ok::<_, ()>((rig.hash(1) == hash).then_some(()));
        assert_eq!(poll(Duration::from_secs(20), is_settled), Ok(Some(())));
    }
}

#[tokio::test]
async fn what_is_lost_before_a_commit_is_not_written() {
    let rig = Rig::new();
    let Some((gate, sql)) = behind_a_gate(&rig) else { return };
    let ann = account(&sql, "1").await;
    gate.lose_answer_to(b"UPDATE");
    // The connection was a kept one, so it was tried once more on a new one.
    assert_eq!(write(&sql, &ann, "new").await, Ok(Written::Done));
    assert!(gate.has_lost());
}

#[tokio::test]
async fn a_server_that_says_nothing_is_unavailable_in_time() {
    let rig = Rig::new();
    let Some((gate, sql)) = behind_a_gate(&rig) else { return };
    let ann = account(&sql, "1").await;
    gate.set(Way::Stalled);
    let begun = Instant::now();
    let found = sql.find(&[mail("ann@example.org")]).await;
    assert_eq!(found.unwrap_err(), DirectoryError::Unavailable);
    assert_eq!(write(&sql, &ann, "new").await, Err(DirectoryError::Unavailable));
    assert!(begun.elapsed() < Duration::from_secs(10));
    gate.set(Way::Shut);
    assert_eq!(sql.get("1").await.unwrap_err(), DirectoryError::Unavailable);
    gate.set(Way::Open);
    assert_eq!(account(&sql, "1").await.password_hash.as_deref(), Some("old"));
}
