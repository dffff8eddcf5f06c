//! Whether a password keeps the rules of a dialect: one rule a file, all that are broken told at once, in a fixed order.
//! Invariant: nothing of a password leaves this room; it makes no I/O but positional reads of the file of breached ones.

mod breached;
mod common;
mod guess;
mod length;
mod lookup;
mod make_up;
mod normal;
mod person;
mod personal;
mod presets;
mod readings;
mod repeats;
mod reversed;
mod rice;
#[cfg(test)]
mod tests;
mod told;

use std::sync::Arc;

use contract::policy::{Breach, Classes};
use thiserror::Error;

pub use self::breached::{BreachedFile, FileFault};
pub use self::common::fingerprint;
pub use self::lookup::{Lookup, LookupFault};
pub use self::normal::{Normal, normalized};
pub use self::person::Person;
pub use self::personal::{Manner, folded, is_telling};
pub use self::presets::{Demands, Preset, table};
pub use self::rice::CodedSet;

/// What a new password must be, for one dialect.
#[derive(Debug)]
pub struct Policy {
    pub rules: Rules,
    breached: Option<Arc<BreachedFile>>,
}

/// The rules. Lengths and counts are code points: what a person counts, not what an encoding needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    pub min: u32,
    pub max: u32,
    /// Bytes of UTF-8.
    pub max_bytes: u32,
    /// Classes that must all occur.
    pub classes: Classes,
    /// How often one character may stand in a row.
    pub repeats: Option<u32>,
    /// Not the user name spelled backwards.
    pub reversed: bool,
    /// How the account's own data, and `words`, are looked for.
    pub personal: Manner,
    /// The service's own words.
    pub words: Vec<String>,
    /// Not in the list of common passwords.
    pub common: bool,
    /// The estimator's lowest good score, 1 to 4; 0: it is not asked.
    pub score: u8,
    /// Former passwords that are refused; whoever has the hashes judges that.
    pub history: u32,
}

/// Why a password could not be judged; it is then not taken.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PolicyFault {
    #[error("the file of breached passwords: {0}")]
    Breached(#[from] FileFault),
}

impl Policy {
    pub fn new(rules: Rules, breached: Option<Arc<BreachedFile>>) -> Self {
        Self { rules, breached }
    }

    /// The same for a password of so many bytes at most.
    #[must_use]
    pub fn capped(self: &Arc<Self>, longest: Option<usize>) -> Arc<Self> {
        let longest = longest.and_then(|longest| u32::try_from(longest).ok());
        match longest.filter(|longest| *longest < self.rules.max_bytes) {
            None => Arc::clone(self),
            Some(max_bytes) => {
                let rules = Rules { max_bytes, ..self.rules.clone() };
                Arc::new(Self { rules, breached: self.breached.clone() })
            }
        }
    }

    /// The broken rules; none when the password is good. For a hash thread: the estimator takes milliseconds, and the
    /// file some reads.
    pub fn judge(&self, person: &Person, password: &str) -> Result<Vec<Breach>, PolicyFault> {
        let rules = &self.rules;
        let mut breaches = Vec::new();
        breaches.extend(length::judge(rules, password));
        breaches.extend(make_up::judge(rules.classes, password));
        breaches.extend(repeats::judge(rules.repeats, password));
        breaches.extend(reversed::judge(rules.reversed, person, password));
        breaches.extend(personal::judge(rules, person, password));
        if rules.common && common::contains(password) {
            breaches.push(Breach::Common);
        }
        if let Some(file) = &self.breached
            && file.contains(password)?
        {
            breaches.push(Breach::Breached);
        }
        breaches.extend(guess::judge(rules, person, password));
        Ok(breaches)
    }
}

/// Adds a rule that was judged elsewhere, at its place, once.
pub fn add(breaches: &mut Vec<Breach>, breach: Breach) {
    if breaches.iter().any(|known| known.code() == breach.code()) {
        return;
    }
    let at = breaches.partition_point(|known| place(known) < place(&breach));
    breaches.insert(at, breach);
}

fn place(breach: &Breach) -> usize {
    let samples = Breach::SAMPLES.iter();
    samples.take_while(|sample| sample.code() != breach.code()).count()
}
