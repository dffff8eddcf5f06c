//! Many passwords at once: memory stays what the threads need, nobody waits without an answer, no proof is spent twice, and
//! a place is a hash's to its end. ATTACKS.md 32.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use contract::message::Message;
use rekey_tests::house::{
    Crew, Plan, by_token, confirm, fresh, from, initiate, outcome, post, token_in,
};
use rekey_tests::http::{Line, Reply};
use rekey_tests::stage::{Relay, until};

/// A password that nobody asks for, at a cost that nobody pays here.
const HASH: &str =
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
const NEW: &str = "correct horse battery";
const MANY: &str = "backlog = 100000\nclient = \"100000/1m\"\ninstallation = \"100000/1m\"";

/// MiB that 300 connections need, and leave in the heap; two hashes need 38.
const CONNECTIONS: u64 = 28;

/// MiB that a sidecar has of its own making; pages of the program are shared with whichever other one runs just now.
fn memory(crew: &Crew) -> u64 {
    let path = format!("/proc/{}/smaps_rollup", crew.sidecar.id());
    let text = fs::read_to_string(path).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss_Anon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// People with accounts, and the links that they got.
struct Town {
    crew: Crew,
    /// Account and proof of each.
    people: Vec<(String, Message)>,
    _relay: Relay,
}

impl Town {
    fn of(count: usize, sections: &'static str) -> Self {
        let relay = Relay::start().unwrap();
        let plan = Plan { limits: MANY, sections, ..Plan::default() };
        let crew = Crew::start(&plan, relay.addr());
        let account =
            |n| format!(r#"{{"id":"p{n}","email":"p{n}@example.com","password_hash":"{HASH}"}}"#);
        crew.add_accounts(&(0..count).map(account).collect::<Vec<_>>());
        let ask = |n| from(initiate("native", &format!("p{n}@example.com")), &sender(n));
        crew.say_all(&(0..count).map(ask).collect::<Vec<_>>(), 8);
        let proof = |n| {
            let taken = relay.wait_for(&format!("p{n}@example.com"), 1).unwrap();
            let token = token_in(taken[0].mail.text());
            (format!("p{n}"), from(confirm("native", by_token(&token), NEW), &sender(n)))
        };
        let people = (0..count).map(proof).collect();
        crew.settle();
        Self { crew, people, _relay: relay }
    }

    fn line(&self) -> Line {
        Line::connect(self.crew.signed()).unwrap()
    }

    /// What a gateway sends, and sends again.
    fn bytes(&self, message: &Message) -> Vec<u8> {
        post(message.operation(), &self.crew.envelope(message, fresh())).to_bytes("s")
    }

    /// As [`Self::reset`] for everybody, at one moment; how often each was sent away.
    fn all_reset(&self) -> Vec<usize> {
        let start = Barrier::new(self.people.len());
        std::thread::scope(|scope| {
            let start = &start;
            let one = |message| {
                let thread = std::thread::Builder::new().stack_size(256 * 1024);
                thread.spawn_scoped(scope, move || self.reset(message, start)).unwrap()
            };
            let all: Vec<_> = self.people.iter().map(|(_, message)| one(message)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        })
    }

    /// Says it until it is done; every other answer is 503 with a time.
    fn reset(&self, message: &Message, start: &Barrier) -> usize {
        let (mut line, bytes, mut away) = (self.line(), self.bytes(message), 0);
        start.wait();
        until("a reset", || {
            line.write(&bytes)?;
            let reply = line.reply(false)?;
            if outcome(&reply) == "reset" {
                return Ok(Some(()));
            }
            is_busy(&reply);
            away += 1;
            Ok(None)
        })
        .unwrap();
        away
    }
}

/// Ends what goes on beside a test, also when that fails.
struct Stop<'g>(&'g AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

fn sender(n: usize) -> String {
    format!("{}.{}.7.1", 60 + n / 250, n % 250)
}

fn is_busy(reply: &Reply) {
    assert_eq!((reply.status, outcome(reply).as_str()), (503, "busy"));
    let seconds: u32 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&seconds), "{seconds}");
}

#[test]
fn three_hundred_at_once() {
    let town = Town::of(300, "[password]\nthreads = 2\nqueue = 32\n");
    let (crew, hashed) = (&town.crew, town.crew.metric("rekey_hashes_total"));
    let before = memory(crew);
    let going = AtomicBool::new(true);
    let (away, most, asks) = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = 0;
            while going.load(Ordering::Relaxed) {
                most = most.max(memory(crew));
            }
            most
        });
        let asks = scope.spawn(|| {
            let (mut line, mut spans) = (town.line(), Vec::new());
            while going.load(Ordering::Relaxed) {
                let n = spans.len();
                let to = format!("nobody{n}@example.com");
                let begun = Instant::now();
                let ask = from(initiate("native", &to), &sender(1000 + n));
                line.write(&town.bytes(&ask)).unwrap();
                assert_eq!(outcome(&line.reply(false).unwrap()), "accepted");
                spans.push(begun.elapsed());
            }
            spans.sort();
            spans
        });
        let stop = Stop(&going);
        let away = town.all_reset();
        drop(stop);
        (away, watch.join().unwrap(), asks.join().unwrap())
    });
    assert!(most <= before + 38 + CONNECTIONS, "{before} MiB before, {most} MiB at the most");
    assert!(away.iter().any(|times| *times > 0), "nobody was ever sent away");
    // While that many were being hashed; half of them, for the machine may be crowded. The bench holds the p99.
    assert!(asks[asks.len() / 2] < Duration::from_millis(250), "{:?}", asks[asks.len() / 2]);
    assert_eq!(crew.metric("rekey_hashes_total") - hashed, 300, "one hash for each");
    let rows = crew.sql("SELECT account FROM audit WHERE event = 'confirm' AND outcome = 'reset'");
    let rows: Vec<[String; 1]> = serde_json::from_str(&rows).unwrap();
    let mut resets = BTreeMap::new();
    rows.into_iter().for_each(|[account]| *resets.entry(account).or_insert(0) += 1);
    assert_eq!(resets.len(), 300);
    assert!(resets.values().all(|times| *times == 1), "{resets:?}");
    let mut left = u64::MAX;
    let back = until("the memory to go back", || {
        left = left.min(memory(crew));
        Ok((left <= before + CONNECTIONS).then_some(()))
    });
    assert!(back.is_ok(), "{before} MiB before, {most} MiB at the most, {left} MiB left");
}

