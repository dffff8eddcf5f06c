//! `replicas.yaml`: two real sidecars on one PostgreSQL, of which one dies in the middle of a confirm, and one stops
//! answering.

use rekey_tests::house::{House, NEW, On, Plan, token_in};
use rekey_tests::http::{Call, Reply};
use rekey_tests::stage::{App, Envoy, EnvoyOptions, until};
use serde_json::{Value, json};

const HEALTHY: &str = "cluster.rekey_sidecar.membership_healthy";

/// No test of this meets a limit of one client.
const LIMITS: &str = "cool_down = \"1s\"\nsender_32 = \"100000/10m\"\nsender_24 = \"100000/10m\"";

/// A machine may be so busy that a hash takes seconds: what is shown is what a broken connection leads to.
const PATIENT: [(&str, &str); 3] = [
    ("per_try_timeout: 3s", "per_try_timeout: 15s"),
    ("timeout: 6s", "timeout: 19s"),
    ("- timeout: 1s", "- timeout: 15s"),
];

/// More than enough that one of them comes to the sidecar that is to die.
const PEOPLE: usize = 24;

fn build() -> House {
    let plan = Plan { on: On::postgres(), others: 1, limits: LIMITS, ..Plan::default() };
    let house = House::with(&plan);
    let account =
        |n| format!(r#"{{"id":"p{n}","email":"{}","password":"the old password"}}"#, person(n));
    house.add_accounts(&(0..PEOPLE).map(account).collect::<Vec<_>>());
    house
}

fn person(n: usize) -> String {
    format!("person{n}@example.com")
}

/// The shipped gateway before both.
fn gateway(house: &House, app: &App, change: &[(&str, &str)]) -> Envoy {
    let line = std::fs::read_to_string(house.data(0).join("keys/edge")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let other = house.others[0].addr("signed").unwrap();
    let mut options = EnvoyOptions::new(house.signed(), house.signed(), app.addr())
        .file("replicas.yaml")
        .swap("\"audience\": \"default\"", "\"audience\": \"demo\"")
        .swap("\"edge1\"", format!("\"{}\"", words[1]))
        .swap("127.0.0.1, port_value: 7180", format!("\"127.0.0.1\", port_value: {}", other.port()))
        .env("REKEY_EDGE_KEY", words[2]);
    options = change.iter().fold(options, |options, (old, new)| options.swap(old, *new));
    for (sidecar, port) in house.all().zip([7082, 7182]) {
        let admin = sidecar.addr("admin").unwrap().port();
        let check = |port| format!("health_check_config: {{ port_value: {port} }}");
        options = options.swap(&check(port), check(admin));
    }
    let (status, log) = Envoy::validate(&options).unwrap();
    assert!(status.success(), "{log}");
    let envoy = Envoy::start(&options).unwrap();
    wait_for(&envoy, 2);
    envoy
}

/// Waits until so many sidecars are well.
fn wait_for(envoy: &Envoy, count: u64) {
    until("sidecars that are well", || Ok(envoy.stat(HEALTHY)?.filter(|well| *well == count)))
        .unwrap();
}

fn send(envoy: &Envoy, path: &str, body: &Value) -> Reply {
    Call::post_json(path, body.to_string()).send(envoy.addr()).unwrap()
}

fn ask(envoy: &Envoy, who: &str) {
    let reply = send(envoy, "/reset/v1/initiate", &json!({"channel": "email", "to": who}));
    assert_eq!(reply.status, 202, "{}", reply.text());
}

/// The sidecar dies where the confirm is held but not done, or done but not answered: the same message goes to the other one,
/// which finishes it, or repeats what came of it.
#[test]
fn a_confirm_outlives_the_sidecar_that_was_at_it() {
    let (mut house, app) = (build(), App::start().unwrap());
    let mut people = 0..PEOPLE;
    for point in ["confirm.held", "confirm.finished"] {
        let file = house.data(0).join("crash");
        std::fs::write(&file, point).unwrap();
        house.restart_one(0);
        std::fs::remove_file(&file).unwrap();
        let envoy = gateway(&house, &app, &PATIENT);
        let retried = || envoy.stat("cluster.rekey_sidecar.upstream_rq_retry_success").unwrap();
        // Which of the two is asked is the gateway's choice.
        while retried() != Some(1) {
            let n = people.next().expect("one that comes to the first sidecar");
            let who = person(n);
            ask(&envoy, &who);
            let token = token_in(house.mailbox.wait_for(&who, 1).unwrap()[0].text());
            let body = json!({"token": token, "password": NEW});
            let done = send(&envoy, "/reset/v1/confirm", &body);
            assert_eq!(done.status, 200, "{point}: {}", done.text());
            assert_eq!(house.resets(&format!("p{n}")), 1, "{point}: written once");
        }
        until("its end", || Ok(house.sidecar.has_ended().then_some(()))).unwrap();
    }
    house.restart_one(0);
    let reset = people.start;
    assert!((0..reset).all(|n| house.has_password(&person(n), NEW)));
    assert!(app.requests().is_empty());
}

/// Nobody waits for one that does not answer, once it was noticed; it is back when it answers again.
#[test]
fn a_sidecar_that_stops_answering_is_left_alone_until_it_answers() {
    let (house, app) = (build(), App::start().unwrap());
    let envoy = gateway(&house, &app, &[]);
    house.sidecar.freeze();
    // Who meets the one that is frozen is tried again on the other in time.
    (0..2).for_each(|n| ask(&envoy, &person(n)));
    wait_for(&envoy, 1);
    let retries = || envoy.stat("cluster.rekey_sidecar.upstream_rq_retry").unwrap();
    let before = retries();
    (2..8).for_each(|n| ask(&envoy, &person(n)));
    assert_eq!(retries(), before);
    house.sidecar.thaw();
    wait_for(&envoy, 2);
    assert!(app.requests().is_empty());
}
