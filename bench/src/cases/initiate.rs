//! Initiate, durable, over 64 connections, beside raw group commits on the same disk.

use std::time::Duration;

use super::Bench;
use crate::fault::Benched;
use crate::figure::{Figure, Goal, Unit};
use crate::line::pump;
use crate::raw::Raw;
use crate::sidecar::{Plan, Sidecar};

const CONNECTIONS: usize = 64;

pub(crate) fn run(bench: &Bench) -> Benched<Vec<Figure>> {
    let dir = bench.dir("initiate")?;
    let mut raw = Raw::open(&dir)?;
    let sidecar = Sidecar::start(&dir, &Plan { relay: bench.nobody()?, sections: "" })?;
    let pen = sidecar.pen()?;
    let mut lines = sidecar.lines(CONNECTIONS)?;
    let (mut rates, mut ratios, mut cpu, mut whole) = (vec![], vec![], vec![], vec![]);
    for round in 0..=bench.rounds {
        let count = if round == 0 { bench.requests / 10 } else { bench.requests };
        let raw = raw.rate(Duration::from_secs(1))?;
        let asks: Benched<Vec<_>> =
            (0..count).map(|n| pen.initiate(&format!("u{round}.{n}@example.com"))).collect();
        let asks = asks?;
        let before = sidecar.cpu()?;
        let answers = pump(&mut lines, &asks)?;
        let during = sidecar.cpu()?.saturating_sub(before);
        answers.all("accepted")?;
        sidecar.rest()?;
        let after = sidecar.cpu()?.saturating_sub(before);
        bench.say(&format!("initiate {round}: {:.0}/s, raw {raw:.0}/s", answers.rate()))?;
        // The first round warms up.
        if round > 0 {
            rates.push(answers.rate());
            ratios.push(answers.rate() / raw);
            cpu.push(during.as_secs_f64() * 1e6 / count as f64);
            whole.push(after.as_secs_f64() * 1e6 / count as f64);
        }
    }
    sidecar.stop()?;
    Ok(vec![
        Figure::new("initiate, SQLite", Unit::PerSecond, rates)
            .goal(Goal::AtLeast(8000.0))
            .to("raw rows in commits of 64", ratios)
            .ratio_goal(Goal::AtLeast(0.25)),
        Figure::new("initiate, SQLite", Unit::Micros, cpu).goal(Goal::AtMost(100.0)),
        Figure::new("initiate with its decision (no account)", Unit::Micros, whole),
    ])
}
