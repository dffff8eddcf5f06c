//! The section `password`, its rules: what a new password must be, for all dialects and for each.
//! Invariant: a profile that names a standard cannot be weakened below it, and all faults are told at once.

mod demands;
mod keys;
mod lookup;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use contract::dialect::Dialect;
use contract::policy::Classes;
use toml::de::DeValue;

pub(super) use self::demands::RuleFaults;
pub(super) use self::keys::{KEYS, RULES};
pub use self::lookup::LookupConfig;

use super::forms::{self, Formed, Wrong};
use super::reader::Reader;
use crate::password::{BreachedFile, Manner, Normal, Policy, Preset, Rules, folded, is_telling};

/// What is written of the rules for all dialects.
pub(super) struct RulesConfig {
    pub(super) normal: Option<Normal>,
    pub(super) lookup: Option<LookupConfig>,
    breached: Option<Arc<BreachedFile>>,
    /// A list of breached passwords is named, even if it cannot be read.
    asks_breached: bool,
    /// Bytes that the hash format reads of a password.
    longest: Option<u32>,
    written: Written,
}

/// The rules that stand in one place.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    preset: Option<Preset>,
    min: Option<u32>,
    max: Option<u32>,
    max_bytes: Option<u32>,
    classes: Option<Classes>,
    repeats: Option<u32>,
    reversed: Option<bool>,
    personal: Option<Manner>,
    words: Option<Vec<String>>,
    common: Option<bool>,
    score: Option<u8>,
    history: Option<u32>,
}

pub(super) fn read(reader: &mut Reader<'_>, home: &Path, longest: Option<usize>) -> RulesConfig {
    let written = Written::read(reader, "password");
    let normal = reader.read("password.normalize", normal);
    let breached = reader.read("password.breached_file", |value| breached(value, home));
    let lookup = lookup::read(reader, home);
    let asks_breached = reader.has("password.breached_file") || lookup.is_some();
    let longest = longest.and_then(|longest| u32::try_from(longest).ok());
    RulesConfig { normal, lookup, breached, asks_breached, longest, written }
}

impl RulesConfig {
    /// The rules of one dialect: the profile's, then those for all, then its own, of which those at `place` go before those
    /// from `above`; and what its own are.
    pub(super) fn policy(
        &self,
        reader: &mut Reader<'_>,
        dialect: &'static dyn Dialect,
        place: &str,
        above: Option<&Written>,
        faults: &mut RuleFaults,
    ) -> (Arc<Policy>, Written) {
        let place = format!("{place}.password");
        let own = Written::read(reader, &place).over(above.unwrap_or(&Written::default()));
        let preset = own.preset.or(self.written.preset).unwrap_or(Preset::Default);
        let mut rules = preset.rules(&dialect.profile().password);
        self.written.change(&mut rules);
        own.change(&mut rules);
        if let Some(longest) = self.longest {
            let asked = own.max_bytes.or(self.written.max_bytes);
            faults.judge_bytes(reader, &place, asked, longest);
            rules.max_bytes = rules.max_bytes.min(longest);
        }
        faults.judge(reader, &place, preset, &rules, self.asks_breached);
        (Arc::new(Policy::new(rules, self.breached.clone())), own)
    }
}

impl Written {
    fn read(reader: &mut Reader<'_>, place: &str) -> Self {
        let at = |rule: &str| format!("{place}.{rule}");
        Self {
            preset: reader.read(&at("profile"), preset),
            min: reader.read(&at("min"), |value| forms::whole(value, 6..=64)),
            max: reader.read(&at("max"), |value| forms::whole(value, 32..=1_024)),
            max_bytes: reader.read(&at("max_bytes"), |value| forms::whole(value, 64..=4_096)),
            classes: reader.read(&at("composition"), classes),
            repeats: reader.read(&at("repeats"), |value| forms::whole(value, 0..=10)),
            reversed: reader.read(&at("reversed"), forms::flag),
            personal: reader.read(&at("personal"), manner),
            words: reader.read(&at("words"), words),
            common: reader.read(&at("common"), forms::flag),
            score: reader.read(&at("score"), |value| forms::whole(value, 0..=4)),
            history: reader.read(&at("history"), |value| forms::whole(value, 0..=24)),
        }
    }

