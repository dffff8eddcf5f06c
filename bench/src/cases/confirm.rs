//! Confirms over 16 connections: how near their rate comes to a bare loop of the same argon2 on all cores, what memory they
//! take, and what asks feel of it. Both engines, each in a sidecar of its own.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, available_parallelism};
use std::time::{Duration, Instant};

use super::{Bench, CONNECTIONS, PATIENCE, each, free};
use crate::engine::Engine;
use crate::fault::{Benched, fault};
use crate::figure::{Figure, Goal, Unit, quantile};
use crate::line::{Line, pump};
use crate::pen::Pen;
use crate::sidecar::{Plan, Sidecar, import};
use crate::sink::Sink;
use crate::{cpu, people, pss};

/// Connections that confirm.
const LINES: usize = 16;
/// Confirms of one round; as many again while asks are timed.
const CONFIRMS: usize = 600;
/// Asks a round, with and without hashing.
const ASKS: usize = 500;
const PACE: Duration = Duration::from_millis(4);
const PASSWORD: &str = "correct horse battery";
/// Of a bare loop, before and after each round.
const RAW: Duration = Duration::from_secs(2);
/// Longer than the hash threads keep their memory.
const IDLE: Duration = Duration::from_secs(7);
const STARTS: usize = 5;

pub(crate) fn run(bench: &Bench) -> Benched<Vec<Figure>> {
    let mut figures = Vec::new();
    for engine in Engine::ALL {
        figures.extend(of_engine(bench, engine)?);
    }
    Ok(figures)
}

fn of_engine(bench: &Bench, engine: Engine) -> Benched<Vec<Figure>> {
    let dir = bench.dir(&format!("confirm-{}", engine.name()))?;
    let sink = Sink::start(free())?;
    let sections = format!("[password]\nengine = \"{}\"\n", engine.name());
    let plan = Plan { relay: sink.address(), sections: &sections };
    // The first start makes keys and schema.
    Sidecar::start(&dir, &plan)?.stop()?;
    let starts = starts(&dir, &plan)?;
    let sidecar = Sidecar::start(&dir, &plan)?;
    let mut rig = Rig { pen: sidecar.pen()?, sink, sidecar, dir };
    let mut rounds = Vec::new();
    // The first round warms up.
    for round in 0..=bench.rounds() {
        let done = rig.round(engine, round, bench.many(CONFIRMS), bench.many(ASKS))?;
        bench.say(&format!("{}: {:.0}/s, {:.2} of raw", engine.name(), done.rate, done.share))?;
        if round > 0 {
            rounds.push(done);
        }
    }
    thread::sleep(IDLE);
    let idle = pss::of(rig.sidecar.id())?;
    rig.sidecar.stop()?;
    figures(engine, &rounds, idle, starts)
}

/// Milliseconds from start to ready.
fn starts(dir: &Path, plan: &Plan<'_>) -> Benched<Vec<f64>> {
    let start = |_| {
        let sidecar = Sidecar::start(dir, plan)?;
        let ready = sidecar.ready().as_secs_f64() * 1e3;
        sidecar.stop().map(|()| ready)
    };
    (0..STARTS).map(start).collect()
}

