//! A directory that is gone, slow, or not as it should be: a confirm is told that we are busy, an ask is not told at all,
//! and when it is over everything comes to its end.

use std::time::{Duration, Instant};

use rekey_tests::house::{ANN, BOB, NEW, from, initiate, outcome};
use rekey_tests::stage::until;

use crate::rig::{Rig, sender};
use crate::team::{Change, Kind, Trouble};

/// Longer than the directory's time-out, twice.
const SOON: Duration = Duration::from_secs(8);

pub(crate) fn nothing_is_lost(kind: Kind, trouble: Trouble) {
    let mut rig = Rig::start(kind);
    let token = rig.link(ANN);
    let mark = rig.team.mark(ANN);
    if !rig.team.afflict(trouble) {
        return;
    }
    let (body, begun) = (rig.confirm(&token, NEW), Instant::now());
    assert_eq!(rig.say(&body), "busy", "{trouble:?}");
    assert!(begun.elapsed() < SOON, "{trouble:?}: {:?}", begun.elapsed());
    if trouble.is_of_all() {
        let begun = Instant::now();
        assert_eq!(outcome(&rig.crew.say(&from(initiate("native", BOB), &sender()))), "accepted");
        assert!(begun.elapsed() < Duration::from_secs(1), "an ask waits for nobody");
        until("the worker that finds it out", || {
            let told = rig.crew.sidecar.log().contains("dispatch_failed");
            Ok(told.then_some(()))
        })
        .unwrap();
        assert_eq!(rig.crew.count("ask WHERE state = 'waiting'"), 1, "{trouble:?}");
        assert!(rig.relay.to(BOB).is_empty());
    }
    rig.team.mend(trouble);
    assert_eq!(rig.team.mark(ANN), mark, "{trouble:?}: nothing was written");
    rig.settle();
    assert_eq!(rig.insist(&body), "reset", "{trouble:?}");
    assert!(rig.team.has_password(ANN, NEW));
    if trouble.is_of_all() {
        // As if the lease of the worker who failed were over.
        rig.crew.sql("UPDATE ask SET leased = 0 WHERE state = 'waiting' RETURNING state");
        rig.relay.wait_for(BOB, 1).unwrap();
    }
    let counts = rig.counts();
    assert_eq!((counts.resets, counts.unknown), (1, 0), "{trouble:?}: {counts:?}");
}

/// It was written, and nobody was told.
pub(crate) fn a_lost_answer_is_found_out(kind: Kind) {
    let rig = Rig::start(kind);
    let Some((gate, words)) = rig.team.gate() else { return };
    let body = rig.confirm(&rig.link(ANN), NEW);
    gate.lose_answer_to(words);
    let first = rig.say(&body);
    assert!(gate.has_lost(), "the words are not said any more");
    assert!(rig.team.has_password(ANN, NEW));
    rig.settle();
    let counts = rig.counts();
    assert_eq!((counts.live, counts.spent), (0, 1), "{counts:?}");
    if rig.team.shows_hashes() {
        assert_eq!(first, "reset", "it is looked for at once");
        assert_eq!((counts.resets, counts.unknown, counts.unsure), (1, 0, 0), "{counts:?}");
    } else {
        assert_eq!(first, "busy");
        assert_eq!(rig.insist(&body), "proof_invalid");
        assert_eq!((counts.resets, counts.unknown, counts.unsure), (0, 1, 1), "{counts:?}");
        let mails = rig.relay.wait_for(ANN, 2).unwrap();
        assert!(mails[1].mail.text().contains("we cannot tell"), "{}", mails[1].mail.text());
    }
}

/// It was not written, and nobody knows that at first.
pub(crate) fn a_lost_write_is_taken_back(kind: Kind) {
    let rig = Rig::start(kind);
    let Some((gate, words)) = rig.team.gate() else { return };
    let token = rig.link(ANN);
    let (body, mark) = (rig.confirm(&token, NEW), rig.team.mark(ANN));
    gate.lose(words);
    assert_eq!(rig.say(&body), "busy");
    assert!(gate.has_lost(), "the words are not said any more");
    assert_eq!(rig.team.mark(ANN), mark);
    if rig.announced() == 1 {
        let another = rig.confirm(&token, "somebody else's");
        assert_eq!(rig.say(&another), "busy", "nobody else may use the link meanwhile");
        assert_eq!(rig.say(&body), "busy");
    }
    rig.settle();
    assert_eq!(rig.insist(&body), "reset");
    assert!(rig.team.has_password(ANN, NEW));
    let counts = rig.counts();
    assert_eq!((counts.resets, counts.unknown, counts.spent), (1, 0, 1), "{counts:?}");
}

/// Whatever stands where a hash should be: others get their mails, and nothing is computed for long.
pub(crate) fn hostile_hashes_hurt_nobody(kind: Kind) {
    let rig = Rig::start(kind);
    if !rig.team.shows_hashes() {
        return;
    }
    let dear = "$argon2id$v=19$m=4194304,t=4294967295,p=255$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let hashes = [dear.to_owned(), "x".repeat(60_000), "\u{1}\r\n\u{1b}[31m".into(), String::new()];
    for (n, hash) in hashes.into_iter().enumerate() {
        let (victim, other) =
            (format!("known{}@example.com", n * 2), format!("known{}@example.com", n * 2 + 1));
        rig.team.change(&victim, &Change::Hash(hash));
        rig.crew.say(&from(initiate("native", &victim), &sender()));
        let token = rig.link(&other);
        assert_eq!(rig.say(&rig.confirm(&token, NEW)), "reset");
        rig.crew.settle();
        let mails = rig.relay.to(&victim);
        let Some(mail) = mails.first() else { continue };
        let token = rekey_tests::house::token_in(mail.mail.text());
        let begun = Instant::now();
        assert_eq!(rig.say(&rig.confirm(&token, NEW)), "reset");
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        assert!(rig.team.has_password(&victim, NEW));
    }
}
