//! Events against the reference receiver, told by a real sidecar: in order, until they are acknowledged, whoever dies
//! meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rekey_tests::house::{
    ANN, BOB, House, NEW, Plan, by_token, confirm, from, initiate, number, outcome, token_in,
    verify,
};
use rekey_tests::stage::{Answer, HOOK_KEY, Reaction, Receiver, Server, until};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::described::hold;
use crate::rig::{Said, pass, write_private};

/// A house that tells events to a receiver, on a tape.
pub(crate) struct Told {
    pub(crate) house: House,
    pub(crate) receiver: Receiver,
    pub(crate) tape: Server,
    said: Said,
    _dir: TempDir,
}

impl Told {
    fn start(more: &str) -> Self {
        Self::with(more, &Plan::default())
    }

    pub(crate) fn with(more: &str, plan: &Plan) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let receiver = Receiver::start(&dir.path().join("receiver")).unwrap();
        let (said, to) = (Said::default(), receiver.addr());
        let ours = Arc::clone(&said);
        let tape = Server::start(move |received| pass(received, to, &ours)).unwrap();
        let sections = section(&format!("http://{}/events", tape.addr()), &dir, more);
        let house = House::with(&Plan { sections, ..plan.clone() });
        Self { house, receiver, tape, said, _dir: dir }
    }

    /// What the receiver keeps, in the order in which it came.
    pub(crate) fn kept(&self) -> Vec<Value> {
        let rows = self.receiver.sql("SELECT body FROM told ORDER BY rowid").unwrap();
        let rows: Vec<[String; 1]> = serde_json::from_str(&rows).unwrap();
        rows.iter().map(|[body]| serde_json::from_str(body).unwrap()).collect()
    }

    pub(crate) fn wait_for(&self, count: usize) -> Vec<Value> {
        until("events", || Ok(Some(self.kept()).filter(|kept| kept.len() >= count))).unwrap()
    }

    pub(crate) fn waiting(&self) -> u64 {
        self.house.count("event WHERE state = 'waiting'")
    }

    /// A link of a fresh mail, and a reset by it.
    fn reset(&self, who: &str, count: usize) {
        let mail = self.house.ask("native", who, count);
        let token = token_in(mail.text());
        assert_eq!(outcome(&self.house.say(&confirm("native", by_token(&token), NEW))), "reset");
    }

    /// Has what was put off told now.
    pub(crate) fn retry(&self) {
        let told = self.house.sidecar.rekey(&["events", "retry", "--all-waiting"], "").unwrap();
        assert!(told.status.success(), "{}", told.err);
    }
}

fn section(url: &str, dir: &TempDir, more: &str) -> &'static str {
    let key = dir.path().join("events.secret");
    write_private(&key, HOOK_KEY);
    // Plans are written down in tests; this one is made.
    String::leak(format!(
        "[events]\nurl = \"{url}\"\nsecret = \"file:{}\"\n{more}\n",
        key.display()
    ))
}

pub(crate) fn kinds(events: &[Value]) -> Vec<String> {
    let one = |event: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        format!("{} {}", text(&event["type"]), text(&event["data"]["account"]))
    };
    events.iter().map(one).collect()
}

#[test]
fn a_reset_is_told_as_it_happened() {
    let told = Told::start("");
    told.reset(ANN, 1);
    told.house.say(&initiate("native", "nobody@example.com"));
    let kept = told.wait_for(2);
    assert_eq!(kinds(&kept), ["reset.requested a1", "password.reset a1"]);
    assert_eq!(kept[1]["data"]["address"], "a***@e***.com");
    assert_eq!(kept[1]["data"]["site"], kept[0]["data"]["site"]);
    let said = told.said.lock().unwrap().clone();
    assert_eq!(hold(&said).unwrap(), "passwordReset 200\nresetRequested 200\n");
    let all = format!("{said:?}");
    for secret in [ANN, NEW, "token"] {
        assert!(!all.contains(secret), "{secret} was told");
    }
    assert_eq!(told.waiting(), 0);
    let doctor = told.house.sidecar.rekey(&["doctor"], "").unwrap();
    assert!(doctor.out.contains("refuses a call that is signed wrongly"), "{}", doctor.out);
    assert_eq!(told.kept().len(), 2, "the doctor tells nothing");
}

