//! The outbox from outside: what `rekey mail` and `rekey why` tell and change, beside a sidecar that runs.

use rekey_tests::house::{ANN, Crew, On, Plan, from, initiate, outcome};
use rekey_tests::stage::{At, Manner, Relay, until};

/// Output of a command that has to succeed.
fn told(crew: &Crew, arguments: &[&str]) -> String {
    let told = crew.sidecar.rekey(arguments, "").unwrap();
    assert!(told.status.success(), "{arguments:?}: {}", told.err);
    told.out
}

/// What a command says that has to fail.
fn refused(crew: &Crew, arguments: &[&str]) -> String {
    let told = crew.sidecar.rekey(arguments, "").unwrap();
    assert!(!told.status.success(), "{arguments:?}: {}", told.out);
    told.err
}

/// The id of the only mail that is listed.
fn listed(crew: &Crew, state: &str) -> String {
    let list = told(crew, &["mail", "list", "--state", state]);
    let ids: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|word| word.len() == 32)
        .collect();
    let [id] = ids[..] else { panic!("{list}") };
    assert!(!list.contains(ANN), "masked: {list}");
    id.to_owned()
}

fn plan(on: On) -> Plan {
    Plan { on, limits: "cool_down = \"1s\"", ..Plan::default() }
}

fn a_bounce_is_told_and_remembered_until_it_is_forgiven(plan: &Plan) {
    let relay = Relay::start().unwrap();
    relay.set_for(ANN, Manner::Answer(At::Recipient, 550));
    let crew = Crew::start(plan, relay.addr());
    assert_eq!(outcome(&crew.say(&initiate("native", ANN))), "accepted");
    crew.settle();
    let id = listed(&crew, "dead");
    let shown = told(&crew, &["mail", "show", &id]);
    assert!(shown.contains("refused the recipient with 550") && !shown.contains(ANN), "{shown}");
    assert!(told(&crew, &["mail", "list"]).contains("addresses suppressed 1"));
    let why = told(&crew, &["why", ANN]);
    assert!(why.contains("dead (bounced") && why.contains("rekey mail unsuppress"), "{why}");
    relay.set_for(ANN, Manner::Accept);
    let again = |sender: &str| {
        assert_eq!(outcome(&crew.say(&from(initiate("native", ANN), sender))), "accepted");
        crew.settle();
    };
    again("203.0.113.1");
    let why = told(&crew, &["why", ANN]);
    assert!(why.contains("suppressed (bounced"), "{why}");
    assert!(relay.to(ANN).is_empty());
    told(&crew, &["mail", "unsuppress", ANN]);
    assert!(refused(&crew, &["mail", "unsuppress", ANN]).contains("rekey why"));
    let mut sender = 1;
    until("a mail", || {
        sender += 1;
        again(&format!("203.0.113.{sender}"));
        Ok((!relay.to(ANN).is_empty()).then_some(()))
    })
    .unwrap();
}

fn a_mail_is_dropped_and_given_another_chance(plan: &Plan) {
    let relay = Relay::start().unwrap();
    relay.set(Manner::Answer(At::Greeting, 421));
    let crew = Crew::start(plan, relay.addr());
    assert_eq!(outcome(&crew.say(&initiate("native", ANN))), "accepted");
    crew.settle_asks();
    relay.wait_for_connections(1).unwrap();
    let id = listed(&crew, "waiting");
    assert!(refused(&crew, &["mail", "retry", &id]).contains("waits already"));
    told(&crew, &["mail", "drop", &id]);
    assert!(told(&crew, &["why", ANN]).contains("dead (dropped"));
    assert!(refused(&crew, &["mail", "drop", &id]).contains("dead already"));
    relay.set(Manner::Accept);
    told(&crew, &["mail", "retry", "--all-dead"]);
    relay.wait_for(ANN, 1).unwrap();
    crew.settle();
    assert!(told(&crew, &["why", ANN]).contains(": sent"));
    assert!(refused(&crew, &["mail", "retry", &id]).contains("was sent"));
    let unknown = "0".repeat(32);
    assert!(refused(&crew, &["mail", "show", &unknown]).contains("rekey mail list"));
    assert!(refused(&crew, &["mail", "show", "x"]).contains("32 hex digits"));
}

#[test]
fn a_bounce_is_remembered_on_sqlite() {
    a_bounce_is_told_and_remembered_until_it_is_forgiven(&plan(On::default()));
}

#[test]
fn a_bounce_is_remembered_on_postgres() {
    a_bounce_is_told_and_remembered_until_it_is_forgiven(&plan(On::postgres()));
}

#[test]
fn a_dropped_mail_can_be_sent_after_all_on_sqlite() {
    a_mail_is_dropped_and_given_another_chance(&plan(On::default()));
}

#[test]
fn a_dropped_mail_can_be_sent_after_all_on_postgres() {
    a_mail_is_dropped_and_given_another_chance(&plan(On::postgres()));
}
