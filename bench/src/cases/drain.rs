//! Drain: mails that waited because the relay was down, and how fast they leave when it is there again.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::{Bench, CONNECTIONS, PATIENCE, each, nobody};
use crate::fault::{Benched, fault};
use crate::figure::{Figure, Goal, Unit};
use crate::line::pump;
use crate::people;
use crate::sidecar::{Plan, Sidecar, import};
use crate::smtp::Outside;

/// Mails of one round.
const MAILS: usize = 5000;
const LOOK: Duration = Duration::from_millis(10);

pub(crate) fn run(bench: &Bench) -> Benched<Vec<Figure>> {
    let dir = bench.dir("drain")?;
    let sink = Outside::start(bench.smtp_sink.as_deref())?;
    bench.say(&format!("into {}", sink.name))?;
    let (mut rates, mut ratios, mut ours, mut sinks) = (vec![], vec![], vec![], vec![]);
    for round in 0..bench.rounds().min(3) {
        let count = bench.many(MAILS);
        let bare = sink.bare_rate(count)?;
        let count = queue(&dir, &people::addresses(&format!("known{round}"), count))?;
        let drained = drain(&dir, &sink, count)?;
        bench.say(&format!("{:.0} mails/s, bare {bare:.0}/s", drained.rate))?;
        ratios.push(drained.rate / bare);
        rates.push(drained.rate);
        ours.push(each(drained.ours, count));
        sinks.push(each(drained.sinks, count));
    }
    let shares = sinks.iter().zip(&ours).map(|(sink, ours)| sink / ours).collect();
    Ok(vec![
        Figure::new("drain into a sink", Unit::PerSecond, rates)
            .goal(Goal::AtLeast(1500.0))
            .to("bare SMTP", ratios),
        Figure::new("  a mail, in the sidecar", Unit::Micros, ours),
        Figure::new("  a mail, in the sink", Unit::Micros, sinks).to("the above", shares),
    ])
}

struct Drained {
    rate: f64,
    ours: Duration,
    sinks: Duration,
}

/// Asks for all of them while nobody listens at the relay's address; how many were taken. When the sidecar has seen for
/// some seconds that nothing leaves, it takes no more.
fn queue(dir: &Path, people: &[String]) -> Benched<usize> {
    let sidecar = Sidecar::start(dir, &Plan::with_relay(nobody()?))?;
    import(dir, &people::import_lines(people))?;
    let pen = sidecar.pen()?;
    let asks = people.iter().map(|to| pen.initiate(to)).collect::<Benched<Vec<_>>>()?;
    let answers = pump(&mut sidecar.lines(CONNECTIONS)?, &asks)?;
    let taken = answers.outcomes.get("accepted").copied().unwrap_or(0);
    let end = Instant::now() + PATIENCE;
    let database = open(dir)?;
    // Some asks may wait until fewer mails do; what matters is that none is on its way.
    let waiting = "SELECT COUNT(*) FROM mail WHERE state = 'waiting'";
    while count(&database, waiting)? == 0 && Instant::now() < end {
        std::thread::sleep(LOOK);
    }
    sidecar.stop()?;
    // Each attempt that failed put its mail off. A restart alone would not make them due.
    let due = "UPDATE mail SET next_at = 0, attempts = 0 WHERE state = 'waiting'";
    Connection::open(dir.join("data/rekey.db"))?.execute(due, [])?;
    Ok(taken)
}

/// Starts the sidecar again, with the relay there. Timed from the first mail that left, so that the start is not in it.
fn drain(dir: &Path, sink: &Outside, mails: usize) -> Benched<Drained> {
    let database = open(dir)?;
    let sent = || count(&database, "SELECT COUNT(*) FROM mail WHERE state = 'sent'");
    let before = sent()?;
    let sink_before = sink.cpu()?;
    let sidecar = Sidecar::start(dir, &Plan::with_relay(sink.address()))?;
    let patience = Instant::now() + PATIENCE;
    let mut first = None;
    loop {
        let (now, gone) = (Instant::now(), sent()?.saturating_sub(before));
        if gone > 0 && first.is_none() {
            first = Some((now, gone));
        }
        if let Some((begun, already)) = first
            && gone >= mails
        {
            let rate = (gone - already) as f64 / (now - begun).as_secs_f64();
            let (ours, sinks) = (sidecar.cpu()?, sink.cpu()?.saturating_sub(sink_before));
            sidecar.stop()?;
            return Ok(Drained { rate, ours, sinks });
        }
        if now > patience {
            return Err(fault(format!("{gone} of {mails} mails left")));
        }
        std::thread::sleep(LOOK);
    }
}

fn open(dir: &Path) -> Benched<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    Ok(Connection::open_with_flags(dir.join("data/rekey.db"), flags)?)
}

fn count(database: &Connection, query: &str) -> Benched<usize> {
    let count: i64 = database.prepare_cached(query)?.query_row([], |row| row.get(0))?;
    usize::try_from(count).map_err(|_| fault("a count is negative"))
}
