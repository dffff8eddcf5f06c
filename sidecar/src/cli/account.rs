//! `rekey account`: the accounts of the embedded directory. Invariant: a password comes from standard input, and no hash is
//! ever shown.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use contract::secret::Password;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::directory::{Account, AccountDraft, Embedded, ImportFault, Status};
use crate::entropy::Entropy;
use crate::password::{HashError, Hasher, Stored};

use super::import::{self, Record, Secret};
use super::rooms::{self, RoomError};
use super::{CliError, Console};

/// The longest password that is hashed here, in bytes: what a client's body may hold.
const LONGEST: usize = 16 * 1024;

#[derive(Debug, Subcommand)]
pub(super) enum AccountCommand {
    /// Adds one account; its password is the first line of standard input.
    #[command(after_help = "Examples:
  rekey account add --email ann@example.com < password.txt
  printf 'old password\\n' | rekey account add --email ann@example.com --phone +8613800138000
  rekey account add --email ann@example.com --no-password    a reset gives the first one")]
    Add(AddArgs),
    /// Adds accounts from JSON lines: all of them, or none.
    ///
    /// Each line is one object with an email, a phone or both, and optionally: id, password or password_hash (argon2,
    /// bcrypt, scrypt, PBKDF2, sha512-crypt, {SSHA}, {SSHA512}, as PHC, crypt, Django, passlib or OpenLDAP write it), user_name, display_name, language (en, zh-CN, zh-TW, ja), second_factor, disabled.
    #[command(after_help = "Examples:
  rekey account import accounts.jsonl
  echo '{\"email\":\"ann@example.com\",\"password\":\"old password\"}' | rekey account import -
  echo '{\"email\":\"bob@example.com\",\"password_hash\":\"$2y$12$..\"}' | rekey account import -")]
    Import {
        /// The file, or - for standard input.
        file: PathBuf,
    },
    /// Shows the accounts that an address, a user name or an id finds.
    Show { who: String },
    /// Lists accounts by id.
    List {
        /// Begins behind this id.
        #[arg(long, value_name = "ID", default_value = "")]
        after: String,
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// Disables or enables an account, or sets whether it has a second factor.
    #[command(after_help = "Example:\n  rekey account set ann@example.com --status disabled")]
    Set {
        who: String,
        #[arg(long)]
        status: Option<StatusArg>,
        /// An account with a second factor is never logged in by a reset.
        #[arg(long)]
        second_factor: Option<bool>,
    },
    /// Tells whether a password (first line of standard input) is the account's, whichever format its hash has.
    ///
    /// Exit code 0: it is; 1: it is not.
    #[command(
        after_help = "Example:\n  printf 'new password\\n' | rekey account verify ann@example.com"
    )]
    Verify { who: String },
    /// Deletes an account, and all that the store knows of its person.
    ///
    /// It goes: the account with its former passwords, its links, codes and grants, its mails, the asks for its addresses,
    /// what was counted for them, and whether they bounced. It stays: the audit's lines, for 90 days, which say that
    /// something happened, when and from which network, and no longer to whom; budgets under keyed names, until they are
    /// whole again. It is not reached: copies of the store, logs (which mask addresses), and mails that left. SQLite
    /// writes over the freed parts of its file by and by.
    #[command(after_help = "Examples:
  rekey account forget ann@example.com
  rekey account forget 4f3c0b6a    by its id, where several accounts have an address")]
    Forget { who: String },
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    #[arg(long)]
    email: Option<String>,
    /// With its country: +8613800138000.
    #[arg(long)]
    phone: Option<String>,
    /// Drawn when it is not given.
    #[arg(long)]
    id: Option<String>,
    #[arg(long)]
    user_name: Option<String>,
    #[arg(long)]
    display_name: Option<String>,
    /// The language of its mails: en, zh-CN, zh-TW, ja.
    #[arg(long)]
    language: Option<String>,
    /// A reset never logs this account in.
    #[arg(long)]
    second_factor: bool,
    #[arg(long)]
    disabled: bool,
    /// Reads no password.
    #[arg(long)]
    no_password: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum StatusArg {
    Active,
    Disabled,
}

