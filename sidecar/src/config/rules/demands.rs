//! What a standard leaves no choice about, held against the rules that came out. A fault that several dialects share is
//! told once.

use contract::policy::Classes;

use crate::config::reader::Reader;
use crate::password::{Demands, Manner, Preset, Rules};

/// Faults of combinations, each once.
#[derive(Default)]
pub(in crate::config) struct RuleFaults(Vec<(String, String, String)>);

impl RuleFaults {
    pub(super) fn judge(
        &mut self,
        reader: &Reader<'_>,
        place: &str,
        preset: Preset,
        rules: &Rules,
        asks_breached: bool,
    ) {
        if rules.min > rules.max {
            let problem = "no password could be this short and this long".to_owned();
            self.note(reader, place, "min", problem, "keep min at or below max".to_owned());
        }
        let Some(demands) = preset.demands() else { return };
        for (rule, broken, remedy) in checks(&demands, rules, asks_breached) {
            if broken {
                let problem = format!("{} leaves no choice here", demands.standard);
                self.note(reader, place, rule, problem, remedy);
            }
        }
    }

    /// No rule may promise more than the hash format reads.
    pub(super) fn judge_bytes(
        &mut self,
        reader: &Reader<'_>,
        place: &str,
        asked: Option<u32>,
        longest: u32,
    ) {
        if asked.is_some_and(|asked| asked > longest) {
            let problem = format!("the hash format reads {longest} bytes of a password");
            let remedy = format!("write {longest} or less, or choose another password.format");
            self.note(reader, place, "max_bytes", problem, remedy);
        }
    }

    pub(in crate::config) fn tell(self, reader: &mut Reader<'_>) {
        for (path, problem, remedy) in self.0 {
            reader.refuse(&path, &problem, &remedy);
        }
    }

    /// At the dialect's own key where that is written, else at the one for all.
    fn note(
        &mut self,
        reader: &Reader<'_>,
        place: &str,
        rule: &str,
        problem: String,
        remedy: String,
    ) {
        let is_own = |rule: &str| reader.has(&format!("{place}.{rule}"));
        let path = match is_own(rule) {
            true => format!("{place}.{rule}"),
            false if is_own("profile") => format!("{place}.profile"),
            false => format!("password.{rule}"),
        };
        let fault = (path, problem, remedy);
        if !self.0.contains(&fault) {
            self.0.push(fault);
        }
    }
}

/// Each rule, whether it is broken, and what to do.
fn checks(
    demands: &Demands,
    rules: &Rules,
    asks_breached: bool,
) -> [(&'static str, bool, String); 9] {
    let Demands { min, max, .. } = *demands;
    let needs = demands.words_and_breached;
    [
        ("min", rules.min < min, format!("write {min} or more, or choose another profile")),
        ("max", rules.max < max, format!("write {max} or more")),
        ("max_bytes", rules.max_bytes < max, format!("write {max} or more")),
        ("composition", rules.classes != Classes::NONE, "remove it, or write []".to_owned()),
        (
            "repeats",
            demands.no_repeats && rules.repeats.is_some(),
            "remove it, or write 0".to_owned(),
        ),
        (
            "personal",
            demands.personal && rules.personal == Manner::Off,
            "remove it, or write \"whole\"".to_owned(),
        ),
        ("common", !rules.common, "remove it, or write true".to_owned()),
        (
            "words",
            needs && rules.words.is_empty(),
            "name your company, product and projects: words = [\"..\"]".to_owned(),
        ),
        (
            "breached_file",
            needs && !asks_breached,
            "set password.breached_file, or password.breached_lookup".to_owned(),
        ),
    ]
}
