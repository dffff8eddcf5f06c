//! Initiate, durable, over 64 connections, beside raw group commits on the same disk.

use super::{Bench, CONNECTIONS, each, nobody};
use crate::fault::Benched;
use crate::figure::{Figure, Goal, Unit};
use crate::line::{Line, pump};
use crate::pen::Pen;
use crate::raw::Raw;
use crate::sidecar::{Plan, Sidecar};

/// Asks of one round.
const ASKS: usize = 40_000;

pub(crate) fn run(bench: &Bench) -> Benched<Vec<Figure>> {
    let dir = bench.dir("initiate")?;
    let mut raw = Raw::open(&dir)?;
    let sidecar = Sidecar::start(&dir, &Plan::with_relay(nobody()?))?;
    let mut load = Load::on(&sidecar)?;
    let (mut asked, mut ratios) = (Vec::new(), Vec::new());
    // The first round warms up.
    for round in 0..=bench.rounds() {
        let raw = raw.rate(bench.many(ASKS))?;
        let done = load.round(round, bench.many(ASKS))?;
        bench.say(&format!("{:.0} asks/s, {raw:.0} raw rows/s", done.rate))?;
        if round > 0 {
            ratios.push(done.rate / raw);
            asked.push(done);
        }
    }
    sidecar.stop()?;
    let of = |value: fn(&Asked) -> f64| asked.iter().map(value).collect::<Vec<_>>();
    let shares = asked.iter().map(|asked| asked.decided / asked.cpu).collect();
    Ok(vec![
        Figure::new("initiate, SQLite", Unit::PerSecond, of(|asked| asked.rate))
            .goal(Goal::AtLeast(8000.0))
            .to("raw rows, 64 a commit", ratios)
            .ratio_goal(Goal::AtLeast(0.25)),
        Figure::new("initiate, SQLite", Unit::Micros, of(|asked| asked.cpu))
            .goal(Goal::AtMost(100.0)),
        Figure::new("  and until it was decided", Unit::Micros, of(|asked| asked.decided))
            .to("the above", shares),
    ])
}

/// Asks for addresses without an account, each once, each by a sender of its own.
pub(super) struct Load<'s> {
    sidecar: &'s Sidecar,
    pen: Pen,
    lines: Vec<Line>,
}

/// What a round of asks gave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// Answers a second.
    pub(super) rate: f64,
    /// Microseconds of the sidecar for each, until the last answer.
    pub(super) cpu: f64,
    /// The same until all were decided, too.
    pub(super) decided: f64,
}

impl<'s> Load<'s> {
    pub(super) fn on(sidecar: &'s Sidecar) -> Benched<Self> {
        Ok(Self { sidecar, pen: sidecar.pen()?, lines: sidecar.lines(CONNECTIONS)? })
    }

    pub(super) fn round(&mut self, round: usize, count: usize) -> Benched<Asked> {
        let asks = (0..count).map(|n| self.pen.initiate(&format!("u{round}.{n}@example.com")));
        let asks = asks.collect::<Benched<Vec<_>>>()?;
        let before = self.sidecar.cpu()?;
        let answers = pump(&mut self.lines, &asks)?;
        let during = self.sidecar.cpu()?.saturating_sub(before);
        answers.all("accepted")?;
        self.sidecar.rest()?;
        let decided = self.sidecar.cpu()?.saturating_sub(before);
        Ok(Asked { rate: answers.rate(), cpu: each(during, count), decided: each(decided, count) })
    }
}
