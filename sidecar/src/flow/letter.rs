//! What a mail says, put together at the moment of sending: only here do link and code exist.
//! Invariant: the host of a link is the configured one, whatever anybody sent.

use std::sync::Arc;
use std::time::Duration;

use contract::dialect;
use zeroize::Zeroizing;

use super::REMEDY;
use crate::clock::Millis;
use crate::config::Site;
use crate::delivery::{Letter, LetterKind, Listed};
use crate::directory::Account;
use crate::engine::Engine;
use crate::secret::Master;
use crate::store::{Challenge, Leased, MailKind};

/// A proof that lives no longer than this is not worth sending.
const TOO_LATE: Duration = Duration::from_secs(5);

/// Why a mail is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unwritten {
    /// It is of no use any more; the word that `rekey why` shows.
    Dead(&'static str),
    /// Its site is not known here; an instance that is configured anew may know it.
    SiteUnknown,
}

pub(super) fn write(
    engine: &Engine,
    mail: &Leased,
    accounts: &[Account],
    now: Millis,
) -> Result<Letter, Unwritten> {
    let sites = &engine.config.sites;
    let named = mail.site.as_ref().map_or(Some(&sites.top), |site| sites.find(site));
    let Some(site) = named else {
        tracing::error!(event = "site_unknown", remedy = REMEDY);
        return Err(Unwritten::SiteUnknown);
    };
    let name = || accounts.first().and_then(|account| account.display_name.clone());
    let kind = match (mail.kind, mail.challenges.as_slice()) {
        (MailKind::Changed, _) => {
            LetterKind::Changed { at: mail.at, name: name(), agent: mail.agent.clone() }
        }
        (MailKind::Reset, []) => return Err(Unwritten::Dead("revoked")),
        (MailKind::Reset, challenges) if mail.shared => {
            several(engine, site, challenges, accounts, now)?
        }
        (MailKind::Reset, [challenge, ..]) => {
            let Listed { link, code, link_minutes, code_minutes, name } =
                proof(engine, site, challenge, name(), now)?;
            LetterKind::Reset { link, code, link_minutes, code_minutes, name }
        }
        (MailKind::Unsure, _) => LetterKind::Unsure { at: mail.at, name: name() },
    };
    Ok(Letter {
        id: mail.id,
        sender: Arc::clone(&site.sender),
        to: mail.address.clone(),
        language: mail.language,
        kind,
    })
}

/// All that live still; without one, why the first does not.
fn several(
    engine: &Engine,
    site: &Site,
    challenges: &[Challenge],
    accounts: &[Account],
    now: Millis,
) -> Result<LetterKind, Unwritten> {
    let (mut listed, mut why) = (Vec::new(), None);
    for challenge in challenges {
        let Some(account) = accounts.iter().find(|account| account.id == challenge.account) else {
            continue;
        };
        let name = account.user_name.clone().or_else(|| account.display_name.clone());
        match proof(engine, site, challenge, name, now) {
            Ok(proof) => listed.push(proof),
            Err(unwritten) => why = why.or(Some(unwritten)),
        }
    }
    if listed.is_empty() {
        return Err(why.unwrap_or(Unwritten::Dead("no_account")));
    }
    Ok(LetterKind::Several { accounts: listed })
}

fn proof(
    engine: &Engine,
    site: &Site,
    challenge: &Challenge,
    name: Option<String>,
    now: Millis,
) -> Result<Listed, Unwritten> {
    let masters = engine.secrets.masters();
    let Some(master) = masters.of(&challenge.master).filter(|_| challenge.open) else {
        return Err(Unwritten::Dead("revoked"));
    };
    let in_time = |until: &Millis| now.until(*until) > TOO_LATE;
    let link_until = challenge.link_until.filter(|_| challenge.has_link).filter(in_time);
    let code_until = challenge.code_until.filter(|_| challenge.code_digits > 0).filter(in_time);
    let code =
        code_until.map(|_| master.code(challenge.id, challenge.counter, challenge.code_digits));
    let link = link_until.and_then(|_| link(site, master, challenge, code.as_ref()));
    if link.is_none() && code.is_none() {
        return Err(Unwritten::Dead("late"));
    }
    Ok(Listed {
        link,
        code: code.map(|code| code.to_string()),
        link_minutes: minutes(now, link_until),
        code_minutes: minutes(now, code_until),
        name,
    })
}

/// The dialect's form with its places filled; `None` when one of them cannot be.
fn link(
    site: &Site,
    master: &Master,
    challenge: &Challenge,
    code: Option<&Zeroizing<String>>,
) -> Option<String> {
    let profile = site.profile(dialect::by_name(&challenge.dialect)?);
    let link = profile.rules(challenge.channel)?.link?;
    if link.form.contains("{code}") && code.is_none() {
        return None;
    }
    let token = master.link_token(challenge.id);
    let code = code.map_or("", |code| code.as_str());
    let filled = link.fill(&token, code, challenge.address.as_str());
    Some(site.base_url.as_str().to_owned() + &filled)
}

/// Minutes that are left, rounded up.
fn minutes(now: Millis, until: Option<Millis>) -> u32 {
    let left = until.map_or(0, |until| now.until(until).as_secs().div_ceil(60));
    u32::try_from(left).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_rounded_up() {
        assert_eq!(minutes(Millis(0), Some(Millis(1_800_000))), 30);
        assert_eq!(minutes(Millis(1), Some(Millis(61_001))), 2);
        assert_eq!(minutes(Millis(5), Some(Millis(1))), 0);
        assert_eq!(minutes(Millis(0), None), 0);
    }
}
