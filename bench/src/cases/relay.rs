//! From ask to relay: how long it takes until the mail is with the relay, at 100 asks a second, beside asks alone.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use super::{Bench, PATIENCE, free};
use crate::fault::{Benched, fault};
use crate::figure::{Figure, Goal, Unit, median, quantile};
use crate::line::Line;
use crate::pen::Pen;
use crate::people;
use crate::sidecar::{Plan, Sidecar, import};
use crate::sink::{Mail, Sink};

const PACE: Duration = Duration::from_millis(10);
/// Ten seconds.
const ASKS: usize = 1000;
const ALONE: usize = 20;
/// A line is used again after so many asks: by then it was answered.
const LINES: usize = 16;

pub(crate) fn run(bench: &Bench) -> Benched<Vec<Figure>> {
    let dir = bench.dir("relay")?;
    let sink = Sink::start(free())?;
    let sidecar = Sidecar::start(&dir, &Plan::with_relay(sink.address()))?;
    let mut rig = Rig { pen: sidecar.pen()?, lines: sidecar.lines(LINES)?, sink };
    let rounds = bench.rounds().min(3);
    let (mut alone, mut half, mut late) = (vec![], vec![], vec![]);
    for round in 0..rounds {
        let few = people::addresses(&format!("alone{round}"), ALONE);
        let many = people::addresses(&format!("known{round}"), bench.many(ASKS));
        import(&dir, &people::import_lines(&few))?;
        import(&dir, &people::import_lines(&many))?;
        sidecar.rest()?;
        alone.push(median(&rig.alone(&few)?));
        let spans = rig.paced(&many)?;
        half.push(median(&spans));
        late.push(quantile(&spans, 0.99));
        bench.say(&format!("p99 {:.1} ms", quantile(&spans, 0.99)))?;
    }
    sidecar.stop()?;
    let ratios = |spans: &[f64]| spans.iter().zip(&alone).map(|(s, a)| s / a).collect();
    let (half_ratios, late_ratios) = (ratios(&half), ratios(&late));
    Ok(vec![
        Figure::new("from ask to relay at 100/s, p50", Unit::Millis, half)
            .to("an ask alone", half_ratios),
        Figure::new("from ask to relay at 100/s, p99", Unit::Millis, late)
            .goal(Goal::AtMost(2000.0))
            .to("an ask alone", late_ratios),
    ])
}

struct Rig {
    pen: Pen,
    lines: Vec<Line>,
    sink: Sink,
}

impl Rig {
    /// One after the other, each when the mail of the one before is there.
    fn alone(&mut self, people: &[String]) -> Benched<Vec<f64>> {
        let mut spans = Vec::new();
        for to in people {
            self.sink.forget();
            let ask = self.pen.initiate(to)?;
            let begun = Instant::now();
            for line in self.lines.iter_mut().take(1) {
                line.ask(&ask)?;
            }
            let mails = self.sink.wait_for(1, PATIENCE)?;
            spans.push(span(&mails, to, begun)?);
        }
        Ok(spans)
    }

    /// At a fixed pace, whatever the answers do. Milliseconds of each.
    fn paced(&mut self, people: &[String]) -> Benched<Vec<f64>> {
        self.sink.forget();
        let asks = people.iter().map(|to| self.pen.initiate(to)).collect::<Benched<Vec<_>>>()?;
        let begun = Instant::now();
        let mut sent = Vec::new();
        let mut due = begun;
        for (ask, at) in asks.iter().zip((0..LINES).cycle()) {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let line = self.lines.get_mut(at).ok_or_else(|| fault("a line is missing"))?;
            if sent.len() >= LINES {
                line.read()?;
            }
            // What we were late counts, too.
            sent.push(due);
            line.write(ask)?;
            due += PACE;
        }
        for line in self.lines.iter_mut().take(asks.len()) {
            line.read()?;
        }
        let mails = self.sink.wait_for(people.len(), PATIENCE)?;
        people.iter().zip(sent).map(|(to, sent)| span(&mails, to, sent)).collect()
    }
}

/// Milliseconds.
fn span(mails: &HashMap<String, Mail>, to: &str, sent: Instant) -> Benched<f64> {
    let mail = mails.get(to).ok_or_else(|| fault(format!("no mail to {to}")))?;
    Ok(mail.at.saturating_duration_since(sent).as_secs_f64() * 1e3)
}
