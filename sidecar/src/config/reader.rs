//! Reads keys out of TOML by their path and collects every fault. Invariant: only declared keys can be read; what nobody
//! read is reported as unknown, with the nearest known name.

use std::path::{Path, PathBuf};

use contract::dialect::DIALECTS;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::declared::{self, Declared};
use super::faults::{Fault, Faults};
use super::forms::{Formed, Wrong};
use super::rules::RULES;

/// The file, flattened to paths; a key that was read is gone from it.
pub(super) struct Reader<'t> {
    home: PathBuf,
    /// What may stand in the file.
    keys: Declared,
    entries: Vec<Entry<'t>>,
    /// Where keys stood that were read already, for faults of combinations.
    seen: Vec<(String, usize)>,
    /// Values that another key brings for those that the file does not give.
    presumed: Vec<(&'static str, String)>,
    faults: Faults,
}

struct Entry<'t> {
    path: String,
    line: usize,
    value: DeValue<'t>,
}

impl<'t> Reader<'t> {
    pub(super) fn open(text: &'t str, home: &Path, keys: Declared) -> Result<Self, Faults> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut faults = Faults::default();
        for error in &errors {
            let line = error.span().map(|span| line_of(text, span.start));
            faults.push(fault(
                line,
                "",
                Wrong::new(format!("this is not TOML: {}", error.message()), "mend the line"),
            ));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut entries = Vec::new();
        flatten(text, "", table.into_inner(), &mut entries);
        let (seen, presumed) = (Vec::new(), Vec::new());
        Ok(Self { home: home.to_owned(), keys, entries, seen, presumed, faults })
    }

    /// Where relative paths start.
    pub(super) fn home(&self) -> PathBuf {
        self.home.clone()
    }

    /// The value of a key, or of its default; `None` when neither is there, or a fault was noted.
    pub(super) fn read<T>(
        &mut self,
        path: &str,
        form: impl FnOnce(&DeValue<'_>) -> Formed<T>,
    ) -> Option<T> {
        let Some(key) = declared::find(self.keys, path) else {
            self.refuse(
                path,
                "the program reads a key that it does not declare",
                "report this as a bug",
            );
            return None;
        };
        let (line, found) = match self.entries.iter().position(|entry| entry.path == path) {
            Some(at) => {
                let entry = self.entries.swap_remove(at);
                self.seen.push((entry.path, entry.line));
                (Some(entry.line), form(&entry.value))
            }
            None => {
                let presumed = self.presumed.iter().find(|(presumed, _)| *presumed == path);
                let text = presumed.map_or(key.preset, |(_, text)| text.as_str());
                if text.is_empty() {
                    return None;
                }
                (None, preset(text).and_then(|value| form(&value)))
            }
        };
        match found {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.faults.push(fault(line, path, wrong));
                None
            }
        }
    }

    /// From now on this is the default of a key, as TOML.
    pub(super) fn presume(&mut self, path: &'static str, text: &str) {
        self.presumed.push((path, text.to_owned()));
    }

    /// A text of the file that is read later.
    pub(super) fn peek(&self, path: &str) -> Option<String> {
        let entry = self.entries.iter().find(|entry| entry.path == path)?;
        entry.value.as_str().map(str::to_owned)
    }

    /// Notes a fault that lies in more than one key.
    pub(super) fn refuse(&mut self, path: &str, problem: &str, remedy: &str) {
        let line = self.seen.iter().find(|(seen, _)| seen == path).map(|(_, line)| *line);
        self.faults.push(fault(line, path, Wrong::new(problem, remedy)));
    }

    /// Whether the file has the key.
    pub(super) fn has(&self, path: &str) -> bool {
        self.entries.iter().any(|entry| entry.path == path)
            || self.seen.iter().any(|(seen, _)| seen == path)
    }

    /// The names that stand below a section, in their order.
    pub(super) fn names(&self, section: &str) -> Vec<String> {
        let name = |entry: &Entry<'_>| {
            let below = entry.path.strip_prefix(section)?.strip_prefix('.')?;
            below.split('.').next().map(str::to_owned)
        };
        let mut names: Vec<String> = self.entries.iter().filter_map(name).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The configuration when there was no fault at all.
    pub(super) fn finish<T>(mut self, config: Option<T>) -> Result<T, Faults> {
        for entry in std::mem::take(&mut self.entries) {
            if let Some(wrong) = unknown(self.keys, &entry) {
                self.faults.push(fault(Some(entry.line), &entry.path, wrong));
            }
        }
        match config.filter(|_| self.faults.is_empty()) {
            Some(config) => Ok(config),
            None => Err(self.faults.sorted()),
        }
    }
}

fn fault(line: Option<usize>, key: &str, wrong: Wrong) -> Fault {
    Fault { line, key: key.to_owned(), problem: wrong.problem, remedy: wrong.remedy }
}

fn preset(text: &str) -> Formed<DeValue<'_>> {
    let parsed = DeValue::parse(text).map(Spanned::into_inner);
    parsed.map_err(|_| Wrong::new("the default is not TOML", "report this as a bug"))
}

