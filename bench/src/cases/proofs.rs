//! Wrong proofs: what a guess costs us. A right link, which is hashed for, is the baseline: a wrong one that cost as much
//! would be hashed for, too.

use super::{Bench, CONNECTIONS, PATIENCE, each, free};
use crate::fault::Benched;
use crate::figure::{Figure, Goal, Unit};
use crate::line::{Line, pump};
use crate::pen::Pen;
use crate::people;
use crate::sidecar::{Plan, Sidecar, import};
use crate::sink::Sink;

/// Guesses of one round, of either kind.
const GUESSES: usize = 20_000;
/// Right links of one round.
const RIGHT: usize = 50;
/// Well formed, of no challenge of ours.
const LINK: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const PASSWORD: &str = "correct horse battery";

pub(crate) fn run(bench: &Bench) -> Benched<Vec<Figure>> {
    let dir = bench.dir("proofs")?;
    let sink = Sink::start(free())?;
    let sidecar = Sidecar::start(&dir, &Plan::with_relay(sink.address()))?;
    let mut rig = Rig { pen: sidecar.pen()?, lines: sidecar.lines(CONNECTIONS)?, sink, sidecar };
    let people = people::addresses("known", RIGHT * bench.rounds());
    import(&dir, &people::import_lines(&people))?;
    let (mut codes, mut links, mut right) = (vec![], vec![], vec![]);
    for (round, known) in people.chunks(RIGHT).enumerate() {
        let count = bench.many(GUESSES);
        right.push(rig.right_links(known)?);
        codes.push(rig.wrong_codes(round, count)?);
        links.push(rig.wrong_links(count)?);
        bench.say(&format!("round {round} of {}", bench.rounds()))?;
    }
    rig.sidecar.stop()?;
    let ratios = |wrong: &[f64]| wrong.iter().zip(&right).map(|(w, r)| w / r).collect();
    let (code_ratios, link_ratios) = (ratios(&codes), ratios(&links));
    Ok(vec![
        Figure::new("a wrong code (verify)", Unit::Micros, codes)
            .goal(Goal::AtMost(100.0))
            .to("a right link, hashed for", code_ratios),
        Figure::new("a wrong link (confirm)", Unit::Micros, links)
            .goal(Goal::AtMost(100.0))
            .to("a right link, hashed for", link_ratios),
    ])
}

struct Rig {
    sidecar: Sidecar,
    pen: Pen,
    lines: Vec<Line>,
    sink: Sink,
}

impl Rig {
    /// For addresses that were asked for: they have pots to be counted in.
    fn wrong_codes(&mut self, round: usize, count: usize) -> Benched<f64> {
        let addresses = people::addresses(&format!("w{round}"), count);
        let asks = addresses.iter().map(|to| self.pen.initiate(to)).collect::<Benched<Vec<_>>>()?;
        pump(&mut self.lines, &asks)?.all("accepted")?;
        self.sidecar.rest()?;
        let guesses = addresses.iter().map(|to| self.pen.verify(to, "000000"));
        self.measure(&guesses.collect::<Benched<Vec<_>>>()?, "proof_invalid")
    }

    fn wrong_links(&mut self, count: usize) -> Benched<f64> {
        let guesses = (0..count).map(|_| self.pen.confirm(LINK, PASSWORD));
        self.measure(&guesses.collect::<Benched<Vec<_>>>()?, "proof_invalid")
    }

    fn right_links(&mut self, known: &[String]) -> Benched<f64> {
        self.sink.forget();
        let asks = known.iter().map(|to| self.pen.initiate(to)).collect::<Benched<Vec<_>>>()?;
        pump(&mut self.lines, &asks)?.all("accepted")?;
        let mails = self.sink.wait_for(known.len(), PATIENCE)?;
        self.sidecar.rest()?;
        let confirms = mails.values().map(|mail| self.pen.confirm(&mail.token, PASSWORD));
        let confirms = confirms.collect::<Benched<Vec<_>>>()?;
        // Few at a time: hashes wait for a place, and not for ever.
        let before = self.sidecar.cpu()?;
        pump(self.lines.get_mut(..4).unwrap_or_default(), &confirms)?.all("reset")?;
        Ok(each(self.sidecar.cpu()?.saturating_sub(before), confirms.len()))
    }

    /// Microseconds of CPU for each.
    fn measure(&mut self, requests: &[Vec<u8>], expected: &str) -> Benched<f64> {
        let before = self.sidecar.cpu()?;
        pump(&mut self.lines, requests)?.all(expected)?;
        Ok(each(self.sidecar.cpu()?.saturating_sub(before), requests.len()))
    }
}