/// Who hangs up while his password is hashed frees no place, and gains nothing.
#[test]
fn a_place_is_the_hashs_to_its_end() {
    let town = Town::of(
        13,
        "[password]\nthreads = 1\nqueue = 1\nmemory_kib = 131072\npasses = 16\ndeadline = \"60s\"\n",
    );
    let (crew, hashed) = (&town.crew, town.crew.metric("rekey_hashes_total"));
    let before = memory(crew);
    let ((_, last), first) = town.people.split_last().unwrap();
    let mut lines: Vec<Line> = first.iter().map(|_| town.line()).collect();
    for (n, (line, (_, message))) in lines.iter_mut().zip(first).enumerate() {
        line.write(&town.bytes(message)).unwrap();
        if n == 0 {
            // It has its place before the others come.
            until("a hash", || Ok((memory(crew) >= before + 64).then_some(()))).unwrap();
        }
    }
    // One is hashed, one waits, ten are sent away.
    let sent_away = || crew.sidecar.log().matches("\"event\":\"flow_failed\"").count();
    until("the ten", || Ok((sent_away() == 10).then_some(()))).unwrap();
    drop(lines);
    let mut line = town.line();
    line.write(&town.bytes(last)).unwrap();
    is_busy(&line.reply(false).unwrap());
    let mut most = 0;
    until("the two hashes", || {
        most = most.max(memory(crew));
        Ok((crew.metric("rekey_hashes_total") - hashed == 2).then_some(()))
    })
    .unwrap();
    assert!(most <= before + 128 + 16, "{before} MiB before, {most} MiB at the most");
    until("both resets", || {
        let spent = crew.count("challenge WHERE state = 'spent'");
        Ok((spent == 2).then_some(()))
    })
    .unwrap();
}