fn figures(engine: Engine, rounds: &[Round], idle: f64, starts: Vec<f64>) -> Benched<Vec<Figure>> {
    let of = |value: fn(&Round) -> f64| rounds.iter().map(value).collect::<Vec<_>>();
    let cores = available_parallelism()?.get() as f64;
    let name = |what: &str| format!("{what}, {}", engine.name());
    let rate = Figure::new(name("confirm"), Unit::PerSecond, of(|round| round.rate))
        .to("the bare loop; our CPU apart", of(|round| round.share))
        .ratio_goal(Goal::AtLeast(0.95));
    let rate = match engine {
        Engine::Reference => rate,
        Engine::Fast => rate.goal(Goal::AtLeast(198.0)),
    };
    Ok(vec![
        rate,
        Figure::new("  the bare loop", Unit::PerSecond, of(|round| round.raw)),
        Figure::new("  its hash", Unit::Micros, of(|round| round.hash))
            .to("a hash of the bare loop", of(|round| round.hash / round.raw_hash)),
        Figure::new("  all else of it", Unit::Micros, of(|round| round.rest))
            .to("its hash", of(|round| round.rest / round.hash)),
        Figure::new("  p99 of 16 at a time", Unit::Millis, of(|round| round.p99))
            .to("16 / rate", of(|round| round.p99 * round.rate / (LINES as f64 * 1e3)))
            .ratio_goal(Goal::AtMost(1.5)),
        Figure::new("  memory meanwhile", Unit::Mebibytes, of(|round| round.peak))
            .goal(Goal::AtMost(24.0 + cores * 19.0)),
        Figure::new("  memory at rest", Unit::Mebibytes, vec![idle]).goal(Goal::AtMost(20.0)),
        Figure::new("  ready after the start", Unit::Millis, starts).goal(Goal::AtMost(100.0)),
        Figure::new("  p99 of asks meanwhile", Unit::Millis, of(|round| round.asks_meanwhile))
            .to("asks alone", of(|round| round.asks_meanwhile / round.asks_alone))
            .ratio_goal(Goal::AtMost(2.0)),
    ])
}

/// What a round gave.
#[derive(Clone, Copy, Debug)]
struct Round {
    /// Confirms a second.
    rate: f64,
    /// Hashes a second of the bare loop, and microseconds of CPU for each.
    raw: f64,
    raw_hash: f64,
    /// The rate on the CPU that we left to the sidecar, as a part of `raw`.
    share: f64,
    /// Microseconds of CPU for each on the hash threads, and on all others.
    hash: f64,
    rest: f64,
    p99: f64,
    peak: f64,
    asks_alone: f64,
    asks_meanwhile: f64,
}

/// Of the hash threads, and of all others.
struct Cpu {
    hash: Duration,
    rest: Duration,
}

struct Rig {
    sidecar: Sidecar,
    pen: Pen,
    sink: Sink,
    dir: std::path::PathBuf,
}

impl Rig {
    fn round(&mut self, engine: Engine, n: usize, confirms: usize, asks: usize) -> Benched<Round> {
        let requests = self.links(&format!("known{n}"), confirms)?;
        let before = engine.bare(RAW)?;
        let (ours, theirs) = (cpu::of(std::process::id())?, self.cpu()?);
        let (told, peak) = pss::peak(self.sidecar.id(), || confirm(&self.sidecar, &requests))?;
        let ours = cpu::of(std::process::id())?.saturating_sub(ours);
        let now = self.cpu()?;
        let after = engine.bare(RAW)?;
        let raw = f64::midpoint(before.rate, after.rate);
        let cores = available_parallelism()?.get() as f64;
        let (count, took) = (requests.len() as f64, told.took.as_secs_f64());
        let left = 1.0 - ours.as_secs_f64() / (cores * took);
        let alone = self.asks(&format!("alone{n}"), asks, &AtomicBool::new(true))?;
        let more = self.links(&format!("more{n}"), confirms)?;
        let meanwhile = self.asks_meanwhile(&format!("meanwhile{n}"), asks, &more)?;
        Ok(Round {
            rate: count / took,
            raw,
            raw_hash: f64::midpoint(before.cpu, after.cpu),
            share: count / took / left / raw,
            hash: each(now.hash.saturating_sub(theirs.hash), requests.len()),
            rest: each(now.rest.saturating_sub(theirs.rest), requests.len()),
            p99: quantile(&told.millis, 0.99),
            peak,
            asks_alone: quantile(&alone, 0.99),
            asks_meanwhile: quantile(&meanwhile, 0.99),
        })
    }

    fn cpu(&self) -> Benched<Cpu> {
        let hash = cpu::of_threads(self.sidecar.id(), "hash")?;
        Ok(Cpu { hash, rest: self.sidecar.cpu()?.saturating_sub(hash) })
    }

