//! Sidecars that are killed while clients go on: at any moment, and at every point of every flow that has a name.

use rekey_tests::house::{On, Plan};
use rekey_tests::stage::{Staged, poll, until};

use crate::clients::{Dice, World, settle_in};
use crate::ledger::balance;
use crate::rounds;

/// Where `sidecar/src/crash.rs` is asked to end the program.
const POINTS: [&str; 11] = [
    "initiate.taken",
    "dispatch.leased",
    "dispatch.decided",
    "deliver.leased",
    "deliver.relayed",
    "verify.counted",
    "verify.granted",
    "confirm.counted",
    "confirm.held",
    "confirm.hashed",
    "confirm.finished",
];

fn plan(on: On) -> Plan {
    let others = if matches!(on, On::Sqlite) { 0 } else { 1 };
    Plan { limits: crate::PLENTY, on, others, ..Plan::default() }
}

fn killed_at_any_moment(on: On) {
    let (mut crew, world) = settle_in(&plan(on));
    for seed in 1..=rounds(20) {
        let context = format!("{}, seed {seed}", crew.on.name());
        let mut dice = Dice::new(seed);
        let victim = dice.below(1 + crew.others.len() as u64) as usize;
        let moment = dice.below(40);
        let instant = std::time::Duration::from_micros(dice.below(8000));
        world.while_clients_go_on(seed, || {
            world.wait_for_answers(moment);
            // The random moment itself; it is ours, so nobody may have ended before it.
            let ended = poll(instant, || Staged::Ok(crew.one(victim).has_ended().then_some(())));
            assert!(ended.unwrap().is_none(), "{context}: it ended by itself");
            crew.one(victim).kill().unwrap();
            crew.restart_one(victim);
            world.set_doors(crew.doors());
            world.wait_for_answers(8);
        });
        balance(&crew, &world, 1, &context);
        tell(seed, &context, &world);
    }
    assert!(!world.notes().resets.is_empty(), "nobody ever came through");
}

fn killed_at_every_point(on: On) {
    let (mut crew, world) = settle_in(&plan(on));
    for (seed, point) in (1..).zip(POINTS) {
        let context = format!("{}, {point}", crew.on.name());
        let file = crew.data(0).join("crash");
        std::fs::write(&file, point).unwrap();
        crew.restart_one(0);
        world.set_doors(vec![crew.signed()]);
        world.while_clients_go_on(seed, || {
            until("the end at a named point", || Ok(crew.sidecar.has_ended().then_some(())))
                .unwrap_or_else(|fault| panic!("{context}: {fault}"));
            std::fs::remove_file(&file).unwrap();
            crew.restart_one(0);
            world.set_doors(crew.doors());
            world.wait_for_answers(8);
        });
        balance(&crew, &world, 1, &context);
    }
    assert!(!world.notes().resets.is_empty(), "nobody ever came through");
}

/// Long runs show that they live.
pub(crate) fn tell(round: u64, context: &str, world: &World) {
    if round.is_multiple_of(20) {
        let notes = world.notes();
        eprintln!("{context}: {} asks, {} resets", notes.ended, notes.resets.len());
    }
}

#[test]
fn killed_at_any_moment_on_sqlite() {
    killed_at_any_moment(On::Sqlite);
}

#[test]
fn killed_at_any_moment_on_postgres() {
    killed_at_any_moment(On::postgres());
}

#[test]
fn killed_at_every_named_point_on_sqlite() {
    killed_at_every_point(On::Sqlite);
}

#[test]
fn killed_at_every_named_point_on_postgres() {
    killed_at_every_point(On::postgres());
}
