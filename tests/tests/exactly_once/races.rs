//! Hundreds at the same moment: one proof, or one pot.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Barrier;

use contract::message::{Message, Operation};
use rekey_tests::house::{
    ANN, Crew, NEW, On, Plan, by_token, code_in, confirm, fresh, from, initiate, other, outcome,
    post, token_in, verify,
};
use rekey_tests::http::Line;
use rekey_tests::stage::{Relay, until};

/// A signed message and the door that it goes through.
type Shot = (SocketAddr, Operation, Vec<u8>);

/// Sends all of them at the same moment, each on its own connection; what is answered busy is sent again, as gateways do.
fn volley(shots: &[Shot]) -> Vec<String> {
    let start = Barrier::new(shots.len());
    std::thread::scope(|scope| {
        let flying: Vec<_> = shots
            .iter()
            .map(|shot| {
                // A thousand of them want small stacks.
                let thread = std::thread::Builder::new().stack_size(256 * 1024);
                thread.spawn_scoped(scope, || fly(shot, &start)).unwrap()
            })
            .collect();
        flying.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

fn fly((door, operation, body): &Shot, start: &Barrier) -> String {
    let bytes = post(*operation, body).to_bytes("s");
    let line = Line::connect(*door);
    start.wait();
    let mut line = line.unwrap();
    until("an answer that is not busy", || {
        line.write(&bytes)?;
        let said = outcome(&line.reply(false)?);
        Ok((said != "busy").then_some(said))
    })
    .unwrap()
}

fn tally(outcomes: &[String]) -> BTreeMap<&str, usize> {
    let mut tally = BTreeMap::new();
    for outcome in outcomes {
        *tally.entry(outcome.as_str()).or_default() += 1;
    }
    tally
}

/// So many shots of one message, each with an id and a sender of its own (one sender may not say so much), over all doors.
fn shots(crew: &Crew, message: &Message, count: usize) -> Vec<Shot> {
    let doors = crew.doors();
    let shot = |n: usize| {
        let message = from(message.clone(), &format!("{}.9.{}.1", 60 + n / 250, n % 250));
        (doors[n % doors.len()], message.operation(), crew.envelope(&message, fresh()))
    };
    (0..count).map(shot).collect()
}

fn ask(crew: &Crew, relay: &Relay, dialect: &str) -> String {
    assert_eq!(outcome(&crew.say(&initiate(dialect, ANN))), "accepted");
    relay.wait_for(ANN, 1).unwrap()[0].mail.text().to_owned()
}

fn one_of_two_hundred_wins(plan: &Plan) {
    let relay = Relay::start().unwrap();
    let crew = Crew::start(plan, relay.addr());
    let token = token_in(&ask(&crew, &relay, "native"));
    let hashed = crew.metric("rekey_hashes_total");
    let outcomes = volley(&shots(&crew, &confirm("native", by_token(&token), NEW), 200));
    let expected = BTreeMap::from([("proof_invalid", 199), ("reset", 1)]);
    assert_eq!(tally(&outcomes), expected, "{}", plan.on.name());
    is_reset_once(&crew, &relay, hashed);
}

fn doubles_repeat_their_first(plan: &Plan) {
    let relay = Relay::start().unwrap();
    let crew = Crew::start(plan, relay.addr());
    let token = token_in(&ask(&crew, &relay, "native"));
    let hashed = crew.metric("rekey_hashes_total");
    let once = shots(&crew, &confirm("native", by_token(&token), NEW), 200);
    let doors = crew.doors();
    // The double of each comes through another door, where there is one.
    let again = once
        .iter()
        .enumerate()
        .map(|(n, (_, operation, body))| (doors[(n + 1) % doors.len()], *operation, body.clone()));
    let all: Vec<Shot> = once.iter().cloned().chain(again).collect();
    let outcomes = volley(&all);
    let (first, second) = outcomes.split_at(200);
    assert_eq!(first, second, "{}", plan.on.name());
    let expected = BTreeMap::from([("proof_invalid", 199), ("reset", 1)]);
    assert_eq!(tally(first), expected, "{}", plan.on.name());
    is_reset_once(&crew, &relay, hashed);
}

/// One hash, one write, one mail, and the new password.
fn is_reset_once(crew: &Crew, relay: &Relay, hashed: u64) {
    let name = crew.on.name();
    assert_eq!(crew.metric("rekey_hashes_total") - hashed, 1, "{name}: hashes");
    assert_eq!(crew.resets("a1"), 1, "{name}: password writes");
    assert_eq!(crew.count("challenge WHERE state = 'spent'"), 1, "{name}");
    crew.settle();
    let mails = relay.wait_for(ANN, 2).unwrap();
    assert_eq!(mails.len(), 2, "{name}: the link, and one mail after it");
    assert!(crew.has_password(ANN, NEW), "{name}");
}

/// 500 from where the code was asked for, 500 from elsewhere: five of each are compared, and the right one is not found by any.
fn a_thousand_guesses_are_ten_comparisons(plan: &Plan) {
    let relay = Relay::start().unwrap();
    let crew = Crew::start(plan, relay.addr());
    let code = code_in(&ask(&crew, &relay, "authing"));
    let doors = crew.doors();
    let compared = || crew.metric("rekey_comparisons_total");
    let guess = |n: u32| {
        let guess = verify("authing", ANN, &other(&code, n + 1));
        let place = format!("203.{}.{}.1", n / 200, n % 200);
        let guess = if n.is_multiple_of(2) { guess } else { from(guess, &place) };
        (doors[n as usize % doors.len()], Operation::Verify, crew.envelope(&guess, fresh()))
    };
    let before = compared();
    let outcomes = volley(&(0..1000).map(guess).collect::<Vec<_>>());
    assert!(!outcomes.iter().any(|outcome| outcome == "granted"), "{:?}", tally(&outcomes));
    let made = compared() - before;
    assert!((1..=10).contains(&made), "{}: {made} comparisons", plan.on.name());
    let right = from(verify("authing", ANN, &code), "198.18.0.1");
    assert_eq!(outcome(&crew.say(&right)), "proof_invalid", "the pot is empty for good");
}

/// All of them come from one sender, who would be refused otherwise.
const LIMITS: &str = "cool_down = \"1s\"\nattempts = \"5000/10m\"";

fn one() -> Plan {
    Plan { limits: LIMITS, ..Plan::default() }
}

fn three() -> Plan {
    Plan { on: On::postgres(), others: 2, ..one() }
}

#[test]
fn of_two_hundred_confirms_one_wins_on_sqlite() {
    one_of_two_hundred_wins(&one());
}

#[test]
fn of_two_hundred_confirms_at_three_sidecars_one_wins_on_postgres() {
    one_of_two_hundred_wins(&three());
}

#[test]
fn doubles_repeat_their_first_outcomes_on_sqlite() {
    doubles_repeat_their_first(&one());
}

#[test]
fn doubles_through_another_sidecar_repeat_their_first_outcomes_on_postgres() {
    doubles_repeat_their_first(&three());
}

#[test]
fn a_pot_bounds_a_thousand_parallel_guesses_on_sqlite() {
    a_thousand_guesses_are_ten_comparisons(&one());
}

#[test]
fn a_pot_bounds_a_thousand_parallel_guesses_on_postgres() {
    a_thousand_guesses_are_ten_comparisons(&three());
}
