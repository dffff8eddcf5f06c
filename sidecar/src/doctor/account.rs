//! What an address leads to: the account, why a message would go to it or not, and what a reset would write.

use contract::address::{Address, Channel, Email};
use contract::dialect::DIALECTS;

use super::{Area, Opened, Report};
use crate::clock::Clock;
use crate::config::{Config, Site};
use crate::directory::{Account, Directory, Finding, Status, ascii};
use crate::flow::mailboxes::mailboxes;
use crate::flow::why;
use crate::password::Stored;
use crate::secret::Secrets;
use crate::store::{Record, Store, Suppression};

/// The address that a mail would go to, where there is one.
pub(super) async fn examine(
    config: &Config,
    opened: &Opened,
    directory: &Directory,
    sample: &Address,
    report: &mut Report,
) -> Option<Email> {
    let mut add = |of: Finding| report.add(Area::Account, sample.masked(), of);
    let Some(address) = ascii(sample.clone()) else {
        add(Finding::fault("address", "its domain is no name", "write it as it is in mails"));
        return None;
    };
    let found = match directory.find(std::slice::from_ref(&address)).await {
        Ok(found) => found,
        Err(error) => {
            add(Finding::fault("found", error.to_string(), "mend what stands under `directory`"));
            return None;
        }
    };
    let (ours, others): (Vec<Account>, Vec<Account>) =
        found.into_iter().partition(|account| account.stored(&address).is_some());
    add(count(&address, &ours));
    if !others.is_empty() {
        add(Finding::warning(
            "differs",
            format!(
                "{} more that the directory takes for this address have another one",
                others.len()
            ),
            "nothing is sent to them: what a collation takes for equal is not always the same mailbox",
        ));
    }
    channels(config, &address, report);
    let keyed = opened.ring.as_ref().zip(opened.store.as_ref());
    for account in &ours {
        of_account(config, keyed.map(|(ring, _)| ring.secrets()), account, report);
    }
    if let Some((ring, store)) = keyed {
        remembered(config, ring.secrets(), store, (&address, &ours), report).await;
    }
    match ours.first()?.stored(&address)? {
        Address::Email(email) => Some(email),
        Address::Phone(_) => None,
    }
}

fn count(address: &Address, accounts: &[Account]) -> Finding {
    match (mailboxes(address, accounts), accounts.len()) {
        (Err(Suppression::NoAccount), _) => Finding::warning(
            "found",
            "no account has it: asks end as suppressed (no_account)",
            "if there is one, look at the names of its columns or attributes in the configuration, and at how it is spelled there",
        ),
        (_, 1) => Finding::good("found", "one account has it"),
        (Ok(shared), found) => Finding::good(
            "found",
            format!(
                "{found} accounts have it, in {} mailboxes: a mail to each lists its own",
                shared.len()
            ),
        ),
        (Err(reason), found) => Finding::warning(
            "found",
            format!("{found} accounts have it: asks end as suppressed ({})", reason.as_str()),
            "`rekey why` says what that means; give them addresses of their own",
        ),
    }
}

/// Which dialects would send a message on this channel.
fn channels(config: &Config, address: &Address, report: &mut Report) {
    let channel = address.channel();
    for site in config.sites.iter() {
        let (speaks, silent): (Vec<&str>, Vec<&str>) = dialects(site, channel);
        let name = site.name.as_str();
        let is_set_up = channel == Channel::Email || config.sms.is_some();
        let finding = match (speaks.is_empty(), is_set_up) {
            (_, false) => Finding::warning(
                "channel",
                format!("nothing is set up to send by {}", channel.as_str()),
                "set sms.spool",
            ),
            (true, _) => Finding::good("channel", "no dialect asks on this channel"),
            (false, true) => {
                let silent = match silent.is_empty() {
                    true => String::new(),
                    false => format!("; not in {}", silent.join(", ")),
                };
                let said =
                    format!("at site {name} a message is sent in {}{silent}", speaks.join(", "));
                Finding::good("channel", said)
            }
        };
        report.add(Area::Account, address.masked(), finding);
    }
}

