//! The flows of every dialect, end to end: the demo's acts in silence, each dialect on an installation of its own.
//! Invariant: every claim of the demo is an assertion here.

use rekey_tests::demo::{Act, Transcript, acts, perform, verdict};
use rekey_tests::stage::Staged;

fn play(dialect: &str) -> Staged<()> {
    let acts: Vec<Act> = acts().into_iter().filter(|act| act.dialect == dialect).collect();
    assert!(!acts.is_empty(), "{dialect} has no act");
    let mut transcript = Transcript::silent();
    let performed = perform(&acts, &mut transcript);
    verdict(&transcript).and(performed)
}

#[test]
fn anqicms_resets_passwords() -> Staged<()> {
    play("anqicms")
}

#[test]
fn authing_resets_passwords() -> Staged<()> {
    play("authing")
}

#[test]
fn bamboocloud_resets_passwords() -> Staged<()> {
    play("bamboocloud")
}

#[test]
fn native_resets_passwords() -> Staged<()> {
    play("native")
}

#[test]
fn vastly_resets_passwords() -> Staged<()> {
    play("vastly")
}
