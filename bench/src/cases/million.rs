//! Every operation's latency with a million accounts and live challenges, beside an empty database. Two sidecars run
//! side by side and take turns, one request at a time, so that whatever else the machine does meets both.

use std::path::PathBuf;
use std::time::Instant;

use super::{Bench, PATIENCE, free};
use crate::fault::{Benched, fault};
use crate::figure::{Figure, Goal, Unit, median};
use crate::line::Line;
use crate::pen::Pen;
use crate::people::{self, HASH};
use crate::preload;
use crate::sidecar::{Plan, Sidecar, import};
use crate::sink::{Mail, Sink};

const ROWS: usize = 1_000_000;
/// People of one round.
const PEOPLE: usize = 100;
const PASSWORD: &str = "correct horse battery";
const LINK: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// An operation: its name, its outcome, and its request for a person and the mail he got.
struct Step {
    name: &'static str,
    outcome: &'static str,
    request: fn(&Pen, &str, &Mail) -> Benched<Vec<u8>>,
}

/// In the order in which one person can do them.
const STEPS: [Step; 4] = [
    Step {
        name: "verify, wrong code",
        outcome: "proof_invalid",
        request: |pen, to, mail| pen.verify(to, &other(&mail.code)),
    },
    Step {
        name: "verify, right code",
        outcome: "granted",
        request: |pen, to, mail| pen.verify(to, &mail.code),
    },
    Step {
        name: "confirm, wrong link",
        outcome: "proof_invalid",
        request: |pen, _, _| pen.confirm(LINK, PASSWORD),
    },
    Step {
        name: "confirm, right link (hashes)",
        outcome: "reset",
        request: |pen, _, mail| pen.confirm(&mail.token, PASSWORD),
    },
];

pub(crate) fn run(bench: &Bench) -> Benched<Vec<Figure>> {
    let rows = bench.many(ROWS);
    let mut full = Side::fill(bench, bench.dir("million-full")?, rows)?;
    let mut empty = Side::start(bench.dir("million-empty")?)?;
    let rounds = bench.rounds();
    let mut spans = vec![(vec![], vec![]); STEPS.len() + 1];
    for round in 0..rounds {
        let people = people::addresses(&format!("known{round}"), PEOPLE);
        import(&empty.dir, &people::import_lines(&people))?;
        import(&full.dir, &people::import_lines(&people))?;
        let told = one_round(&mut empty, &mut full, &people)?;
        for ((empty, full), spans) in told.into_iter().zip(&mut spans) {
            spans.0.push(empty);
            spans.1.push(full);
        }
        bench.say(&format!("round {} of {rounds}", round + 1))?;
    }
    let names = ["initiate"].into_iter().chain(STEPS.iter().map(|step| step.name));
    let figures = names.zip(spans).map(|(name, (empty, full))| {
        let ratios = full.iter().zip(&empty).map(|(full, empty)| full / empty).collect();
        Figure::new(format!("{name}, {rows} rows"), Unit::Millis, full)
            .to("an empty database", ratios)
            .ratio_goal(Goal::AtMost(1.5))
    });
    let figures = figures.collect();
    empty.sidecar.stop()?;
    full.sidecar.stop()?;
    Ok(figures)
}

/// The medians of each operation, in milliseconds, of both sides.
fn one_round(empty: &mut Side, full: &mut Side, people: &[String]) -> Benched<Vec<(f64, f64)>> {
    let nothing = Mail { at: Instant::now(), code: String::new(), token: String::new() };
    let initiate = Step { name: "", outcome: "accepted", request: |pen, to, _| pen.initiate(to) };
    let pairs = people.iter().map(|to| (to.as_str(), nothing.clone(), nothing.clone()));
    let mut medians = vec![in_turns(empty, full, &initiate, pairs.collect())?];
    for step in &STEPS {
        let (left, right) = (empty.mails(people.len())?, full.mails(people.len())?);
        let pairs = people.iter().map(|to| {
            let mails = left.get(to).cloned().zip(right.get(to).cloned());
            mails.map(|(left, right)| (to.as_str(), left, right)).ok_or_else(|| fault("no mail"))
        });
        medians.push(in_turns(empty, full, step, pairs.collect::<Benched<_>>()?)?);
    }
    // The mails that tell of the change are not of the next round.
    empty.sidecar.rest()?;
    full.sidecar.rest()?;
    empty.sink.forget();
    full.sink.forget();
    Ok(medians)
}

fn in_turns(
    empty: &mut Side,
    full: &mut Side,
    step: &Step,
    people: Vec<(&str, Mail, Mail)>,
) -> Benched<(f64, f64)> {
    empty.sidecar.rest()?;
    full.sidecar.rest()?;
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for (to, in_empty, in_full) in people {
        left.push(empty.time(step, to, &in_empty)?);
        right.push(full.time(step, to, &in_full)?);
    }
    Ok((median(&left), median(&right)))
}

struct Side {
    dir: PathBuf,
    sink: Sink,
    sidecar: Sidecar,
    pen: Pen,
    lines: Vec<Line>,
}

impl Side {
    fn start(dir: PathBuf) -> Benched<Self> {
        let sink = Sink::start(free())?;
        let sidecar = Sidecar::start(&dir, &Plan::with_relay(sink.address()))?;
        let (pen, lines) = (sidecar.pen()?, sidecar.lines(1)?);
        Ok(Self { dir, sink, sidecar, pen, lines })
    }

    /// The first start makes the schema and the keys; then the rows come in, and it starts again.
    fn fill(bench: &Bench, dir: PathBuf, rows: usize) -> Benched<Self> {
        Self::start(dir.clone())?.sidecar.stop()?;
        preload::fill(&dir.join("data"), HASH, rows, |done| match done % 200_000 {
            0 => bench.say(&format!("{done} of {rows} rows written")),
            _ => Ok(()),
        })?;
        Self::start(dir)
    }

    fn mails(&self, count: usize) -> Benched<std::collections::HashMap<String, Mail>> {
        self.sink.wait_for(count, PATIENCE)
    }

    /// Milliseconds of one operation.
    fn time(&mut self, step: &Step, to: &str, mail: &Mail) -> Benched<f64> {
        let request = (step.request)(&self.pen, to, mail)?;
        let line = self.lines.first_mut().ok_or_else(|| fault("a line is missing"))?;
        let begun = Instant::now();
        let answer = line.ask(&request)?;
        let span = begun.elapsed();
        if answer.outcome != step.outcome {
            return Err(fault(format!("{}: {} {}", step.name, answer.outcome, answer.body)));
        }
        Ok(span.as_secs_f64() * 1e3)
    }
}

/// A code that this one is not.
fn other(code: &str) -> String {
    let number: u32 = code.parse().unwrap_or(0);
    format!("{:06}", (number + 1) % 1_000_000)
}
