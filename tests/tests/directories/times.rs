//! Times of answers to those who have an account and to those who have none, in random order over one connection.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use contract::message::Message;
use rekey_tests::house::{fresh, from, initiate, post};
use rekey_tests::http::Line;
use rekey_tests::judge::{Told, nanoseconds, shuffle, without_date};

use crate::rig::{Rig, sender};

/// Requests for each of the two.
const EACH: usize = 2000;
const WARM_UP: usize = 100;
/// Addresses of each.
const POOL: usize = 20;
/// Between two pardons: each address then was guessed at twice.
const PARDON: usize = 4 * POOL;

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

    /// Those who are not known, and those who are.
    fn compare(&self, make: &impl Fn(&str) -> Message) -> Told {
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
            let time = nanoseconds(begun.elapsed());
            answers.insert(without_date(&reply));
            if n >= WARM_UP {
                if *is_known { known.push(time) } else { unknown.push(time) }
            }
        }
        assert_eq!(answers.len(), 1, "answers differ: {answers:#?}");
        Told::of(&unknown, &known)
    }
}

/// What fails is measured once more: one or the other is out by chance.
pub(crate) fn judge(times: &Times, name: &str, make: impl Fn(&str) -> Message) {
    let first = times.compare(&make);
    eprintln!("{name}: {first}");
    if first.is_apart() {
        let again = times.compare(&make);
        assert!(!again.is_apart(), "{name}: told apart: {first}, and again {again}");
    }
}

fn address(is_known: bool, n: usize) -> String {
    format!("{}{}@example.com", if is_known { "known" } else { "unknown" }, n % POOL)
}

/// Takes back what was guessed, so that guesses do not run out while we measure.
fn forgive(rig: &Rig) {
    rig.crew.sql("UPDATE pot SET own_wrong = 0, others_wrong = 0 RETURNING 1");
    rig.crew.sql("UPDATE daily SET wrong = 0 RETURNING 1");
}
