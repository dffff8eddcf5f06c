//! A link: it writes a password, once, into the account that it was made for.

use std::collections::BTreeMap;
use std::sync::Barrier;

use rekey_tests::house::{ANN, BOB, NEW, OLD, by_token, confirm};

use crate::rig::{Rig, insist};
use crate::team::{Change, Kind};

pub(crate) fn a_reset_is_written(kind: Kind) {
    let rig = Rig::start(kind);
    assert!(rig.team.has_password(ANN, OLD));
    let token = rig.link(ANN);
    let body = rig.confirm(&token, NEW);
    assert_eq!(rig.say(&body), "reset");
    assert!(rig.team.has_password(ANN, NEW) && !rig.team.has_password(ANN, OLD));
    assert!(rig.team.has_password(BOB, OLD), "nobody else's");
    assert_eq!(rig.say(&body), "reset", "the same message is told the same");
    assert_eq!(rig.say(&rig.confirm(&token, "yet another one")), "proof_invalid");
    rig.crew.settle();
    let counts = rig.counts();
    assert_eq!((counts.resets, counts.spent, counts.live), (1, 1, 0), "{counts:?}");
    assert_eq!(
        (counts.notices, counts.unsure, rig.announced()),
        (2, 0, 0),
        "mail and text: {counts:?}"
    );
    // Again, over the revision that we wrote ourselves.
    assert_eq!(rig.say(&rig.confirm(&rig.link(ANN), OLD)), "reset");
    assert!(rig.team.has_password(ANN, OLD));
}

pub(crate) fn one_of_twenty_wins(kind: Kind) {
    let rig = Rig::start(kind);
    let token = rig.link(ANN);
    let password = |n: usize| format!("{NEW} {n:02}");
    let messages: Vec<_> =
        (0..20).map(|n| confirm("native", by_token(&token), &password(n))).collect();
    let bodies = rig.all(&messages);
    let start = Barrier::new(bodies.len());
    // The rig's team is not for several threads; the sidecars are.
    let (crew, start) = (&rig.crew, &start);
    let outcomes: Vec<String> = std::thread::scope(|scope| {
        let flying: Vec<_> = bodies
            .iter()
            .map(|body| {
                scope.spawn(move || {
                    start.wait();
                    insist(crew, body)
                })
            })
            .collect();
        flying.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let mut tally = BTreeMap::new();
    for outcome in &outcomes {
        *tally.entry(outcome.as_str()).or_insert(0) += 1;
    }
    assert_eq!(tally, BTreeMap::from([("proof_invalid", 19), ("reset", 1)]));
    let winner = outcomes.iter().position(|outcome| outcome == "reset").unwrap();
    assert!(rig.team.has_password(ANN, &password(winner)), "the winner's password stands there");
    let counts = rig.counts();
    assert_eq!((counts.resets, counts.spent, counts.unknown), (1, 1, 0), "{counts:?}");
}

pub(crate) fn a_link_dies_with_what_it_was_made_for(kind: Kind) {
    let rig = Rig::start(kind);
    let changes = [Change::Password, Change::Address, Change::Disabled];
    for (n, change) in changes.iter().enumerate() {
        let who = format!("known{n}@example.com");
        let token = rig.link(&who);
        rig.team.change(&who, change);
        assert_eq!(rig.say(&rig.confirm(&token, NEW)), "proof_invalid", "{change:?}");
        let now = if *change == Change::Address { format!("was-{who}") } else { who };
        assert!(!rig.team.has_password(&now, NEW), "{change:?}");
    }
    let counts = rig.counts();
    assert_eq!((counts.resets, counts.live, rig.announced()), (0, 0, 0), "{counts:?}");
}
