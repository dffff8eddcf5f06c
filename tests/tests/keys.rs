//! Keys that are exchanged under running sidecars, and a store that falls back behind them, on either engine.

use rekey_tests::house::{
    ANN, BOB, Crew, NEW, On, Plan, by_token, confirm, fresh, from, initiate, outcome, post,
    token_in,
};
use rekey_tests::http::Call;
use rekey_tests::stage::{Relay, until};

fn rekey(crew: &Crew, line: &str) -> Result<String, String> {
    let words: Vec<&str> = line.split(' ').collect();
    let told = crew.sidecar.rekey(&words, "").unwrap();
    if told.status.success() { Ok(told.out) } else { Err(told.err) }
}

/// Kind, id, state, since, here, and how many of how many live instances hold it.
fn row(crew: &Crew, kind: &str, state: &str) -> Option<Vec<String>> {
    let list = rekey(crew, "keys list").unwrap();
    let rows = list.lines().map(|line| line.split_whitespace().map(str::to_owned).collect());
    rows.into_iter().find(|row: &Vec<String>| row[0] == kind && row[2] == state)
}

fn id(crew: &Crew, kind: &str, state: &str) -> String {
    row(crew, kind, state).unwrap()[1].clone()
}

/// Draws a key and waits until every instance holds it; its id.
fn add(crew: &Crew, kind: &str) -> String {
    rekey(crew, &format!("keys add {kind}")).unwrap();
    until("a key that all instances hold", || {
        let found = row(crew, kind, "pending").filter(|row| row[5] == row[7]);
        Ok(found.map(|row| row[1].clone()))
    })
    .unwrap()
}

fn link(crew: &Crew, relay: &Relay, to: &str) -> String {
    assert_eq!(outcome(&crew.say(&initiate("native", to))), "accepted");
    token_in(relay.wait_for(to, 1).unwrap()[0].mail.text())
}

/// Through the last door, so that another instance judges than asked.
fn present(crew: &Crew, token: &str) -> String {
    let message = from(confirm("native", by_token(token), NEW), "198.51.100.9");
    let body = crew.envelope(&message, fresh());
    let door = *crew.doors().last().unwrap();
    outcome(&post(message.operation(), &body).send(door).unwrap())
}

fn exchange(plan: &Plan) {
    let relay = Relay::start().unwrap();
    let crew = Crew::start(plan, relay.addr());
    let (ann, bob) = (link(&crew, &relay, ANN), link(&crew, &relay, BOB));
    let former = id(&crew, "master", "active");
    let next = add(&crew, "master");
    rekey(&crew, &format!("keys activate master {next}")).unwrap();
    assert_eq!(present(&crew, &ann), "reset");
    let early = rekey(&crew, &format!("keys retire master {former} --finally")).unwrap_err();
    assert!(early.contains("links, codes or grants of it live"), "{early}");
    rekey(&crew, &format!("keys retire master {former} --finally --now")).unwrap();
    let beats = || crew.sql("SELECT value FROM meta WHERE name = 'beat'");
    let number = |text: String| text.trim_matches(['[', ']']).parse::<usize>().unwrap();
    // Each of them has beaten at least once more by then.
    let enough = number(beats()) + 2 * crew.doors().len();
    until("beats of every instance", || Ok((number(beats()) > enough).then_some(()))).unwrap();
    assert_eq!(present(&crew, &bob), "proof_invalid");
    assert_eq!(crew.resets("b2"), 0);
}

fn publish(plan: &Plan) {
    let relay = Relay::start().unwrap();
    let crew = Crew::start(plan, relay.addr());
    let next = add(&crew, "jwt");
    for sidecar in crew.all() {
        let door = sidecar.addr("public").unwrap();
        let set = Call::get("/.well-known/jwks.json").send(door).unwrap().text();
        assert!(set.contains(&next), "{set}");
    }
    let early = rekey(&crew, &format!("keys activate jwt {next}")).unwrap_err();
    assert!(early.contains("must be published for"), "{early}");
    rekey(&crew, &format!("keys activate jwt {next} --now")).unwrap();
}

/// What a server does that was put back from a copy while its sidecars go on.
fn fall_back(plan: &Plan) {
    let relay = Relay::start().unwrap();
    let crew = Crew::start(plan, relay.addr());
    let ann = link(&crew, &relay, ANN);
    // A house on PostgreSQL drew its keys on another store, so the first start has told of one already.
    let told = || crew.count("audit WHERE event = 'store_restored'");
    let before = told();
    crew.sql("UPDATE meta SET value = 0 WHERE name = 'beat' RETURNING value");
    until("a store that is known to be a former one", || Ok((told() > before).then_some(())))
        .unwrap();
    assert_eq!(present(&crew, &ann), "proof_invalid");
    assert_eq!(crew.resets("a1"), 0);
}

fn two() -> Plan {
    Plan { on: On::postgres(), others: 1, ..Plan::default() }
}

#[test]
fn a_master_is_exchanged_under_a_running_sidecar_on_sqlite() {
    exchange(&Plan::default());
}

#[test]
fn a_master_is_exchanged_under_two_running_sidecars_on_postgres() {
    exchange(&two());
}

#[test]
fn a_jwt_key_is_published_by_all_before_it_signs_on_postgres() {
    publish(&two());
}

#[test]
fn a_store_that_falls_back_loses_its_proofs_on_sqlite() {
    fall_back(&Plan::default());
}

#[test]
fn a_store_that_falls_back_loses_its_proofs_on_postgres() {
    fall_back(&two());
}
