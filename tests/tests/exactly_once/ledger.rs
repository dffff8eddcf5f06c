//! What must hold when the dust has settled, whatever was killed: each check is one of the invariants.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rekey_tests::house::Crew;
use rekey_tests::stage::until;
use serde_json::Value;

use crate::clients::World;

const ENDS: [&str; 4] = ["sent", "dead", "suppressed", "stale"];

/// After this long without an end, what a dead process had leased is given back: as if its time had passed.
const LEASE: Duration = Duration::from_millis(700);

/// Waits for the end of all work, then holds the store, the relay and what the clients were told against each other.
/// `kills` bounds how often a mail may have been repeated.
pub(crate) fn balance(crew: &Crew, world: &World, kills: usize, context: &str) {
    settle(crew, context);
    asks_have_ends(crew, world, context);
    resets_are_whole(crew, world, context);
    mails_keep_their_ids(crew, world, kills, context);
}

fn settle(crew: &Crew, context: &str) {
    let begun = Instant::now();
    let mut given_back = false;
    until("the end of all asks and mails", || {
        let waiting = crew.count("ask WHERE state NOT IN ('sent', 'dead', 'suppressed', 'stale')")
            + crew.count("mail WHERE state = 'waiting'");
        if begun.elapsed() > LEASE && !given_back {
            crew.sql("UPDATE mail SET next_at = 0 WHERE state = 'waiting' RETURNING state");
            crew.sql("UPDATE ask SET leased = 0 WHERE state = 'waiting' RETURNING state");
            given_back = true;
        }
        Ok((waiting == 0).then_some(()))
    })
    .unwrap_or_else(|fault| panic!("{context}: {fault}"));
}

/// Invariant 7: every ask that was answered with "accepted" has an end.
fn asks_have_ends(crew: &Crew, world: &World, context: &str) {
    let states = pairs(crew, "SELECT id, state FROM ask");
    let mut notes = world.notes();
    for id in std::mem::take(&mut notes.accepted) {
        let state = states.get(&id).map_or("nowhere", String::as_str);
        assert!(ENDS.contains(&state), "{context}: ask {id} is {state}");
        notes.ended += 1;
    }
}

/// Invariant 6: as many resets as were told, as many proofs spent, nothing still held, and the last password is in force.
fn resets_are_whole(crew: &Crew, world: &World, context: &str) {
    let told = world.notes().resets.iter().fold(BTreeMap::new(), |mut told, (account, _)| {
        *told.entry(account.clone()).or_insert(0_u64) += 1;
        told
    });
    let per_account = |rows| {
        let query = format!("SELECT account, COUNT(*) FROM {rows} GROUP BY account");
        let counts = pairs(crew, &query).into_iter();
        counts
            .map(|(account, count)| (account, count.parse().unwrap()))
            .collect::<BTreeMap<_, u64>>()
    };
    let audited = per_account("audit WHERE event = 'confirm' AND outcome = 'reset'");
    let spent = per_account("challenge WHERE state = 'spent'");
    assert_eq!(audited, told, "{context}: what was written, and what was told");
    assert_eq!(spent, told, "{context}: what was spent, and what was told");
    assert_eq!(crew.count("challenge WHERE state = 'held'"), 0, "{context}: holds are left");
    let mut last = BTreeMap::new();
    for (account, password) in world.notes().resets.iter() {
        last.insert(account.clone(), password.clone());
    }
    // A look at each takes a program: those of the last moments matter.
    for (account, _) in world.notes().resets.iter().rev().take(2) {
        let who = format!("{account}@example.com");
        assert!(crew.has_password(&who, &last[account]), "{context}: {account}'s password");
    }
}

/// Every mail that was sent is at the relay, under its own Message-ID, and seldom twice.
fn mails_keep_their_ids(crew: &Crew, world: &World, kills: usize, context: &str) {
    let rows = pairs(crew, "SELECT id, state FROM mail");
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for taken in world.relay.taken() {
        let id = taken.message_id().trim_matches(['<', '>']);
        let id = id.split_once('@').map_or(id, |(id, _)| id).to_owned();
        assert!(rows.contains_key(&id), "{context}: a mail that nobody wrote: {id}");
        *times.entry(id).or_default() += 1;
    }
    let sent: BTreeSet<&String> =
        rows.iter().filter(|(_, state)| *state == "sent").map(|(id, _)| id).collect();
    for id in sent {
        assert!(times.contains_key(id), "{context}: mail {id} counts as sent, and never came");
    }
    let most = times.values().max().copied().unwrap_or_default();
    assert!(most <= 1 + kills, "{context}: a mail came {most} times");
}

/// Two columns of a query.
fn pairs(crew: &Crew, query: &str) -> BTreeMap<String, String> {
    let rows: Vec<(Value, Value)> = serde_json::from_str(&crew.sql(query)).unwrap();
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    rows.into_iter().map(|(left, right)| (text(left), text(right))).collect()
}