    /// Confirms for so many people, each with the link of a mail.
    fn links(&self, group: &str, count: usize) -> Benched<Vec<Vec<u8>>> {
        let people = people::addresses(group, count);
        import(&self.dir, &people::import_lines(&people))?;
        // The mails that tell of a change are not among those that are waited for.
        self.sidecar.rest()?;
        self.sink.forget();
        let asks = people.iter().map(|to| self.pen.initiate(to)).collect::<Benched<Vec<_>>>()?;
        pump(&mut self.sidecar.lines(CONNECTIONS)?, &asks)?.all("accepted")?;
        let mails = self.sink.wait_for(count, PATIENCE)?;
        self.sidecar.rest()?;
        mails.values().map(|mail| self.pen.confirm(&mail.token, PASSWORD)).collect()
    }

    /// Asks at a steady pace as long as `on` holds; milliseconds of each.
    fn asks(&self, group: &str, count: usize, on: &AtomicBool) -> Benched<Vec<f64>> {
        let mut lines = self.sidecar.lines(1)?;
        let line = lines.first_mut().ok_or_else(|| fault("a line is missing"))?;
        let mut turn = Instant::now();
        let mut millis = Vec::new();
        for to in people::addresses(group, count) {
            let request = self.pen.initiate(&to)?;
            turn += PACE;
            thread::sleep(turn.saturating_duration_since(Instant::now()));
            if !on.load(Ordering::Relaxed) {
                break;
            }
            millis.push(ask(line, &request, "accepted")?);
        }
        Ok(millis)
    }

    /// The same while all hash threads are busy.
    fn asks_meanwhile(&self, group: &str, most: usize, confirms: &[Vec<u8>]) -> Benched<Vec<f64>> {
        let busy = AtomicBool::new(true);
        thread::scope(|scope| {
            let (sidecar, on) = (&self.sidecar, &busy);
            let hashing = scope.spawn(move || {
                let told = confirm(sidecar, confirms);
                on.store(false, Ordering::Relaxed);
                told
            });
            let asked = self.asks(group, most, &busy);
            hashing.join().unwrap_or_else(|_| Err(fault("the confirms panicked")))?;
            asked
        })
    }
}

/// Says all over 16 lines, each with a thread of its own: an answer is noted when it comes.
fn confirm(sidecar: &Sidecar, requests: &[Vec<u8>]) -> Benched<Told> {
    let mut lines = sidecar.lines(LINES)?;
    let waiting = Mutex::new(requests.iter());
    let begun = Instant::now();
    let millis: Vec<Benched<Vec<f64>>> = thread::scope(|scope| {
        let talk = |line| scope.spawn(|| talk(line, || waiting.lock().ok()?.next()));
        let talks: Vec<_> = lines.iter_mut().map(talk).collect();
        let told = talks.into_iter().map(|talk| talk.join());
        told.map(|told| told.unwrap_or_else(|_| Err(fault("a line panicked")))).collect()
    });
    let took = begun.elapsed();
    let millis = millis.into_iter().collect::<Benched<Vec<_>>>()?.concat();
    Ok(Told { took, millis })
}

/// What was seen of confirms.
struct Told {
    took: Duration,
    millis: Vec<f64>,
}

/// Confirms over one line until nothing waits any more.
fn talk<'r>(line: &mut Line, mut next: impl FnMut() -> Option<&'r Vec<u8>>) -> Benched<Vec<f64>> {
    let mut millis = Vec::new();
    while let Some(request) = next() {
        millis.push(ask(line, request, "reset")?);
    }
    Ok(millis)
}

/// Milliseconds until the answer.
fn ask(line: &mut Line, request: &[u8], expected: &str) -> Benched<f64> {
    let begun = Instant::now();
    let answer = line.ask(request)?;
    match answer.outcome {
        outcome if outcome == expected => Ok(begun.elapsed().as_secs_f64() * 1e3),
        outcome => Err(fault(format!("{outcome}: {}", answer.body))),
    }
}