fn flatten<'t>(text: &str, above: &str, table: DeTable<'t>, entries: &mut Vec<Entry<'t>>) {
    for (key, value) in table {
        let path = match above {
            "" => key.get_ref().to_string(),
            _ => format!("{above}.{}", key.get_ref()),
        };
        let line = line_of(text, key.span().start);
        match value.into_inner() {
            DeValue::Table(inner) if !inner.is_empty() => flatten(text, &path, inner, entries),
            value => entries.push(Entry { path, line, value }),
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count().saturating_add(1)
}

/// Why an entry that nobody read stands there in vain; `None` for an empty section.
fn unknown(keys: Declared, entry: &Entry<'_>) -> Option<Wrong> {
    if let Some(wrong) = stranger(keys, &entry.path) {
        return Some(wrong);
    }
    if declared::is_section(keys, &entry.path) {
        let empty = matches!(entry.value, DeValue::Table(_));
        return (!empty).then(|| {
            Wrong::new(
                "it is a section, not a value",
                format!("write [{}] and its keys below", entry.path),
            )
        });
    }
    let remedy = match nearest(keys, &entry.path) {
        Some(known) => format!("did you mean {known}?"),
        None => "remove it; `rekey check --reference` lists the keys that there are".to_owned(),
    };
    Some(Wrong::new("there is no such key", remedy))
}

/// A declared key under a dialect, a channel or a rule that there is not.
fn stranger(keys: Declared, path: &str) -> Option<Wrong> {
    declared::find(keys, path)?;
    let mut segments = path.split('.').skip(if path.starts_with("sites.") { 3 } else { 1 });
    let dialects: Vec<&str> = DIALECTS.iter().map(|dialect| dialect.name()).collect();
    match segments.next().filter(|name| dialects.contains(name)) {
        None => Some(Wrong::new(
            "there is no dialect of this name",
            format!("write one of {}", dialects.join(", ")),
        )),
        Some(_) if segments.next() == Some("password") => Some(Wrong::new(
            "there is no such rule of a dialect",
            format!("write one of {}", RULES.join(", ")),
        )),
        Some(_) => Some(Wrong::new(
            "the dialect has no such channel",
            "write email or sms, as the dialect documents",
        )),
    }
}

/// The known path that is most like the written one, if any is.
fn nearest(keys: Declared, path: &str) -> Option<&'static str> {
    let leaf = |path: &str| path.rsplit('.').next().map(str::to_owned);
    let known = || keys.iter().copied().flatten().map(|key| key.path);
    let by_distance = known().map(|known| (distance(known, path), known)).min();
    let close = by_distance.filter(|(distance, _)| *distance <= 3).map(|(_, path)| path);
    close.or_else(|| known().find(|known| leaf(known) == leaf(path)))
}

/// Levenshtein's distance, in characters.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (at, a) in left.chars().enumerate() {
        let mut diagonal = at;
        let mut previous = at.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = previous;
        }
        for (cell, b) in row.iter_mut().skip(1).zip(right.chars()) {
            let substituted = diagonal.saturating_add(usize::from(a != b));
            diagonal = *cell;
            *cell = substituted.min(diagonal.saturating_add(1)).min(previous.saturating_add(1));
            previous = *cell;
        }
    }
    row.last().copied().unwrap_or(0)
}
