//! CPU of `rekey edge` for a reset and for the app's requests, beside a hyper proxy that does nothing, by turns.

use super::{Bench, CONNECTIONS, ask, browse, cost, kit};
use crate::fault::Benched;
use crate::figure::{Figure, Goal, Unit};
use crate::line::Line;
use crate::proxy::{Edge, Plain};

const REQUESTS: usize = 20_000;

struct Round {
    plain: f64,
    quiet: f64,
    info: f64,
    passing: f64,
}

struct Side {
    id: u32,
    lines: Vec<Line>,
}

pub(super) fn run(bench: &Bench) -> Benched<Vec<Figure>> {
    let (dir, kit) = (bench.dir("proxy")?, kit(bench)?);
    let plain = Plain::start(kit.sidecar)?;
    let quiet = Edge::start(&dir.join("quiet"), &kit, "warn")?;
    let info = Edge::start(&dir.join("info"), &kit, "info")?;
    let side = |id, address| -> Benched<Side> {
        Ok(Side { id, lines: Line::open_many(address, CONNECTIONS)? })
    };
    let mut sides = [
        side(plain.id(), plain.address())?,
        side(quiet.id(), quiet.address())?,
        side(info.id(), info.address())?,
    ];
    let count = bench.many(REQUESTS);
    let round = || {
        let [plain, quiet, info] = &mut sides;
        let ask = ask("/reset/v1/initiate");
        Ok(Round {
            plain: plain.cost(&ask, "accepted", count)?,
            quiet: quiet.cost(&ask, "202", count)?,
            info: info.cost(&ask, "202", count)?,
            passing: quiet.cost(&browse(), "200", count)?,
        })
    };
    let told = |done: &Round| {
        format!(
            "plain {:.1}, quiet {:.1}, info {:.1}, passing {:.1}",
            done.plain, done.quiet, done.info, done.passing
        )
    };
    Ok(figures(&bench.measure(round, told)?))
}

fn figures(rounds: &[Round]) -> Vec<Figure> {
    let of = |value: fn(&Round) -> f64| rounds.iter().map(value).collect::<Vec<_>>();
    vec![
        Figure::new("a plain hyper proxy", Unit::Micros, of(|round| round.plain)),
        Figure::new(
            "  rekey edge adds, log at warn",
            Unit::Micros,
            of(|round| round.quiet - round.plain),
        )
        .goal(Goal::AtMost(25.0))
        .to("the plain proxy, in all", of(|round| round.quiet / round.plain)),
        Figure::new(
            "  rekey edge adds, log at info",
            Unit::Micros,
            of(|round| round.info - round.plain),
        )
        .goal(Goal::AtMost(25.0))
        .to("the plain proxy, in all", of(|round| round.info / round.plain)),
        Figure::new(
            "  the app's requests add",
            Unit::Micros,
            of(|round| round.passing - round.plain),
        )
        .to("the plain proxy, in all", of(|round| round.passing / round.plain)),
    ]
}

impl Side {
    fn cost(&mut self, request: &[u8], status: &str, count: usize) -> Benched<f64> {
        cost(self.id, &mut self.lines, request, status, count)
    }
}
