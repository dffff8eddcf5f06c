//! A dialect's rules as the sidecar lives by them: what its file says, with the configuration's overrides.
//! Invariant: an override can't add a proof, a link or a code that the dialect does not document.

use std::sync::Arc;

use contract::address::Channel;
use contract::dialect::{DIALECTS, Dialect};
use contract::profile::{Login, Profile, Rules};

use super::declared::{CODE_DIGITS, CODE_LIFE, CODE_TRIES, GRANT_LIFE, LINK_LIFE, LOGIN};
use super::forms::{self, Wrong};
use super::reader::Reader;
use super::rules::{RuleFaults, RulesConfig, Written};
use crate::password::{Policy, Preset};

/// `contract::profile::Profile` with the overrides in it. Lives are seconds.
#[derive(Clone, Debug)]
pub struct DialectProfile {
    pub channels: Vec<Rules>,
    pub grant_life: Option<u32>,
    pub login: Login,
    /// What a new password must be.
    pub policy: Arc<Policy>,
}

impl DialectProfile {
    pub fn rules(&self, channel: Channel) -> Option<&Rules> {
        self.channels.iter().find(|rules| rules.channel == channel)
    }
}

/// As the dialect documents, with the default rules for passwords.
impl From<&'static Profile> for DialectProfile {
    fn from(profile: &'static Profile) -> Self {
        let rules = Preset::Default.rules(&profile.password);
        Self {
            channels: profile.channels.to_vec(),
            grant_life: profile.grant_life,
            login: profile.login,
            policy: Arc::new(Policy::new(rules, None)),
        }
    }
}

/// One profile per dialect, made once, and the rules for passwords that were written for it.
#[derive(Clone, Debug)]
pub(super) struct Overrides(Vec<(&'static str, DialectProfile, Written)>);

impl Overrides {
    /// Those below `place`, which is empty or ends with a dot; what is not written there is as `above`.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        rules: &RulesConfig,
        place: &str,
        above: Option<&Self>,
    ) -> Self {
        let mut faults = RuleFaults::default();
        let mut one = |dialect: &&'static dyn Dialect| {
            let place = format!("{place}profile.{}", dialect.name());
            let above = above.and_then(|above| above.of(dialect.name()));
            let base = above.map_or_else(|| dialect.profile().into(), |above| above.1.clone());
            let written = above.map(|above| &above.2);
            let (policy, written) = rules.policy(reader, *dialect, &place, written, &mut faults);
            (dialect.name(), read(reader, &place, DialectProfile { policy, ..base }), written)
        };
        let read = DIALECTS.iter().map(&mut one).collect();
        faults.tell(reader);
        Self(read)
    }

    pub(super) fn profiles(&self) -> impl Iterator<Item = &DialectProfile> {
        self.0.iter().map(|(_, profile, _)| profile)
    }

    fn of(&self, dialect: &str) -> Option<&(&'static str, DialectProfile, Written)> {
        self.0.iter().find(|(name, ..)| *name == dialect)
    }

    pub(super) fn apply(&self, dialect: &dyn Dialect) -> DialectProfile {
        let known = self.of(dialect.name());
        known.map_or_else(|| dialect.profile().into(), |(_, profile, _)| profile.clone())
    }
}

fn read(reader: &mut Reader<'_>, place: &str, mut profile: DialectProfile) -> DialectProfile {
    let life = reader.read(&format!("{place}.{GRANT_LIFE}"), |value| {
        profile.grant_life.ok_or(Wrong::idle("this dialect gives no grants"))?;
        forms::life(value)
    });
    profile.grant_life = life.or(profile.grant_life);
    let login = reader.read(&format!("{place}.{LOGIN}"), forms::login);
    profile.login = login.unwrap_or(profile.login);
    for rules in &mut profile.channels {
        read_channel(reader, &format!("{place}.{}", rules.channel.as_str()), rules);
    }
    profile
}

fn read_channel(reader: &mut Reader<'_>, place: &str, rules: &mut Rules) {
    let life = reader.read(&format!("{place}.{LINK_LIFE}"), |value| {
        rules.link.ok_or(Wrong::idle("the message of this dialect and channel carries no link"))?;
        forms::life(value)
    });
    if let (Some(link), Some(life)) = (&mut rules.link, life) {
        link.life = life;
    }
    let has_code = rules.code.is_some();
    let coded = || {
        has_code
            .then_some(())
            .ok_or(Wrong::idle("the message of this dialect and channel carries no code"))
    };
    let life = reader
        .read(&format!("{place}.{CODE_LIFE}"), |value| coded().and_then(|()| forms::life(value)));
    let digits = reader.read(&format!("{place}.{CODE_DIGITS}"), |value| {
        coded().and_then(|()| forms::digits(value))
    });
    let tries = reader
        .read(&format!("{place}.{CODE_TRIES}"), |value| coded().and_then(|()| forms::tries(value)));
    let Some(code) = &mut rules.code else { return };
    code.life = life.unwrap_or(code.life);
    code.digits = digits.unwrap_or(code.digits);
    code.tries = tries.unwrap_or(code.tries);
    if code.digits < 6 && code.tries > 1 {
        let path = format!("{place}.{CODE_DIGITS}");
        reader.refuse(
            &path,
            "a code this short can be guessed",
            "set code_tries = 1 beside it, or code_digits = 6",
        );
    }
}
