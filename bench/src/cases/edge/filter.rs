//! CPU of Envoy's process for a request, by turns: a reset through the filter, through Lua that does the same but the
//! signature, and straight to the sidecar; the app's own requests, with the filter in the chain and without it.

use super::{Bench, CONNECTIONS, ask, browse, cost, kit, register};
use crate::envoy::{Envoy, Place};
use crate::fault::Benched;
use crate::figure::{Figure, Goal, Unit};
use crate::line::Line;

/// Requests of one kind in a round.
const REQUESTS: usize = 20_000;

/// One gateway with its clients.
struct Side {
    envoy: Envoy,
    lines: Vec<Line>,
}

/// Microseconds of a round.
struct Round {
    plain: f64,
    filter: f64,
    passing: f64,
    lua_plain: f64,
    lua: f64,
    other: f64,
    other_without: f64,
}

pub(super) fn run(bench: &Bench) -> Benched<Vec<Figure>> {
    let (dir, kit) = (bench.dir("filter")?, kit(bench)?);
    let side = |name: &str, place| -> Benched<Side> {
        let envoy = Envoy::start(&kit, &dir.join(name), place, 1)?;
        let lines = envoy.lines(CONNECTIONS)?;
        Ok(Side { envoy, lines })
    };
    let (mut filter, mut lua, mut without) = (
        side("filter", Place::Filter)?,
        side("lua", Place::Lua)?,
        side("without", Place::Nothing)?,
    );
    let count = bench.many(REQUESTS);
    let round = || {
        Ok(Round {
            plain: filter.cost(&ask("/plain"), "accepted", count)?,
            filter: filter.cost(&ask("/reset/v1/initiate"), "202", count)?,
            passing: filter.cost(&register(), "200", count)?,
            lua_plain: lua.cost(&ask("/plain"), "accepted", count)?,
            lua: lua.cost(&ask("/reset/v1/initiate"), "202", count)?,
            other: filter.cost(&browse(), "200", count)?,
            other_without: without.cost(&browse(), "200", count)?,
        })
    };
    let told = |done: &Round| {
        format!(
            "plain {:.1}, filter adds {:.1}, passing on {:.1}, Lua adds {:.1}",
            done.plain,
            done.filter - done.plain,
            done.passing - done.plain,
            done.lua - done.lua_plain
        )
    };
    Ok(figures(&bench.measure(round, told)?))
}

fn figures(rounds: &[Round]) -> Vec<Figure> {
    let of = |value: fn(&Round) -> f64| rounds.iter().map(value).collect::<Vec<_>>();
    let adds = |round: &Round| round.filter - round.plain;
    let passing = |round: &Round| round.passing - round.plain;
    let lua_adds = |round: &Round| round.lua - round.lua_plain;
    vec![
        Figure::new("Envoy, a reset without the filter", Unit::Micros, of(|round| round.plain)),
        Figure::new("  the filter adds", Unit::Micros, rounds.iter().map(adds).collect())
            .goal(Goal::AtMost(22.0))
            .to("what Lua adds", rounds.iter().map(|round| adds(round) / lua_adds(round)).collect())
            .ratio_goal(Goal::AtMost(0.65)),
        Figure::new("  passing on, it adds", Unit::Micros, rounds.iter().map(passing).collect()),
        Figure::new("  Lua, unsigned, adds", Unit::Micros, rounds.iter().map(lua_adds).collect()),
        Figure::new("Envoy, the app's requests", Unit::Micros, of(|round| round.other))
            .to("no filter in the chain", of(|round| round.other / round.other_without))
            .ratio_goal(Goal::AtMost(1.02)),
    ]
}

impl Side {
    fn cost(&mut self, request: &[u8], status: &str, count: usize) -> Benched<f64> {
        cost(self.envoy.id(), &mut self.lines, request, status, count)
    }
}
