//! Nobody learns from an answer, or from its time, who has an account in the directory.

use contract::message::Message;
use rekey_tests::house::{
    ANN, BOB, DAN, NOBODY, by_code, by_token, confirm, from, initiate, verify,
};
use rekey_tests::judge::without_date;

use crate::rig::{Rig, sender};
use crate::team::Kind;
use crate::times::{Times, judge};

const WRONG: &str = "1234567";

fn ask(to: &str) -> Message {
    initiate("native", to)
}

fn verify_wrong(to: &str) -> Message {
    verify("authing", to, WRONG)
}

fn confirm_wrong(to: &str) -> Message {
    confirm("bamboocloud", by_code(to, WRONG), "a good new password")
}

pub(crate) fn answers_are_alike(kind: Kind) {
    let rig = Rig::start(kind);
    rig.link(BOB);
    let people = [ANN, BOB, DAN, NOBODY];
    for (name, make) in [
        ("initiate", ask as fn(&str) -> Message),
        ("verify", verify_wrong),
        ("confirm", confirm_wrong),
    ] {
        let answers: Vec<String> = people
            .iter()
            .map(|who| without_date(&rig.crew.say(&from(make(who), &sender()))))
            .collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{name}: {answers:#?}");
    }
    let token = "0123456789abcdef".repeat(4);
    let wrong = confirm("native", by_token(&token), "a good new password");
    assert_eq!(rekey_tests::house::outcome(&rig.crew.say(&wrong)), "proof_invalid");
    rig.crew.settle();
    assert!(rig.relay.to(DAN).is_empty() && rig.relay.to(NOBODY).is_empty());
}

pub(crate) fn times_tell_nothing(kind: Kind) {
    let times = Times::new(Rig::plan(
        kind,
        rekey_tests::house::Plan { in_memory: true, ..Default::default() },
    ));
    judge(&times, "initiate", ask);
    judge(&times, "verify", verify_wrong);
    judge(&times, "confirm", confirm_wrong);
}
