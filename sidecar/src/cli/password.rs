//! `rekey password`: what becomes of a password here, before anybody resets one. Invariant: the password comes from a terminal
//! or from standard input, and is not shown; a hash of it only where that was asked for.

use std::fmt::Display;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use contract::dialect::DIALECTS;
use contract::language::Language;
use contract::secret::Password;
use tokio::time::Instant;

use super::rooms::{self, RoomError};
use super::{CliError, Console, SiteArgs};
use crate::config::{Config, Site};
use crate::directory::Account;
use crate::entropy::Entropy;
use crate::flow::password::{Judging, former};
use crate::password::{Lookup, Person, Policy, Verdict};
use crate::store::Store;

#[derive(Debug, Subcommand)]
pub(super) enum PasswordCommand {
    /// Tells what the policy says of a password and why, and what would be written of it.
    ///
    /// The password is asked for where standard input is a terminal, and not shown; else it is the first line of standard
    /// input. Exit code 0: it would be taken; 1: it would not.
    #[command(after_help = "\
Examples:
  rekey password explain                                    asks for it
  rekey password explain --dialect NAME < password.txt
  rekey password explain --site NAME                        by the rules of that site
  rekey password explain ann@example.com --language zh      also against her name, numbers and former passwords")]
    Explain(ExplainArgs),
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// Whose password it is to be: an address, a user name or an id of the embedded directory.
    who: Option<String>,
    /// Only by the policy of this dialect.
    #[arg(long, value_name = "NAME")]
    dialect: Option<String>,
    #[command(flatten)]
    site: SiteArgs,
    /// Of the reasons: en, zh-CN, zh-TW, ja.
    #[arg(long, value_name = "TAG", default_value = "en")]
    language: String,
    /// Shows the whole hash; without it, salt and tag are left out.
    #[arg(long)]
    show_hash: bool,
}

pub(super) fn run(
    command: PasswordCommand,
    config: &Config,
    console: &mut Console,
) -> Result<ExitCode, CliError> {
    let PasswordCommand::Explain(args) = command;
    rooms::runtime()?.block_on(explain(&args, config, console))
}

async fn explain(
    args: &ExplainArgs,
    config: &Config,
    console: &mut Console,
) -> Result<ExitCode, CliError> {
    let groups = groups(args.site.of(config)?, args.dialect.as_deref())?;
    let language = Language::parse(&args.language)
        .ok_or_else(|| CliError::refused("the languages are en, zh-CN, zh-TW and ja"))?;
    let account = match &args.who {
        Some(who) => Some(whose(config, who).await?),
        None => None,
    };
    let password = console.password()?.ok_or_else(|| {
        CliError::refused("no password came: type one, or give it on standard input")
    })?;
    show_size(&password, console)?;
    let lookup = config.lookup.as_ref().map(Lookup::new).transpose().map_err(refused)?;
    let hasher = rooms::hasher(config).await?;
    let mut exit = ExitCode::SUCCESS;
    let replaced = account.as_ref().and_then(|account| account.password_hash.as_deref());
    for group in groups {
        group.show(config, console)?;
        let former = former_of(config, account.as_ref(), &group.policy).await?;
        let judging = Judging {
            normal: config.normal,
            lookup: lookup.as_ref(),
            entropy: &Entropy::System,
            hasher: &hasher,
            recipe: config.password.recipe_over(replaced),
            by: Instant::now() + config.password.deadline,
        };
        let (begun, person) =
            (Instant::now(), account.as_ref().map(Person::of).unwrap_or_default());
        // As a confirm does it.
        let verdict = judging.judge(group.policy, person, former, &password).await;
        let millis = begun.elapsed().as_millis();
        match verdict.map_err(refused)? {
            Verdict::Broken(breaches) => {
                console.line("it would not be taken:")?;
                for breach in breaches {
                    let (code, text) = (breach.code(), breach.text(language));
                    console.line(format_args!("  - {text} ({code})"))?;
                }
                exit = ExitCode::FAILURE;
            }
            Verdict::Good { hash, .. } => {
                let hash = if args.show_hash { hash } else { without_secrets(&hash) };
                console
                    .line(format_args!("it would be taken, and written ({millis} ms here) as"))?;
                console.line(format_args!("  {hash}"))?;
            }
        }
    }
    Ok(exit)
}

