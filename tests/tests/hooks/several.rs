//! Events that several sidecars on one store have in hand.

use contract::message::Message;
use rekey_tests::house::{
    NEW, OLD, On, Plan, by_token, confirm, fresh, from, initiate, outcome, post, token_in,
};
use rekey_tests::stage::until;

use crate::events::{Told, kinds, sender};

const PEOPLE: usize = 12;

const PLENTY: &str =
    "sender_32 = \"100000/10m\"\nsender_24 = \"100000/10m\"\naddress = \"100000/10m\"";

fn mailbox(n: usize) -> String {
    format!("p{n}@example.org")
}

/// Says it to one sidecar after the other.
fn say(told: &Told, n: usize, message: &Message) -> String {
    let doors = told.house.doors();
    let body = told.house.envelope(message, fresh());
    outcome(&post(message.operation(), &body).send(doors[n % doors.len()]).unwrap())
}

/// What waits is due for all of them at once, and one of them is killed: each event comes once, an account's in order.
#[test]
fn three_sidecars_tell_each_event_once_and_in_order() {
    let plan = Plan { on: On::postgres(), others: 2, limits: PLENTY, ..Plan::default() };
    let mut told = Told::with("", &plan);
    let account = |n| format!(r#"{{"id":"p{n}","email":"{}","password":"{OLD}"}}"#, mailbox(n));
    told.house.add_accounts(&(0..PEOPLE).map(account).collect::<Vec<String>>());
    told.receiver.kill().unwrap();
    for n in 0..PEOPLE {
        let ask = from(initiate("native", &mailbox(n)), &sender());
        assert_eq!(say(&told, n, &ask), "accepted");
    }
    for n in 0..PEOPLE {
        let mail = told.house.mailbox.wait_for(&mailbox(n), 1).unwrap().pop().unwrap();
        let confirm = from(confirm("native", by_token(&token_in(mail.text())), NEW), &sender());
        assert_eq!(say(&told, n + 1, &confirm), "reset");
    }
    until("the end of all attempts", || {
        let under_way = "event WHERE state = 'waiting' AND attempts > 0 AND reply IS NULL";
        Ok((told.house.count(under_way) == 0).then_some(()))
    })
    .unwrap();
    assert_eq!(told.waiting(), 2 * PEOPLE as u64);
    let before = told.tape.requests().len();
    told.receiver.resume().unwrap();
    told.house.others[0].kill().unwrap();
    told.retry();
    told.wait_for(2 * PEOPLE);
    until("the end of all", || Ok((told.waiting() == 0).then_some(()))).unwrap();
    let kept = kinds(&told.kept());
    for n in 0..PEOPLE {
        let end = format!(" p{n}");
        let of: Vec<&str> =
            kept.iter().filter_map(|event| event.strip_suffix(end.as_str())).collect();
        assert_eq!(of, ["reset.requested", "password.reset"], "{kept:?}");
    }
    assert_eq!(told.tape.requests().len() - before, 2 * PEOPLE, "none was told twice");
}
