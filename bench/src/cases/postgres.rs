//! Initiate on PostgreSQL, over 64 connections, beside pgbench's rows with the same number of connections.

use super::initiate::Load;
use super::{Bench, each, nobody};
use crate::fault::{Benched, fault};
use crate::figure::{Figure, Goal, Unit};
use crate::postgres::Postgres;
use crate::sidecar::{Plan, Sidecar, draw_keys};

/// Asks of one round.
const ASKS: usize = 15_000;

pub(crate) fn run(bench: &Bench) -> Benched<Vec<Figure>> {
    let remedy = "PostgreSQL is not there; --postgres names the directory of its programs";
    let bin = bench.postgres.as_deref().ok_or_else(|| fault(remedy))?;
    let dir = bench.dir("postgres")?;
    let server = Postgres::start(bin, &dir.join("server"))?;
    let section = server.section();
    let plan = Plan { relay: nobody()?, sections: &section };
    draw_keys(&dir, &plan)?;
    let sidecar = Sidecar::start(&dir, &plan)?;
    let mut load = Load::on(&sidecar)?;
    let (mut asked, mut ratios, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    // The first round warms up.
    for round in 0..=bench.rounds() {
        let (bare, count) = (server.rate()?, bench.many(ASKS));
        let before = server.cpu()?;
        let done = load.round(round, count)?;
        let cpu = server.cpu()?.saturating_sub(before);
        bench.say(&format!("{:.0} asks/s, pgbench {bare:.0} rows/s", done.rate))?;
        if round > 0 {
            ratios.push(done.rate / bare);
            theirs.push(each(cpu, count));
            asked.push(done);
        }
    }
    sidecar.stop()?;
    let ours: Vec<f64> = asked.iter().map(|asked| asked.decided).collect();
    let shares = theirs.iter().zip(&ours).map(|(theirs, ours)| theirs / ours).collect();
    Ok(vec![
        Figure::new(
            "initiate, PostgreSQL",
            Unit::PerSecond,
            asked.iter().map(|a| a.rate).collect(),
        )
        .goal(Goal::AtLeast(3000.0))
        .to("pgbench, one row a commit", ratios),
        Figure::new("  in the sidecar, with the decision", Unit::Micros, ours),
        Figure::new("  in PostgreSQL, with the decision", Unit::Micros, theirs)
            .to("the above", shares),
    ])
}