/// Those that know the channel, and those that do not.
fn dialects(site: &Site, channel: Channel) -> (Vec<&'static str>, Vec<&'static str>) {
    let names = DIALECTS.iter().map(|dialect| (dialect.name(), site.profile(*dialect)));
    let (speaks, silent): (Vec<_>, Vec<_>) =
        names.partition(|(_, profile)| profile.rules(channel).is_some());
    let names = |of: Vec<(&'static str, _)>| of.into_iter().map(|(name, _)| name).collect();
    (names(speaks), names(silent))
}

/// An id may be an address.
fn named(secrets: Option<&Secrets>, account: &Account) -> String {
    secrets.map_or_else(|| "account".to_owned(), |secrets| secrets.account_in_log(&account.id))
}

fn of_account(config: &Config, secrets: Option<&Secrets>, account: &Account, report: &mut Report) {
    let name = named(secrets, account);
    let status = match account.status {
        Status::Active => Finding::good("status", "it is active"),
        Status::Disabled => Finding::warning(
            "status",
            "it is disabled: asks end as suppressed (disabled)",
            "enable it where it lives, if it should be able to reset its password",
        ),
    };
    report.add(Area::Account, name.as_str(), status);
    let recipe = config.password.recipe_over(account.password_hash.as_deref()).name();
    let hash = match account.password_hash.as_deref().map(Stored::parse) {
        _ if config.directory.hashes_itself() => {
            Finding::good("hash", "the directory makes its hash, and checks it")
        }
        None => Finding::good(
            "hash",
            format!("its hash is not there or cannot be read; a reset writes {recipe}"),
        ),
        Some(Ok(stored)) => {
            let cost = stored.cost();
            let cost = if cost.is_empty() { cost } else { format!(" ({cost})") };
            let said = format!("its hash is {}{cost}; a reset writes {recipe}", stored.family());
            Finding::good("hash", said)
        }
        Some(Err(fault)) => Finding::fault(
            "hash",
            format!("its hash cannot be checked: {fault}"),
            format!("a reset replaces it by {recipe}; is the column of the hash the right one?"),
        ),
    };
    report.add(Area::Account, name.as_str(), hash);
    if account.second_factor {
        let said = "it has a second factor: a reset never logs it in";
        report.add(Area::Account, name, Finding::good("second_factor", said));
    }
}

/// What the store holds against a message now, and what became of the last asks.
async fn remembered(
    config: &Config,
    secrets: &Secrets,
    store: &Store,
    (address, accounts): (&Address, &[Account]),
    report: &mut Report,
) {
    let (channel, now) = (address.channel(), Clock::System.now());
    let key = secrets.address_key(channel, &address.key());
    for account in accounts {
        if let Ok(record) = store.record(key, channel, account.id.clone(), now).await {
            let name = named(Some(secrets), account);
            for finding in against(config, record) {
                report.add(Area::Account, name.as_str(), finding);
            }
        }
    }
    let Ok(stories) = why::tell(store, secrets, address.clone()).await else {
        return;
    };
    let finding = match stories.first() {
        None => Finding::good("asks", "nothing was asked for with it in the last 15 minutes"),
        Some(story) => {
            let reason = story.reason.as_ref().map_or_else(String::new, |it| format!(" ({it})"));
            Finding::good(
                "asks",
                format!(
                    "asked for {} times in the last 15 minutes, the last one is {}{reason}; `rekey why` tells more",
                    stories.len(),
                    story.state
                ),
            )
        }
    };
    report.add(Area::Account, address.masked(), finding);
}

fn against(config: &Config, record: Record) -> Vec<Finding> {
    let mut findings = Vec::new();
    let limits = &config.limits;
    if record.bounced {
        findings.push(Finding::warning(
            "bounced",
            "a relay said that the mailbox is not there: nothing is sent to it for 7 days",
            "`rekey mail unsuppress` ends that",
        ));
    }
    if record.wrong_codes >= limits.daily_wrong_codes {
        findings.push(Finding::warning(
            "frozen",
            format!("{} wrong codes today: it gets links alone until midnight UTC", record.wrong_codes),
            "somebody guesses: look at the log for attempts with it; limits.daily_wrong_codes bounds them",
        ));
    }
    let quiet = record.sent.map(|sent| sent.until(Clock::System.now()));
    if let Some(quiet) = quiet.filter(|quiet| *quiet < limits.cool_down) {
        let left = limits.cool_down.saturating_sub(quiet).as_secs();
        let said =
            format!("a message went {} s ago; the same is sent again in {left} s", quiet.as_secs());
        findings.push(Finding::good("cool_down", said));
    }
    if findings.is_empty() {
        findings.push(Finding::good("free", "nothing holds a message to it back"));
    }
    findings
}