/// Dialects with one and the same policy.
struct Group {
    dialects: Vec<&'static str>,
    policy: Arc<Policy>,
}

impl Group {
    fn show(&self, config: &Config, console: &mut Console) -> Result<(), CliError> {
        console.line(format_args!("\nthe policy of {}:", self.dialects.join(", ")))?;
        for rule in self.policy.told() {
            console.line(format_args!("  - {rule}"))?;
        }
        if let Some(lookup) = &config.lookup {
            console.line(format_args!("  - not known to {}", lookup.url.as_str()))?;
        }
        Ok(())
    }
}

fn groups(site: &Site, only: Option<&str>) -> Result<Vec<Group>, CliError> {
    let wanted = DIALECTS.iter().filter(|dialect| only.is_none_or(|name| dialect.name() == name));
    let mut groups: Vec<Group> = Vec::new();
    for dialect in wanted {
        let policy = site.profile(*dialect).policy;
        match groups.iter_mut().find(|group| group.policy.rules == policy.rules) {
            Some(group) => group.dialects.push(dialect.name()),
            None => groups.push(Group { dialects: vec![dialect.name()], policy }),
        }
    }
    match groups.is_empty() {
        false => Ok(groups),
        true => {
            let names: Vec<&str> = DIALECTS.iter().map(|dialect| dialect.name()).collect();
            Err(CliError::refused(format!("the dialects are {}", names.join(", "))))
        }
    }
}

async fn former_of(
    config: &Config,
    account: Option<&Account>,
    policy: &Policy,
) -> Result<Vec<String>, CliError> {
    let Some(account) = account else {
        return Ok(Vec::new());
    };
    let store = Store::open(&config.store).map_err(RoomError::Store)?;
    Ok(former(&store, account, policy.rules.history).await.map_err(RoomError::Store)?)
}

fn refused(error: impl Display) -> CliError {
    CliError::refused(error.to_string())
}

async fn whose(config: &Config, who: &str) -> Result<Account, CliError> {
    let mut found = rooms::embedded(config)?.show(who).await.map_err(refused)?;
    match (found.pop(), found.is_empty()) {
        (Some(account), true) => Ok(account),
        (Some(_), false) => {
            Err(CliError::refused("several accounts have this; name one by its id"))
        }
        (None, _) => Err(CliError::refused(
            "no account has this id, user name, e-mail or phone; `rekey account list` shows all",
        )),
    }
}

fn show_size(password: &Password, console: &mut Console) -> Result<(), CliError> {
    let text = password.expose();
    let (characters, bytes) = (text.chars().count(), text.len());
    Ok(console.line(format_args!("the password has {characters} characters, {bytes} bytes"))?)
}

/// Salts and tags are what is long and has no parts.
fn without_secrets(hash: &str) -> String {
    let shown = hash.split_inclusive(['$', '}']).map(|part| {
        let is_secret = part.trim_end_matches(['$', '}']).len() >= 16 && !part.contains(',');
        if is_secret { if part.ends_with('$') { "…$" } else { "…" } } else { part }
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_of_a_hash_is_its_format_and_its_cost() {
        let table = [
            (
                "$argon2id$v=19$m=19456,t=2,p=1,keyid=MWYwYzc3YWE$BwcHBwcHBwcHBwcHBwcHBw$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                "$argon2id$v=19$m=19456,t=2,p=1,keyid=MWYwYzc3YWE$…$…",
            ),
            ("$2b$12$abcdefghijklmnopqrstuvabcdefghijklmnopqrstuvabcdefghi", "$2b$12$…"),
            (
                "{CRYPT}$6$rounds=656000$abcdefghijklmnop$abcdefghijklmnopqrstuv",
                "{CRYPT}$6$rounds=656000$…$…",
            ),
            ("{SSHA512}abcdefghijklmnopqrstuvwxyz==", "{SSHA512}…"),
            (
                "pbkdf2_sha256$600000$abcdefghijklmnopqrstuv$abcdefghijklmnopqrstuv=",
                "pbkdf2_sha256$600000$…$…",
            ),
        ];
        for (hash, shown) in table {
            assert_eq!(without_secrets(hash), shown);
        }
    }
}
