//! What was measured, and the table of it: medians, the range of the rounds as noise, and each goal with its verdict.
//! Invariant: no time stands alone; each has its ratio to a baseline of the same run.

use std::fmt::{self, Display, Write as _};

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) unit: Unit,
    /// One for each round.
    pub(crate) measured: Vec<f64>,
    pub(crate) goal: Option<Goal>,
    /// What `ratios` are ratios to.
    pub(crate) baseline: &'static str,
    /// One for each round; measured side by side with its baseline.
    pub(crate) ratios: Vec<f64>,
    pub(crate) ratio_goal: Option<Goal>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    PerSecond,
    /// Of CPU time, for each request.
    Micros,
    /// Of wall clock.
    Millis,
    /// Of memory.
    Mebibytes,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }

    fn show(self, shown: impl Fn(f64) -> String) -> String {
        match self {
            Self::AtLeast(least) => format!(">= {}", shown(least)),
            Self::AtMost(most) => format!("<= {}", shown(most)),
        }
    }
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::PerSecond => format!("{}/s", short(value)),
            Self::Micros => format!("{} µs CPU", short(value)),
            Self::Millis => format!("{} ms", short(value)),
            Self::Mebibytes => format!("{} MiB", short(value)),
        }
    }
}

impl Figure {
    /// Without goals.
    pub(crate) fn new(what: impl Into<String>, unit: Unit, measured: Vec<f64>) -> Self {
        Self {
            what: what.into(),
            unit,
            measured,
            goal: None,
            baseline: "",
            ratios: Vec::new(),
            ratio_goal: None,
        }
    }

    pub(crate) fn goal(self, goal: Goal) -> Self {
        Self { goal: Some(goal), ..self }
    }

    pub(crate) fn to(self, baseline: &'static str, ratios: Vec<f64>) -> Self {
        Self { baseline, ratios, ..self }
    }

    pub(crate) fn ratio_goal(self, goal: Goal) -> Self {
        Self { ratio_goal: Some(goal), ..self }
    }

    /// Whether all goals hold; `None` where there is none.
    pub(crate) fn verdict(&self) -> Option<bool> {
        let own = self.goal.map(|goal| goal.holds(median(&self.measured)));
        let ratio = self.ratio_goal.map(|goal| goal.holds(median(&self.ratios)));
        match (own, ratio) {
            (None, None) => None,
            (own, ratio) => Some(own.unwrap_or(true) && ratio.unwrap_or(true)),
        }
    }

    fn cells(&self) -> [String; 6] {
        let times = |value: f64| format!("{}x", short(value));
        let own = self.goal.map(|goal| goal.show(|value| self.unit.show(value)));
        let ratio = self.ratio_goal.map(|goal| goal.show(times));
        let goals: Vec<String> = own.into_iter().chain(ratio).collect();
        let to = match self.ratios.is_empty() {
            true => String::new(),
            false => format!("{} of {}", times(median(&self.ratios)), self.baseline),
        };
        let noise = range(&self.measured, &self.ratios);
        let verdict = self.verdict().map_or("", |holds| if holds { "ok" } else { "MISSED" });
        let measured = self.unit.show(median(&self.measured));
        [self.what.clone(), goals.join(", "), measured, to, noise, verdict.to_owned()]
    }
}

fn range(measured: &[f64], ratios: &[f64]) -> String {
    let ends = |values: &[f64]| {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (values.len() > 1).then(|| format!("{}..{}", short(least), short(most)))
    };
    match (ends(measured), ends(ratios)) {
        (Some(own), Some(ratio)) => format!("{own}; {ratio}x"),
        (own, ratio) => own.or(ratio).unwrap_or_default(),
    }
}

/// The middle one; 0 of none.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value that this part of all lies at or below; 0 of none.
pub(crate) fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let at = (last as f64 * part).round() as usize;
    sorted.get(at).copied().unwrap_or(0.0)
}

/// Three digits that count.
fn short(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => grouped(value.round() as u64),
        middle if middle >= 10.0 => format!("{value:.1}"),
        small if small >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The lines of a run.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<Figure>);

impl Table {
    pub(crate) fn extend(&mut self, figures: Vec<Figure>) {
        self.0.extend(figures);
    }

    pub(crate) fn missed(&self) -> usize {
        self.0.iter().filter(|figure| figure.verdict() == Some(false)).count()
    }
}

impl Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["what", "goal", "measured", "ratio", "noise (min..max)", ""];
        let mut rows = vec![head.map(str::to_owned)];
        rows.extend(self.0.iter().map(Figure::cells));
        let widths: Vec<usize> = (0..head.len())
            .map(|at| {
                let cells = rows.iter().filter_map(|row| row.get(at));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        for row in rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                write!(line, "{cell:width$}  ")?;
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_judged_by_the_median() {
        let rate = Figure::new("rate", Unit::PerSecond, vec![9000.0, 100.0, 9500.0])
            .goal(Goal::AtLeast(8000.0))
            .to("raw", vec![0.2, 0.2, 0.3]);
        assert_eq!(rate.verdict(), Some(true));
        let rate = rate.ratio_goal(Goal::AtLeast(0.25));
        assert_eq!(rate.verdict(), Some(false));
        let mut table = Table::default();
        table.extend(vec![rate]);
        assert_eq!(table.missed(), 1);
        let shown = table.to_string();
        for expected in ["9,000/s", ">= 8,000/s, >= 0.25x", "0.20x of raw", "100..9,500", "MISSED"]
        {
            assert!(shown.contains(expected), "{shown}");
        }
    }

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(quantile(&values, 0.99) as u32, 98);
        assert_eq!(median(&[]) as u32, 0);
    }
}
