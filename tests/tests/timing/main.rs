//! Invariant 5: neither the bytes of an answer nor its time tell what an address is to us. Two thousand requests of each kind,
//! in random order over one connection; the rig must find 100 microseconds that are put in on purpose.

mod decrypt;
mod judge;
mod rig;

use contract::message::Message;
use rekey_tests::house::{by_code, confirm, initiate, verify};
use rekey_tests::stage::{At, Manner};

use crate::judge::{Pair, judge};
use crate::rig::{Rig, State};

/// Where the sidecar lingers, in a debug build that was told to.
const LINGERING: &str = "lingering@example.com";

fn ask(to: &str) -> Message {
    initiate("native", to)
}

fn verify_wrong(to: &str) -> Message {
    verify("authing", to, "1234567")
}

fn confirm_wrong(to: &str) -> Message {
    confirm("bamboocloud", by_code(to, "1234567"), "a good new password")
}

/// Whatever a stranger did to an address before, he can do to one that nobody has.
const PAIRS: [Pair; 6] = [
    (State::Unknown, State::Known),
    (State::UnknownAsked, State::Live),
    (State::UnknownAsked, State::Expired),
    (State::UnknownAsked, State::Disabled),
    (State::UnknownAsked, State::Spent),
    (State::UnknownBurnt, State::Burnt),
];

#[test]
fn an_ask_tells_nothing() {
    let rig = Rig::build("native", |_| {});
    judge(&rig, "initiate", &PAIRS, ask);
}

#[test]
fn a_wrong_code_at_verify_tells_nothing() {
    let rig = Rig::build("authing", |_| {});
    judge(&rig, "verify", &PAIRS, verify_wrong);
}

#[test]
fn a_wrong_code_at_confirm_tells_nothing() {
    let rig = Rig::build("bamboocloud", |_| {});
    judge(&rig, "confirm", &PAIRS, confirm_wrong);
}

#[test]
fn an_ask_tells_nothing_while_the_relay_is_slow_or_gone() {
    for (name, mood) in
        [("slow", Manner::Stall(At::Greeting)), ("gone", Manner::Drop(At::Greeting))]
    {
        let rig = Rig::build("native", |_| {});
        rig.relay.set(mood);
        let pairs = [(State::Unknown, State::Known), (State::UnknownAsked, State::Live)];
        judge(&rig, &format!("initiate, relay {name}"), &pairs, ask);
    }
}

/// The control: what is there is found.
#[test]
fn a_hundred_microseconds_are_found() {
    let rig = Rig::build("native", |data| std::fs::write(data.join("delay"), LINGERING).unwrap());
    let told = rig.compare(&[(State::Unknown, State::Lingering)], &ask)[0];
    eprintln!("control: {told}");
    assert!(told.is_apart() && told.area > 0.53, "100 us are not found: {told}");
}
