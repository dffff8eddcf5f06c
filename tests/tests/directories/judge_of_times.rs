//! Times of answers to those who have an account and to those who have none, in random order over one connection.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use contract::message::Message;
use rekey_tests::house::{fresh, from, initiate, outcome, post};
use rekey_tests::http::{Line, Reply};

use crate::rig::{Rig, sender};

/// Requests for each of the two.
const EACH: usize = 1000;
const WARM_UP: usize = 100;
/// Addresses of each.
const POOL: usize = 20;
/// Between two pardons: each address then was guessed at twice.
const PARDON: usize = 4 * POOL;
/// What so many requests resolve beside a build, and beside the directory itself, which works on the same cores.
const ALIKE: std::ops::RangeInclusive<f64> = 0.45..=0.55;
const RESOLVED: Duration = Duration::from_micros(40);

/// A rig that nobody else of this process measures beside.
pub(crate) struct Times {
    rig: Rig,
}

static ALONE: Mutex<()> = Mutex::new(());

impl Times {
    /// All of them asked once.
    pub(crate) fn new(rig: Rig) -> Self {
        for dialect in ["authing", "bamboocloud"] {
            for (is_known, n) in
                [true, false].into_iter().flat_map(|known| (0..POOL).map(move |n| (known, n)))
            {
                let ask = from(initiate(dialect, &address(is_known, n)), &sender());
                rig.crew.say(&ask);
            }
            rig.crew.settle();
        }
        Self { rig }
    }

    /// How likely an answer to somebody who is known takes longer than one to somebody who is not, and by how much.
    fn compare(&self, make: &impl Fn(&str) -> Message) -> (f64, Duration) {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut order: Vec<bool> = (0..2 * EACH).map(|n| n % 2 == 0).collect();
        shuffle(&mut order);
        let mut line = Line::connect(self.rig.crew.signed()).unwrap();
        let (mut known, mut unknown, mut answers) = (Vec::new(), Vec::new(), BTreeSet::new());
        for (n, is_known) in order.iter().take(WARM_UP).chain(&order).enumerate() {
            if n.is_multiple_of(PARDON) {
                forgive(&self.rig);
            }
            let message = from(make(&address(*is_known, n)), &sender());
            let body = self.rig.crew.envelope(&message, fresh());
            let bytes = post(message.operation(), &body).to_bytes("s");
            let begun = Instant::now();
            line.write(&bytes).unwrap();
            let reply = line.reply(false).unwrap();
            let time = begun.elapsed();
            answers.insert(without_date(&reply));
            if n >= WARM_UP {
                if *is_known { known.push(time) } else { unknown.push(time) }
            }
        }
        assert_eq!(answers.len(), 1, "answers differ: {answers:#?}");
        (area(&unknown, &known), median(&mut known).abs_diff(median(&mut unknown)))
    }
}

/// What fails is measured once more: one or the other is out by chance.
pub(crate) fn judge(times: &Times, name: &str, make: impl Fn(&str) -> Message) {
    let mut last = String::new();
    for _ in 0..2 {
        let (area, gap) = times.compare(&make);
        last = format!("{name}: {area:.3}, medians {gap:?} apart");
        eprintln!("{last}");
        if ALIKE.contains(&area) || gap < RESOLVED {
            return;
        }
    }
    panic!("told apart: {last}");
}

pub(crate) fn without_date(reply: &Reply) -> String {
    let headers = reply.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("date"));
    let headers: Vec<String> = headers
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)))
        .collect();
    format!("{}\n{}\n{}\n{}", reply.status, headers.join("\n"), reply.text(), outcome(reply))
}

fn address(is_known: bool, n: usize) -> String {
    format!("{}{}@example.com", if is_known { "known" } else { "unknown" }, n % POOL)
}

/// Takes back what was guessed, so that guesses do not run out while we measure.
fn forgive(rig: &Rig) {
    rig.crew.sql("UPDATE pot SET own_wrong = 0, others_wrong = 0 RETURNING 1");
    rig.crew.sql("UPDATE daily SET wrong = 0 RETURNING 1");
}

/// The area under the curve; ties count half.
fn area(left: &[Duration], right: &[Duration]) -> f64 {
    let mut all: Vec<(Duration, bool)> = left.iter().map(|time| (*time, false)).collect();
    all.extend(right.iter().map(|time| (*time, true)));
    all.sort_unstable();
    let (mut below, mut sum) = (0.0, 0.0);
    for ties in all.chunk_by(|one, next| one.0 == next.0) {
        let rights = ties.iter().filter(|(_, is_right)| *is_right).count() as f64;
        let lefts = ties.len() as f64 - rights;
        sum += rights * (below + lefts / 2.0);
        below += lefts;
    }
    sum / (left.len() as f64 * right.len() as f64)
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Fisher-Yates, another order each time.
fn shuffle(order: &mut [bool]) {
    let mut dice = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64 | 1;
    for at in (1..order.len()).rev() {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        order.swap(at, (dice % (at as u64 + 1)) as usize);
    }
}