#[test]
fn what_nobody_wants_to_hear_is_not_queued() {
    let told = Told::start("kinds = [\"password.reset\"]");
    told.reset(ANN, 1);
    assert_eq!(kinds(&told.wait_for(1)), ["password.reset a1"]);
    let house = House::build();
    let mail = house.ask("native", ANN, 1);
    let token = token_in(mail.text());
    assert_eq!(outcome(&house.say(&confirm("native", by_token(&token), NEW))), "reset");
    assert_eq!(house.count("event"), 0);
}

/// The receiver is away, the sidecar is killed, both come back: everything is told, in order, each under one id.
#[test]
fn nothing_is_lost_between_a_receiver_that_is_away_and_a_sidecar_that_is_killed() {
    let mut told = Told::start("");
    told.receiver.kill().unwrap();
    told.reset(ANN, 1);
    told.reset(BOB, 1);
    until("attempts", || Ok((told.tape.requests().len() >= 2).then_some(()))).unwrap();
    told.house.sidecar.kill().unwrap();
    told.house.restart();
    assert_eq!(told.waiting(), 4);
    told.receiver.resume().unwrap();
    told.retry();
    let kept = kinds(&told.wait_for(4));
    for (account, events) in [("a1", 2), ("b2", 2)] {
        let of: Vec<&String> = kept.iter().filter(|event| event.ends_with(account)).collect();
        assert_eq!(of.len(), events, "{kept:?}");
        assert!(of[0].starts_with("reset.requested"), "{kept:?}");
        assert!(of[1].starts_with("password.reset"), "{kept:?}");
    }
    until("the end of all", || Ok((told.waiting() == 0).then_some(()))).unwrap();
    let first = &told.tape.requests()[0];
    let again = told.tape.requests().iter().filter(|one| one.body == first.body).count();
    assert!(again >= 2, "it was told again");
    let ids: Vec<_> = told
        .tape
        .requests()
        .iter()
        .filter(|one| one.body == first.body)
        .map(|one| one.header("webhook-id"))
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "under the same id: {ids:?}");
    hold(&told.said.lock().unwrap()).unwrap();
}

/// Killed when the receiver has heard it and nobody noted that: it is told again, and known by its id.
#[test]
fn killed_between_the_telling_and_the_noting() {
    let mut told = Told::start("kinds = [\"password.reset\"]");
    std::fs::write(told.house.data(0).join("crash"), "tell.told").unwrap();
    told.house.restart();
    let token = token_in(told.house.ask("native", ANN, 1).text());
    let _answer_or_crash = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        told.house.say(&confirm("native", by_token(&token), NEW))
    }));
    until("the end at the named point", || Ok(told.house.sidecar.has_ended().then_some(())))
        .unwrap();
    std::fs::remove_file(told.house.data(0).join("crash")).unwrap();
    told.house.restart();
    told.retry();
    until("the end of all", || Ok((told.waiting() == 0).then_some(()))).unwrap();
    assert_eq!(told.tape.requests().len(), 2);
    assert_eq!(kinds(&told.kept()), ["password.reset a1"], "kept once");
}

/// One account's event is never acknowledged; the others' are told.
#[test]
fn one_accounts_stuck_event_stops_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(|received| {
        let is_anns = received.text().contains("\"a1\"");
        Reaction::Answer(Answer::json(if is_anns { 500 } else { 204 }, ""))
    })
    .unwrap();
    let sections = section(&format!("http://{}", server.addr()), &dir, "");
    let house = House::with(&Plan { sections, ..Plan::default() });
    for who in [ANN, BOB] {
        let token = token_in(house.ask("native", who, 1).text());
        assert_eq!(outcome(&house.say(&confirm("native", by_token(&token), NEW))), "reset");
    }
    until("bob's events", || Ok((house.count("event WHERE state = 'told'") == 2).then_some(())))
        .unwrap();
    assert_eq!(house.count("event WHERE state = 'waiting' AND account = 'a1'"), 2);
    let anns = server.requests().into_iter().filter(|one| one.text().contains("\"a1\""));
    assert!(anns.clone().count() >= 1);
    assert!(anns.into_iter().all(|one| one.text().contains("reset.requested")), "in order");
    let listed = house.sidecar.rekey(&["events", "list", "--state", "waiting"], "").unwrap();
    assert!(listed.out.contains("status 500") && listed.out.contains("a1"), "{}", listed.out);
    let id = listed.out.lines().last().unwrap().split(' ').next().unwrap().to_owned();
    for (command, word) in [("show", "reset.requested"), ("drop", "dropped"), ("retry", "due now")]
    {
        let said = house.sidecar.rekey(&["events", command, &id], "").unwrap();
        assert!(said.out.contains(word), "{command}: {}{}", said.out, said.err);
    }
}

