//! As many asks for unknown addresses as two cores bear, from a thousand senders; and people who just want their link.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use rekey_tests::house::{Crew, OLD, On, Plan, fresh, from, initiate, number, outcome, post};
use rekey_tests::http::Line;
use rekey_tests::stage::{Relay, Staged, poll};

use crate::rounds;

const SENDERS: u64 = 1000;
const ATTACKERS: usize = 16;
const EVERY: Duration = Duration::from_millis(100);
/// From ask to relay, for all but one in a hundred.
const LIMIT: Duration = Duration::from_secs(5);
/// Asks and their messages are forgotten after a quarter of an hour; until then this many bytes each are plenty.
const BYTES_PER_ASK: u64 = 4096;
/// What a write-ahead log may hold before it goes into the file, and then some.
const LOG: u64 = 75_000_000;
const BACKLOG: u64 = 10_000;

/// One person's ask.
struct Wish {
    to: String,
    said: String,
    at: Instant,
}

fn victim(n: usize) -> String {
    format!("v{n}@example.com")
}

fn drowns_nobody(on: On) {
    let relay = Relay::start().unwrap();
    let crew = Crew::start(&Plan { on, ..Plan::default() }, relay.addr());
    // In `just test` ten seconds; `REKEY_SOAK` says how many.
    let asked = rounds(10) as usize * 10;
    let line = |n| format!(r#"{{"id":"v{n}","email":"{}","password":"{OLD}"}}"#, victim(n));
    crew.add_accounts(&(0..100).map(line).collect::<Vec<_>>());
    let before = crew.size();
    let (over, made) = (AtomicBool::new(false), AtomicU64::new(0));
    let begun = Instant::now();
    let wishes = std::thread::scope(|scope| {
        let attackers: Vec<_> =
            (0..ATTACKERS).map(|_| scope.spawn(|| attack(&crew, &over, &made))).collect();
        let gave_up = || attackers.iter().any(ScopedJoinHandle::is_finished);
        let wishes = wish(&crew, begun, asked, &gave_up);
        over.store(true, Ordering::SeqCst);
        assert_eq!(wishes.len(), asked, "an attacker gave up");
        wishes
    });
    let rate = made.load(Ordering::SeqCst) as f64 / begun.elapsed().as_secs_f64();
    let waiting = crew.count("ask WHERE state = 'waiting'");
    assert!(waiting <= BACKLOG, "{waiting} asks wait");
    let taken = arrivals(&relay, &wishes);
    let grown = crew.size().saturating_sub(before);
    eprintln!("flood on {}: {rate:.0} hostile asks/s; {taken}; {grown} bytes", crew.on.name());
    let asks = crew.count("ask");
    assert!(grown <= LOG + asks * BYTES_PER_ASK, "{grown} bytes for {asks} asks");
}

/// Asks for one unknown address after the other, each from one of the senders.
fn attack(crew: &Crew, over: &AtomicBool, made: &AtomicU64) {
    let mut line = Line::connect(crew.signed()).unwrap();
    while !over.load(Ordering::SeqCst) {
        let n = number();
        let sender = format!("203.{}.{}.{}", n % SENDERS / 250, n % 250, 1 + n % 7);
        let ask = from(initiate("native", &format!("x{n}@example.com")), &sender);
        let body = crew.envelope(&ask, fresh());
        line.write(&post(ask.operation(), &body).to_bytes("s")).unwrap();
        let said = outcome(&line.reply(false).unwrap());
        assert!(["accepted", "busy", "throttled"].contains(&said.as_str()), "{said}");
        made.fetch_add(1, Ordering::SeqCst);
    }
}

/// One ask every tenth of a second, whatever became of those before, as long as the flood goes on.
fn wish(crew: &Crew, begun: Instant, count: usize, has_ended: &dyn Fn() -> bool) -> Vec<Wish> {
    let wish = |n: usize| {
        // An open loop: people do not wait for each other.
        let due = begun + EVERY * n as u32;
        let left = due.saturating_duration_since(Instant::now());
        if poll(left, || Staged::Ok(has_ended().then_some(()))).unwrap().is_some() {
            return None;
        }
        let (to, at) = (victim(n % 100), Instant::now());
        let sender = format!("198.18.{}.{}", n / 250 % 250, n % 250 + 1);
        let reply = crew.say(&from(initiate("native", &to), &sender));
        Some(Wish { to, said: outcome(&reply), at })
    };
    (0..count).map_while(wish).collect()
}

/// Holds the arrivals against the limit.
fn arrivals(relay: &Relay, wishes: &[Wish]) -> String {
    let refused = wishes.iter().filter(|wish| wish.said == "busy").count();
    let mut waits = Vec::new();
    for wish in wishes.iter().filter(|wish| wish.said == "accepted") {
        let patience = (LIMIT * 4).saturating_sub(wish.at.elapsed());
        let came = relay.wait_within(patience, &wish.to, |taken| {
            taken.iter().map(|taken| taken.at).find(|at| *at >= wish.at)
        });
        waits.push(came.map_or(LIMIT * 4, |at| at - wish.at));
    }
    waits.sort();
    let told = wishes.iter().all(|wish| ["accepted", "busy"].contains(&wish.said.as_str()));
    assert!(told, "a person is told something else");
    // The smallest wait that so many in a hundred do not exceed.
    let at =
        |share: usize| waits.get((waits.len() * share).div_ceil(100).saturating_sub(1)).copied();
    let (half, most) = (at(50).unwrap_or_default(), at(99).unwrap_or_default());
    assert!(most <= LIMIT, "{} asks, {refused} refused: 99 in 100 within {most:?}", wishes.len());
    format!("{} asks, {refused} told 503, median {half:?}, p99 {most:?}", wishes.len())
}

#[test]
fn a_flood_of_unknown_addresses_drowns_nobody_on_sqlite() {
    drowns_nobody(On::Sqlite);
}