    /// These, and where they say nothing, those.
    fn over(self, below: &Self) -> Self {
        Self {
            preset: self.preset.or(below.preset),
            min: self.min.or(below.min),
            max: self.max.or(below.max),
            max_bytes: self.max_bytes.or(below.max_bytes),
            classes: self.classes.or(below.classes),
            repeats: self.repeats.or(below.repeats),
            reversed: self.reversed.or(below.reversed),
            personal: self.personal.or(below.personal),
            words: self.words.or_else(|| below.words.clone()),
            common: self.common.or(below.common),
            score: self.score.or(below.score),
            history: self.history.or(below.history),
        }
    }

    fn change(&self, rules: &mut Rules) {
        rules.min = self.min.unwrap_or(rules.min);
        rules.max = self.max.unwrap_or(rules.max);
        rules.max_bytes = self.max_bytes.unwrap_or(rules.max_bytes);
        rules.classes = self.classes.unwrap_or(rules.classes);
        if let Some(repeats) = self.repeats {
            rules.repeats = (repeats > 0).then_some(repeats);
        }
        rules.reversed = self.reversed.unwrap_or(rules.reversed);
        rules.personal = self.personal.unwrap_or(rules.personal);
        if let Some(words) = &self.words {
            rules.words.clone_from(words);
        }
        rules.common = self.common.unwrap_or(rules.common);
        rules.score = self.score.unwrap_or(rules.score);
        rules.history = self.history.unwrap_or(rules.history);
    }
}

fn preset(value: &DeValue<'_>) -> Formed<Preset> {
    let names: Vec<&str> = Preset::ALL.into_iter().map(Preset::name).collect();
    let text = forms::text(value)?;
    Preset::parse(text).ok_or_else(|| unknown(text, &names))
}

fn normal(value: &DeValue<'_>) -> Formed<Normal> {
    match forms::text(value)? {
        "none" => Ok(Normal::None),
        "nfc" => Ok(Normal::Nfc),
        "nfkc" => Ok(Normal::Nfkc),
        other => Err(unknown(other, &["none", "nfc", "nfkc"])),
    }
}

fn manner(value: &DeValue<'_>) -> Formed<Manner> {
    let text = forms::text(value)?;
    let found = Manner::ALL.into_iter().find(|manner| manner.name() == text);
    found.ok_or_else(|| unknown(text, &Manner::ALL.map(Manner::name)))
}

fn classes(value: &DeValue<'_>) -> Formed<Classes> {
    let known = ["digit", "letter", "mixed_case", "special"];
    let mut classes = Classes::NONE;
    for name in texts(value)? {
        match name {
            "digit" => classes.digit = true,
            "letter" => classes.letter = true,
            "mixed_case" => classes.mixed_case = true,
            "special" => classes.special = true,
            other => return Err(unknown(other, &known)),
        }
    }
    Ok(classes)
}

fn words(value: &DeValue<'_>) -> Formed<Vec<String>> {
    let words: Vec<String> = texts(value)?.into_iter().map(str::to_owned).collect();
    let remedy = "write at most 64 words of 3 to 64 letters and digits (two of Han), such as the product's name";
    if words.len() > 64 {
        return Err(Wrong::new("there are too many words", remedy));
    }
    let bad = words.iter().find(|word| !is_telling(&folded(word)) || word.chars().count() > 64);
    match bad {
        Some(word) => Err(Wrong::new(format!("\"{word}\" is too short or too long"), remedy)),
        None => Ok(words),
    }
}

/// It is no secret, but it is named like all files.
fn breached(value: &DeValue<'_>, home: &Path) -> Formed<Arc<BreachedFile>> {
    let path = forms::file(value, home)?;
    let opened = BreachedFile::open(&path).map(Arc::new);
    opened.map_err(|fault| {
        Wrong::new(
            format!("{}: {fault}", path.display()),
            "name a file of Have I Been Pwned's downloader, ordered by hash: lines HASH:COUNT",
        )
    })
}

fn texts<'v>(value: &'v DeValue<'_>) -> Formed<Vec<&'v str>> {
    let list = value.as_array().ok_or_else(|| {
        Wrong::new("a list of texts is meant", "write [\"..\", \"..\"], or [] for none")
    })?;
    list.iter().map(|item| forms::text(item.get_ref())).collect()
}

fn unknown(text: &str, known: &[&str]) -> Wrong {
    Wrong::new(format!("\"{text}\" is unknown"), format!("write one of {}", known.join(", ")))
}