/// Wrong codes until the day is used up: told once, and of nobody who is not there.
#[test]
fn a_used_up_day_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let ours = Arc::clone(&heard);
    let server = Server::start(move |received| {
        ours.lock().unwrap().push(received.text());
        Reaction::Answer(Answer::json(200, "{}"))
    })
    .unwrap();
    let more = "kinds = [\"reset.frozen\"]";
    let sections = section(&format!("http://{}", server.addr()), &dir, more);
    let limits = "daily_wrong_codes = 5";
    let house = House::with(&Plan { sections, limits, ..Plan::default() });
    for who in [ANN, "nobody@example.com"] {
        house.say(&initiate("authing", who));
        house.settle();
        for _ in 0..8 {
            let guess = from(verify("authing", who, "0000000"), &sender());
            assert_eq!(outcome(&house.say(&guess)), "proof_invalid");
        }
    }
    until("an event", || Ok((!heard.lock().unwrap().is_empty()).then_some(()))).unwrap();
    until("the end of notes", || {
        Ok((house.count("event WHERE state IN ('noted', 'waiting')") == 0).then_some(()))
    })
    .unwrap();
    let heard = heard.lock().unwrap();
    let [event] = heard.as_slice() else { panic!("{heard:?}") };
    let event: Value = serde_json::from_str(event).unwrap();
    assert_eq!(event["type"], "reset.frozen");
    let data = json!({"account": "a1", "channel": "email", "address": "a***@e***.com"});
    assert_eq!(event["data"], data);
}

/// Who reset a password is logged out everywhere, even if the service cannot do that for a while.
#[test]
fn sessions_end_when_the_directory_can_end_them() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(&dir.path().join("receiver")).unwrap();
    let is_away = Arc::new(AtomicBool::new(true));
    let (said, to, away) = (Said::default(), receiver.addr(), Arc::clone(&is_away));
    let ours = Arc::clone(&said);
    let tape = Server::start(move |received| match received.target.as_str() {
        "/sessions/end" if away.load(Ordering::SeqCst) => Reaction::Close,
        _ => pass(received, to, &ours),
    })
    .unwrap();
    let insert = "INSERT INTO users (id, email, hash) VALUES";
    receiver.sql(&format!("{insert} ('a1', '{ANN}', 'old'), ('b2', '{BOB}', 'old')")).unwrap();
    receiver.sql("INSERT INTO sessions VALUES ('1', 'a1'), ('2', 'a1'), ('3', 'b2')").unwrap();
    let http = format!(
        "[http]\nurl = \"http://{}\"\nsecret = \"file:{}\"\n",
        tape.addr(),
        receiver.key().display()
    );
    let (top, sections) = ("directory = \"http\"", String::leak(http));
    let house = House::with(&Plan { top, sections, bare: true, ..Plan::default() });
    let token = token_in(house.ask("native", ANN, 1).text());
    assert_eq!(outcome(&house.say(&confirm("native", by_token(&token), NEW))), "reset");
    let ends = || {
        let calls = tape.requests().into_iter();
        calls.filter(|one| one.target == "/sessions/end").collect::<Vec<_>>()
    };
    until("an attempt", || Ok((!ends().is_empty()).then_some(()))).unwrap();
    until("its end", || {
        let put_off =
            "event WHERE state = 'waiting' AND kind = 'sessions.end' AND reply IS NOT NULL";
        Ok((house.count(put_off) == 1).then_some(()))
    })
    .unwrap();
    is_away.store(false, Ordering::SeqCst);
    let told = house.sidecar.rekey(&["events", "retry", "--all-waiting"], "").unwrap();
    assert!(told.out.contains("1 are due"), "{}{}", told.out, told.err);
    until("the end of all", || Ok((house.count("event WHERE state = 'told'") == 1).then_some(())))
        .unwrap();
    assert_eq!(receiver.sql("SELECT user FROM sessions").unwrap(), "[[\"b2\"]]");
    let ids: Vec<_> = ends().iter().map(|one| one.header("webhook-id")).collect();
    assert!(ids.len() >= 2 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let held = hold(&said.lock().unwrap()).unwrap();
    for operation in ["find 200", "get 200", "write 200", "endSessions 200"] {
        assert!(held.contains(operation), "{held}");
    }
}

pub(crate) fn sender() -> String {
    let n = number();
    format!("{}.{}.{}.7", 60 + n / 62500, n / 250 % 250, n % 250)
}
