//! A policy in sentences, for people who ask what is in force.

use contract::language::Language;
use contract::policy::{Classes, composition};

use super::{Manner, Policy};

impl Policy {
    /// Every rule that is on, in the order in which they are judged.
    pub fn told(&self) -> Vec<String> {
        let rules = &self.rules;
        let mut told = vec![format!(
            "{} to {} characters, {} bytes at most",
            rules.min, rules.max, rules.max_bytes
        )];
        if rules.classes != Classes::NONE {
            told.push(composition(rules.classes, Language::English));
        }
        told.extend(rules.repeats.map(|max| format!("one character at most {max} times in a row")));
        let switches = [
            (rules.reversed, "not the user name spelled backwards"),
            (
                rules.personal == Manner::Inside,
                "without the user name, phone numbers, mail names, and the name, in pinyin too",
            ),
            (
                rules.personal == Manner::Whole,
                "none of: the user name, phone numbers, mail names, the name, in pinyin too",
            ),
            (rules.common, "not in the built-in list of common passwords"),
            (self.breached.is_some(), "not in the file of breached passwords"),
        ];
        told.extend(switches.into_iter().filter(|(is_on, _)| *is_on).map(|(_, rule)| rule.into()));
        if !rules.words.is_empty() {
            told.push(format!("without the service's words: {}", rules.words.join(", ")));
        }
        if rules.score > 0 {
            told.push(format!("an estimate of {} of 4 at least", rules.score));
        }
        if rules.history > 0 {
            told.push(format!("none of the last {}", rules.history));
        }
        told
    }
}
