//! Killed at every named point: the proof is live and nothing written, or spent and written, or spent and told as unknown.
//! Never written and still to be spent, never spent without a word.

use rekey_tests::house::{ANN, NEW, On, number};
use rekey_tests::stage::{Sidecar, until};

use crate::rig::{Counts, Rig};
use crate::team::Kind;

/// In the order in which a confirm comes by; and whether the password stands there by then.
const POINTS: [(&str, bool); 6] = [
    ("confirm.counted", false),
    ("confirm.held", false),
    ("confirm.hashed", false),
    ("confirm.announced", false),
    ("confirm.written", true),
    ("confirm.finished", true),
];

pub(crate) fn killed_at_every_point(kind: Kind) {
    let mut rig = Rig::start(kind);
    for (point, is_written) in POINTS {
        killed_at(&mut rig, point, is_written);
    }
}

/// The worker that settles dies, too, at each of its own points.
pub(crate) fn killed_while_it_settles(kind: Kind) {
    let mut rig = Rig::start(kind);
    for (written, (point, is_written)) in
        ["settle.leased", "settle.decided"].iter().zip([POINTS[4], POINTS[3]])
    {
        let round = Round::begin(&mut rig, point);
        rig.leave();
        std::fs::write(rig.crash_file(), written).unwrap();
        // Its doors are open before it settles.
        if let Ok(mut started) = Sidecar::start(&rig.crew.config, rig.crew.dir.path()) {
            until("the end at a named point", || Ok(started.has_ended().then_some(()))).unwrap();
        }
        rig.disarm();
        rig.crew.restart();
        round.judge(&rig, is_written);
    }
}

/// Several sidecars share the store: what one that died had announced waits for its time.
#[test]
fn killed_at_every_point_with_a_store_that_is_shared() {
    let mut rig = Rig::on(Kind::Sqlite, On::postgres());
    for (point, is_written) in [POINTS[3], POINTS[4]] {
        killed_at(&mut rig, point, is_written);
    }
}

fn killed_at(rig: &mut Rig, point: &'static str, is_written: bool) {
    let round = Round::begin(rig, point);
    rig.disarm();
    rig.crew.restart();
    round.judge(rig, is_written);
}

/// One confirm that the sidecar died of.
struct Round {
    point: &'static str,
    before: Counts,
    mark: String,
    password: String,
    body: Vec<u8>,
}

impl Round {
    fn begin(rig: &mut Rig, point: &'static str) -> Self {
        let token = rig.link(ANN);
        rig.crew.settle();
        let password = format!("{NEW} {:03}", number() % 1000);
        let (before, mark) = (rig.counts(), rig.team.mark(ANN));
        rig.arm(point);
        let body = rig.confirm(&token, &password);
        rig.say_and_lose(&body);
        Self { point, before, mark, password, body }
    }

    /// What stands there agrees with what was counted and mailed; and the message again is told what is true.
    fn judge(&self, rig: &Rig, is_written: bool) {
        let (point, before) = (self.point, self.before);
        let stands = rig.team.has_password(ANN, &self.password);
        assert_eq!(stands, is_written, "{point}");
        rig.settle();
        let now = rig.counts();
        let since = |now: u64, before: u64| now - before;
        let resets = since(now.resets, before.resets);
        let unknown = since(now.unknown, before.unknown);
        let spent = since(now.spent, before.spent);
        let context = format!("{point}: {before:?}, then {now:?}");
        assert_eq!(rig.crew.count("challenge WHERE state = 'held'"), 0, "{context}");
        match (now.live, spent) {
            (1, 0) => {
                assert!(!stands, "written, and still to be spent: {context}");
                assert_eq!(rig.team.mark(ANN), self.mark, "{context}");
                assert_eq!((resets, unknown), (0, 0), "{context}");
            }
            (0, 1) => {
                assert_eq!(resets + unknown, 1, "spent without a word: {context}");
                assert!(resets == 0 || stands, "a reset that is none: {context}");
                assert_eq!(
                    unknown,
                    u64::from(stands && !rig.team.shows_hashes() && resets == 0),
                    "{context}"
                );
            }
            _ => panic!("neither live nor spent: {context}"),
        }
        assert_eq!(now.unsure - before.unsure, unknown, "{context}");
        assert_eq!(now.notices > before.notices, resets == 1, "{context}");
        let again = rig.insist(&self.body);
        assert_eq!(again, if unknown == 1 { "proof_invalid" } else { "reset" }, "{context}");
        assert!(rig.team.has_password(ANN, &self.password), "{context}");
        let end = rig.counts();
        assert_eq!(end.resets + end.unknown, before.resets + before.unknown + 1, "{context}");
        assert_eq!((end.live, rig.announced()), (0, 0), "{context}");
    }
}
