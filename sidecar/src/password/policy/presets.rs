//! The profiles: named sets of rules, and what each forbids to change. One table, from which README's is made.

use std::fmt::Write as _;

use contract::policy::Classes;
use contract::profile::Published;

use super::Rules;
use super::personal::Manner;

/// A named set of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    Default,
    /// NIST SP 800-63B-4, 3.1.1.2, where the password is the only factor.
    Nist,
    /// OWASP ASVS 5.0, 6.1 and 6.2.
    AsvsL1,
    AsvsL2,
    AsvsL3,
    /// What each dialect publishes, and the default where it is silent.
    Documented,
}

/// What a standard leaves no choice about.
#[derive(Clone, Copy, Debug)]
pub struct Demands {
    /// The standard's name, for a fault's text.
    pub standard: &'static str,
    /// The least minimum.
    pub min: u32,
    /// The least maximum, in characters and in bytes.
    pub max: u32,
    /// No rule about single characters in a row.
    pub no_repeats: bool,
    /// The person's own data is looked for.
    pub personal: bool,
    /// The service's own words are named, and a list of breached passwords is asked.
    pub words_and_breached: bool,
}

impl Preset {
    pub const ALL: [Self; 6] =
        [Self::Default, Self::Nist, Self::AsvsL1, Self::AsvsL2, Self::AsvsL3, Self::Documented];

    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Nist => "nist-800-63b-4",
            Self::AsvsL1 => "asvs-l1",
            Self::AsvsL2 => "asvs-l2",
            Self::AsvsL3 => "asvs-l3",
            Self::Documented => "documented",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// The rules before any key changes them.
    pub fn rules(self, published: &Published) -> Rules {
        let plain = Rules {
            min: 8,
            max: 128,
            max_bytes: 4096,
            classes: Classes::NONE,
            repeats: None,
            reversed: true,
            personal: Manner::Inside,
            words: Vec::new(),
            common: true,
            score: 0,
            history: 0,
        };
        match self {
            Self::Default | Self::AsvsL1 => plain,
            // Whole passwords are compared, the user name's too.
            Self::Nist => Rules { min: 15, personal: Manner::Whole, reversed: false, ..plain },
            // 15 is what 6.2.1 recommends.
            Self::AsvsL2 => Rules { min: 15, ..plain },
            Self::AsvsL3 => Rules { min: 15, score: 3, ..plain },
            Self::Documented => documented(plain, published),
        }
    }

    pub fn demands(self) -> Option<Demands> {
        let asvs = |standard, words_and_breached| Demands {
            standard,
            min: 8,
            max: 64,
            no_repeats: false,
            personal: false,
            words_and_breached,
        };
        match self {
            Self::Default | Self::Documented => None,
            Self::Nist => Some(Demands {
                standard: "NIST SP 800-63B-4",
                min: 15,
                max: 64,
                no_repeats: true,
                personal: true,
                words_and_breached: false,
            }),
            Self::AsvsL1 => Some(asvs("ASVS level 1", false)),
            Self::AsvsL2 => Some(asvs("ASVS level 2", true)),
            Self::AsvsL3 => Some(asvs("ASVS level 3", true)),
        }
    }

    /// Every rule off, for tests of single rules.
    #[cfg(test)]
    pub(super) fn rules_bare(self) -> Rules {
        let rules = self.rules(&Published::NOTHING);
        Rules { min: 1, max: 1024, reversed: false, personal: Manner::Off, common: false, ..rules }
    }
}

fn documented(plain: Rules, published: &Published) -> Rules {
    Rules {
        min: published.min.unwrap_or(plain.min),
        max: published.max.unwrap_or(plain.max),
        classes: published.classes,
        repeats: published.repeats,
        history: published.history,
        ..plain
    }
}

/// The profiles side by side, for README.
pub fn table() -> String {
    let presets = Preset::ALL.into_iter().filter(|preset| *preset != Preset::Documented);
    let rules: Vec<(Preset, Rules)> =
        presets.map(|preset| (preset, preset.rules(&Published::NOTHING))).collect();
    let mut table = String::from("| rule |");
    for (preset, _) in &rules {
        let _ = write!(table, " {} |", preset.name());
    }
    let _ = writeln!(table, "\n|---|{}", "---|".repeat(rules.len()));
    for (name, show) in ROWS {
        let _ = write!(table, "| {name} |");
        for (preset, rules) in &rules {
            let _ = write!(table, " {} |", show(*preset, rules));
        }
        table.push('\n');
    }
    table
}

type Show = fn(Preset, &Rules) -> String;

const ROWS: [(&str, Show); 11] = [
    ("`min`", |preset, rules| at_least(rules.min, preset.demands().map(|demands| demands.min))),
    ("`max`", |preset, rules| at_least(rules.max, preset.demands().map(|demands| demands.max))),
    ("`max_bytes`", |preset, rules| {
        at_least(rules.max_bytes, preset.demands().map(|demands| demands.max))
    }),
    ("`composition`", |preset, _| must("off", preset.demands().is_some())),
    ("`repeats`", |preset, _| must("off", preset.demands().is_some_and(|is| is.no_repeats))),
    ("`reversed`", |_, rules| rules.reversed.to_string()),
    ("`personal`", |preset, rules| {
        must(rules.personal.name(), preset.demands().is_some_and(|is| is.personal))
    }),
    ("`common`", |preset, rules| must(&rules.common.to_string(), preset.demands().is_some())),
    ("`words`, and `breached_file` or `breached_lookup`", |preset, _| {
        let is_must = preset.demands().is_some_and(|is| is.words_and_breached);
        if is_must { "**to be given**" } else { "if given" }.to_owned()
    }),
    ("`score`", |_, rules| match rules.score {
        0 => "off".to_owned(),
        score => score.to_string(),
    }),
    ("`history`", |_, rules| rules.history.to_string()),
];

fn at_least(value: u32, least: Option<u32>) -> String {
    match least {
        Some(least) => format!("{value}; **{least} or more**"),
        None => value.to_string(),
    }
}

fn must(value: &str, is_must: bool) -> String {
    if is_must { format!("**{value}**") } else { value.to_owned() }
}
