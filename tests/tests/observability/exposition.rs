//! Metrics in Prometheus' text format, as far as a test asks: names, labels and their values.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use regex::Regex;
use rekey_tests::http::Call;

/// The values of each label, by name of the metric and of the label.
type Labels = BTreeMap<String, BTreeSet<String>>;

/// All that was exposed.
#[derive(Default)]
pub(crate) struct Exposition {
    metrics: BTreeMap<String, Labels>,
    lines: Vec<String>,
}

impl Exposition {
    pub(crate) fn scrape(places: &[(SocketAddr, &str)]) -> Self {
        let mut all = Self::default();
        for (place, path) in places {
            let reply = Call::get(path).send(*place).unwrap();
            assert_eq!(reply.status, 200, "{path}");
            reply.text().lines().for_each(|line| all.take(line));
        }
        all
    }

    fn take(&mut self, line: &str) {
        if line.starts_with('#') || line.is_empty() {
            return;
        }
        let end = line.find(['{', ' ']).expect("a name");
        let labels = self.metrics.entry(line[..end].to_owned()).or_default();
        for (name, value) in pairs(line) {
            labels.entry(name).or_default().insert(value);
        }
        self.lines.push(line.to_owned());
    }

    pub(crate) fn labels(&self, metric: &str) -> Option<&Labels> {
        self.metrics.get(metric)
    }

    /// The sum over the lines that begin so.
    pub(crate) fn sum(&self, prefix: &str) -> f64 {
        let lines = self.lines.iter().filter(|line| line.starts_with(prefix));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }
}

/// `name="value"`, wherever they stand.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = Regex::new(r#"([a-z_]+)=~?"([^"]*)""#).unwrap();
    pair.captures_iter(text).map(|found| (found[1].to_owned(), found[2].to_owned())).collect()
}
