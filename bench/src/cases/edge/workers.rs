//! Private memory of Envoy for each worker more: with the filter, every worker has a VM of its own.

use super::{Bench, CONNECTIONS, ask, cost, kit};
use crate::envoy::{Envoy, Kit, Place};
use crate::fault::Benched;
use crate::figure::{Figure, Goal, Unit};
use crate::pss;

/// Workers of the larger gateway, beside one of the smaller.
const WORKERS: usize = 9;
const REQUESTS: usize = 4_000;

pub(super) fn run(bench: &Bench) -> Benched<Vec<Figure>> {
    let kit = kit(bench)?;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for round in 0..bench.rounds() {
        with.push(each(bench, &kit, Place::Filter, "/reset/v1/initiate", "202")?);
        without.push(each(bench, &kit, Place::Nothing, "/plain", "accepted")?);
        bench.say(&format!(
            "round {}: {:?} and {:?} MiB",
            round + 1,
            with.last(),
            without.last()
        ))?;
    }
    let more: Vec<f64> = with.iter().zip(&without).map(|(with, without)| with - without).collect();
    Ok(vec![
        Figure::new("Envoy, a worker more", Unit::Mebibytes, without),
        Figure::new("  the filter adds", Unit::Mebibytes, more).goal(Goal::AtMost(1.0)),
    ])
}

/// MiB of each worker but the first, all of them at work.
fn each(bench: &Bench, kit: &Kit, place: Place, path: &str, status: &str) -> Benched<f64> {
    let memory = |workers: usize| {
        let dir = bench.dir("workers")?;
        let envoy = Envoy::start(kit, &dir, place, workers)?;
        let mut lines = envoy.lines(CONNECTIONS * workers)?;
        cost(envoy.id(), &mut lines, &ask(path), status, bench.many(REQUESTS) * workers)?;
        drop(lines);
        pss::private(envoy.id())
    };
    Ok((memory(WORKERS)? - memory(1)?) / (WORKERS - 1) as f64)
}