pub(super) fn run(
    command: AccountCommand,
    config: &Config,
    console: &mut Console,
) -> Result<ExitCode, CliError> {
    let runtime = rooms::runtime()?;
    let desk = Desk { config, directory: rooms::embedded(config)? };
    runtime.block_on(async {
        match command {
            AccountCommand::Add(args) => desk.add(args, console).await,
            AccountCommand::Import { file } => desk.import(&file, console).await,
            AccountCommand::Show { who } => desk.show(&who, console).await,
            AccountCommand::List { after, limit } => desk.list(after, limit, console).await,
            AccountCommand::Set { who, status, second_factor } => {
                desk.set(&who, status, second_factor, console).await
            }
            AccountCommand::Verify { who } => desk.verify(&who, console).await,
            AccountCommand::Forget { who } => desk.forget(&who, console).await,
        }
    })
}

struct Desk<'c> {
    config: &'c Config,
    directory: Embedded,
}

impl Desk<'_> {
    async fn add(&self, args: AddArgs, console: &mut Console) -> Result<ExitCode, CliError> {
        let mut record = args.read().map_err(CliError::refused)?;
        if !args.no_password {
            record.secret = Secret::Password(asked(console)?);
        }
        let added = self.write(vec![record]).await?;
        for account in added {
            console.line(format_args!("added {}", account.id))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn import(&self, file: &Path, console: &mut Console) -> Result<ExitCode, CliError> {
        let text = match file.to_str() {
            Some("-") => console.text()?,
            _ => {
                Zeroizing::new(fs::read_to_string(file).map_err(|error| unreadable(file, &error))?)
            }
        };
        let records = import::parse(&text).map_err(CliError::refused)?;
        let added = self.write(records).await?;
        console.line(format_args!("imported {}", added.len()))?;
        Ok(ExitCode::SUCCESS)
    }

    async fn show(&self, who: &str, console: &mut Console) -> Result<ExitCode, CliError> {
        for account in self.find(who).await? {
            console.line(describe(&account))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn list(
        &self,
        after: String,
        limit: u32,
        console: &mut Console,
    ) -> Result<ExitCode, CliError> {
        for account in self.directory.list(after, limit).await.map_err(refused)? {
            console.line(summary(&account))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn set(
        &self,
        who: &str,
        status: Option<StatusArg>,
        second_factor: Option<bool>,
        console: &mut Console,
    ) -> Result<ExitCode, CliError> {
        if status.is_none() && second_factor.is_none() {
            return Err(CliError::refused("nothing to set: give --status or --second-factor"));
        }
        let account = self.only(who).await?;
        let status = status.map(|status| match status {
            StatusArg::Active => Status::Active,
            StatusArg::Disabled => Status::Disabled,
        });
        let account =
            self.directory.set(&account.id, status, second_factor).await.map_err(refused)?;
        console.line(summary(&account))?;
        Ok(ExitCode::SUCCESS)
    }

    async fn verify(&self, who: &str, console: &mut Console) -> Result<ExitCode, CliError> {
        let account = self.only(who).await?;
        let password = asked(console)?;
        let Some(stored) = account.password_hash else {
            return Err(CliError::refused("the account has no password yet; a reset gives it one"));
        };
        let password = self.normal(&password)?;
        let hasher = rooms::hasher(self.config).await?;
        let right = hasher.verify(password, &stored).await.map_err(RoomError::Hash)?;
        console.line(if right { "the password is right" } else { "the password is wrong" })?;
        Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn forget(&self, who: &str, console: &mut Console) -> Result<ExitCode, CliError> {
        let account = self.only(who).await?;
        let rows = rooms::forget(self.config, &account).await?;
        console.line(format_args!("forgotten: {rows} rows"))?;
        Ok(ExitCode::SUCCESS)
    }

    async fn find(&self, who: &str) -> Result<Vec<Account>, CliError> {
        let found = self.directory.show(who).await.map_err(refused)?;
        let nobody =
            "no account has this id, user name, e-mail or phone; `rekey account list` shows all";
        match found.is_empty() {
            true => Err(CliError::refused(nobody)),
            false => Ok(found),
        }
    }

    async fn only(&self, who: &str) -> Result<Account, CliError> {
        let mut found = self.find(who).await?;
        match (found.pop(), found.is_empty()) {
            (Some(account), true) => Ok(account),
            _ => Err(CliError::refused(
                "several accounts have this; name one by its id (`rekey account show`)",
            )),
        }
    }

    /// In the form in which resets hash it too.
    fn normal(&self, password: &Password) -> Result<Password, CliError> {
        let normal = self.config.normal.of(password, LONGEST);
        normal.map(Cow::into_owned).ok_or_else(|| {
            CliError::refused("a password has more than 16 KiB; no client could ever send it")
        })
    }

    /// Hashes what is to be hashed, on all threads, and adds all accounts or none.
    async fn write(&self, records: Vec<Record>) -> Result<Vec<Account>, CliError> {
        let hasher = Arc::new(rooms::hasher(self.config).await?);
        let slots = Arc::new(Semaphore::new(self.config.password.threads));
        let mut hashing = JoinSet::new();
        for (at, mut record) in records.into_iter().enumerate() {
            if let Secret::Password(password) = &record.secret {
                record.secret = Secret::Password(self.normal(password)?);
            }
            let permit = Arc::clone(&slots).acquire_owned().await;
            let hasher = Arc::clone(&hasher);
            hashing.spawn(async move {
                let drafted = draft(record, &hasher).await;
                drop(permit);
                (at, drafted)
            });
        }
        let mut drafts = Vec::new();
        while let Some(hashed) = hashing.join_next().await {
            let (at, drafted) = hashed.map_err(|_| CliError::refused("a hash failed"))?;
            drafts.push((at, drafted.map_err(RoomError::Hash)?));
        }
        drafts.sort_by_key(|(at, _)| *at);
        let drafts = drafts.into_iter().map(|(_, draft)| draft).collect();
        self.directory.import(drafts).await.map_err(not_added)
    }
}

impl AddArgs {
    fn read(&self) -> Result<Record, String> {
        let read = |text: &Option<String>| text.clone();
        Record {
            id: read(&self.id),
            email: self.email.as_deref().map(import::email).transpose()?,
            phone: self.phone.as_deref().map(import::phone).transpose()?,
            user_name: read(&self.user_name),
            display_name: read(&self.display_name),
            language: self.language.as_deref().map(import::language).transpose()?,
            second_factor: self.second_factor,
            disabled: self.disabled,
            secret: Secret::None,
        }
        .judged()
    }
}

async fn draft(record: Record, hasher: &Hasher) -> Result<AccountDraft, HashError> {
    let password_hash = match record.secret {
        Secret::None => None,
        Secret::Hash(hash) => Some(hash),
        Secret::Password(password) => {
            let salt = Entropy::System.bytes().map_err(|_| HashError::Busy { retry_after: 1 })?;
            Some(hasher.hash(password, salt).await?)
        }
    };
    Ok(AccountDraft {
        id: record.id,
        email: record.email,
        phone: record.phone,
        user_name: record.user_name,
        display_name: record.display_name,
        language: record.language,
        password_hash,
        second_factor: record.second_factor,
        status: if record.disabled { Status::Disabled } else { Status::Active },
    })
}

fn asked(console: &mut Console) -> Result<Password, CliError> {
    console.password()?.ok_or_else(|| {
        CliError::refused(
            "no password on standard input: pipe one in, as in `rekey account .. < password.txt`",
        )
    })
}

fn unreadable(file: &Path, error: &io::Error) -> CliError {
    CliError::refused(format!("{} cannot be read: {error}", file.display()))
}

/// The place in the list is worth telling only where there was a list.
fn not_added(fault: ImportFault) -> CliError {
    CliError::refused(format!("nothing was added; {fault}"))
}

fn refused(fault: impl std::fmt::Display) -> CliError {
    CliError::refused(fault.to_string())
}

fn summary(account: &Account) -> String {
    let addresses = account
        .emails
        .iter()
        .map(|email| email.as_str())
        .chain(account.phones.iter().map(|phone| phone.as_str()));
    let addresses: Vec<&str> = addresses.collect();
    let status = match account.status {
        Status::Active => "",
        Status::Disabled => "  disabled",
    };
    format!("{}  {}{status}", account.id, addresses.join("  "))
}

fn describe(account: &Account) -> String {
    let mut lines = vec![summary(account)];
    let mut line = |name: &str, value: Option<&str>| {
        lines.extend(value.map(|value| format!("  {name:<14} {value}")))
    };
    line("user name", account.user_name.as_deref());
    line("display name", account.display_name.as_deref());
    line("language", account.language.map(|language| language.tag()));
    line("second factor", account.second_factor.then_some("yes"));
    let hash = account.password_hash.as_deref();
    line(
        "password",
        Some(hash.map_or("none yet", |hash| {
            Stored::parse(hash).map_or("unknown format", |stored| stored.family())
        })),
    );
    lines.join("\n")
}
