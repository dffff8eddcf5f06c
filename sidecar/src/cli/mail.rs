//! `rekey mail`: the outbox, beside a sidecar that may be running. Invariant: addresses are shown masked, and what a mail
//! says (link, code) is not in the outbox at all.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use contract::signature::hex;

use crate::clock::{Clock, Millis};
use crate::config::Config;
use crate::store::{MailId, MailRow, MailState, Outbox, Store, StoreError};

use super::rooms::{self, RoomError};
use super::{CliError, Console, why};

/// Rows of one look into the store.
const PAGE: u32 = 500;

/// What the pace is measured by.
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Debug, Subcommand)]
pub(super) enum MailCommand {
    /// Lists the outbox: how much of each state, how fast it drains, then the mails, the latest first.
    ///
    /// A mail waits until a relay takes it (sent) or no attempt can help any more (dead). Sent mails are remembered for a
    /// day, dead ones for a week.
    #[command(after_help = "Examples:
  rekey mail list                     totals, and the 100 latest
  rekey mail list --state dead        what was given up, and why
  rekey mail list --state waiting --most 10000")]
    List(ListArgs),
    /// Shows one mail: its times, its attempts and what the relay said last.
    #[command(after_help = "Example:\n  rekey mail show 0123456789abcdef0123456789abcdef")]
    Show {
        /// As `rekey mail list` and the log (`id`) write it.
        id: String,
    },
    /// Gives a dead mail, or all of them, another chance at once.
    ///
    /// The proof in it does not live longer by that: a mail whose proof has ended or was used is dead again, as `late` or
    /// `revoked`. Mend first what made it dead (`rekey mail show`).
    #[command(after_help = "Examples:
  rekey mail retry 0123456789abcdef0123456789abcdef
  rekey mail retry --all-dead         after the relay was mended")]
    Retry(RetryArgs),
    /// Gives a waiting mail up: it ends as dead, and its ask with it.
    #[command(after_help = "Example:\n  rekey mail drop 0123456789abcdef0123456789abcdef")]
    Drop {
        /// As `rekey mail list` writes it.
        id: String,
    },
    /// Takes an address from the list of those whose mailbox is not there, so that it gets mails again.
    ///
    /// An address comes onto the list when the relay refuses it as a recipient (550, 551, 553 or 5.1.x), and leaves it by
    /// itself after 7 days. Until then asks for it end as suppressed (bounced).
    #[command(after_help = "Examples:
  rekey mail unsuppress ann@example.com
  rekey mail unsuppress --all         after a relay refused good addresses by mistake")]
    Unsuppress(UnsuppressArgs),
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Only mails of this state.
    #[arg(long)]
    state: Option<StateArg>,
    /// So many mails at most.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    most: u32,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct RetryArgs {
    /// As `rekey mail list` writes it.
    id: Option<String>,
    /// Every dead mail, instead of one.
    #[arg(long)]
    all_dead: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct UnsuppressArgs {
    /// An e-mail address, or a phone number with its country (+86...).
    address: Option<String>,
    /// Every address, instead of one.
    #[arg(long)]
    all: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum StateArg {
    Waiting,
    Sent,
    Dead,
}

impl From<StateArg> for MailState {
    fn from(state: StateArg) -> Self {
        match state {
            StateArg::Waiting => Self::Waiting,
            StateArg::Sent => Self::Sent,
            StateArg::Dead => Self::Dead,
        }
    }
}

pub(super) fn run(
    command: MailCommand,
    config: &Config,
    console: &mut Console,
) -> Result<ExitCode, CliError> {
    rooms::runtime()?.block_on(async {
        let store = Store::open(&config.store).map_err(RoomError::Store)?;
        let desk = Desk { config, store, now: Clock::System.now() };
        match command {
            MailCommand::List(args) => desk.list(&args, console).await,
            MailCommand::Show { id } => desk.show(&id, console).await,
            MailCommand::Retry(args) => desk.retry(args.id.as_deref(), console).await,
            MailCommand::Drop { id } => desk.drop_mail(&id, console).await,
            MailCommand::Unsuppress(args) => {
                desk.unsuppress(args.address.as_deref(), console).await
            }
        }
    })
}

struct Desk<'c> {
    config: &'c Config,
    store: Store,
    now: Millis,
}

impl Desk<'_> {
    async fn list(&self, args: &ListArgs, console: &mut Console) -> Result<ExitCode, CliError> {
        let since = self.now.minus(MINUTE);
        let outbox = self.store.outbox(self.now, since).await.map_err(failed)?;
        console.line(totals(&outbox))?;
        if let Some(progress) = progress(&outbox) {
            console.line(progress)?;
        }
        let state = args.state.map(MailState::from);
        let (mut shown, mut after) = (0, None);
        while shown < args.most {
            let most = PAGE.min(args.most.saturating_sub(shown));
            let page = self.store.list_mails(state, after, most).await.map_err(failed)?;
            let count = u32::try_from(page.len()).unwrap_or(u32::MAX);
            if shown == 0 && count > 0 {
                console.line(HEAD)?;
            }
            for mail in &page {
                console.line(line(mail, self.now))?;
            }
            after = page.last().map(|mail| (mail.at, mail.id));
            shown = shown.saturating_add(count);
            if count < most {
                break;
            }
        }
        let all = outbox.of(state);
        if u64::from(shown) < all {
            console
                .line(format_args!("{shown} of {all} shown; --most shows more, --state fewer"))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn show(&self, text: &str, console: &mut Console) -> Result<ExitCode, CliError> {
        let id = read(text)?;
        let mail = self.store.show_mail(id).await.map_err(failed)?.ok_or_else(unknown)?;
        for line in describe(&mail, self.now) {
            console.line(line)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn retry(&self, text: Option<&str>, console: &mut Console) -> Result<ExitCode, CliError> {
        let Some(id) = text.map(read).transpose()? else {
            return self.retry_dead(console).await;
        };
        if self.store.retry_mail(id, self.now).await.map_err(failed)? {
            console.line("it waits again; the sidecar that runs sends it within seconds")?;
            return Ok(ExitCode::SUCCESS);
        }
        let mail = self.store.show_mail(id).await.map_err(failed)?.ok_or_else(unknown)?;
        Err(CliError::refused(match mail.state {
            MailState::Waiting => "the mail waits already; the sidecar sends it when it is due",
            _ => "the mail was sent; whoever needs another one asks for it again",
        }))
    }

    /// Page by page, so that the sidecar's own writes go on between them.
    async fn retry_dead(&self, console: &mut Console) -> Result<ExitCode, CliError> {
        let mut all = 0_u64;
        loop {
            let count = self.store.retry_dead(self.now, PAGE).await.map_err(failed)?;
            all = all.saturating_add(count);
            if count < u64::from(PAGE) {
                break;
            }
            console.line(format_args!("{all} so far"))?;
        }
        console.line(format_args!(
            "{all} wait again; the sidecar that runs takes them up within seconds"
        ))?;
        Ok(ExitCode::SUCCESS)
    }

    async fn drop_mail(&self, text: &str, console: &mut Console) -> Result<ExitCode, CliError> {
        let id = read(text)?;
        if self.store.drop_mail(id, self.now).await.map_err(failed)? {
            console.line("dropped; an attempt that is under way may still succeed")?;
            return Ok(ExitCode::SUCCESS);
        }
        let mail = self.store.show_mail(id).await.map_err(failed)?.ok_or_else(unknown)?;
        let state = mail.state.as_str();
        Err(CliError::refused(format!(
            "the mail is {state} already; only a waiting one can be dropped"
        )))
    }

    async fn unsuppress(
        &self,
        text: Option<&str>,
        console: &mut Console,
    ) -> Result<ExitCode, CliError> {
        let Some(text) = text else {
            let count = self.store.unsuppress_all().await.map_err(failed)?;
            console.line(format_args!("{count} taken from the list"))?;
            return Ok(ExitCode::SUCCESS);
        };
        let address = why::read(text)?;
        let masked = address.masked();
        if rooms::unsuppress(self.config, &self.store, address).await? {
            console.line(format_args!("{masked} gets mails again"))?;
            return Ok(ExitCode::SUCCESS);
        }
        Err(CliError::refused(format!(
            "{masked} is not on the list; `rekey why {text}` tells what became of its asks"
        )))
    }
}

const HEAD: &str = "\nid                                state    kind     to                        age      attempts  last";

fn totals(outbox: &Outbox) -> String {
    let Outbox { waiting, due, sent, dead, suppressed, .. } = outbox;
    format!(
        "waiting {waiting} ({due} due now), sent {sent}, dead {dead}; addresses suppressed {suppressed}"
    )
}

/// How fast it drains, and how long that takes; `None` where nothing waits or nothing moves.
fn progress(outbox: &Outbox) -> Option<String> {
    let waiting = Some(outbox.due).filter(|due| *due > 0)?;
    let left = waiting.saturating_mul(60).checked_div(outbox.ended_since);
    Some(match left {
        Some(left) => format!(
            "{} ended in the last minute; at this pace what is due leaves in about {}",
            outbox.ended_since,
            span(Duration::from_secs(left))
        ),
        None => "none ended in the last minute; does the sidecar run, and does its log say `relay_rests`?"
            .to_owned(),
    })
}

fn line(mail: &MailRow, now: Millis) -> String {
    format!(
        "{}  {:<7}  {:<7}  {:<24}  {:<7}  {:<8}  {}",
        hex(&mail.id),
        mail.state.as_str(),
        mail.kind,
        mail.to,
        span(mail.at.until(now)),
        mail.attempts,
        mail.reply.as_deref().unwrap_or("-"),
    )
}

fn describe(mail: &MailRow, now: Millis) -> Vec<String> {
    let mut lines = vec![
        format!("id        {}", hex(&mail.id)),
        format!("state     {}", mail.state.as_str()),
        format!("kind      {}", mail.kind),
        format!("to        {} ({})", mail.to, mail.channel.as_str()),
        format!("account   {}{}", mail.account, others(mail.accounts)),
        format!("queued    {} ago", span(mail.at.until(now))),
        format!("attempts  {}", mail.attempts),
        format!("last      {}", mail.reply.as_deref().unwrap_or("nothing was said yet")),
    ];
    match (mail.state, mail.ended) {
        (MailState::Waiting, _) if mail.next > now => {
            lines.push(format!("next      in {} at the latest", span(now.until(mail.next))));
        }
        (MailState::Waiting, _) => lines.push("next      now".to_owned()),
        (_, Some(ended)) => lines.push(format!("ended     {} ago", span(ended.until(now)))),
        (_, None) => {}
    }
    if mail.state == MailState::Dead {
        lines.push(
            "\n`rekey mail retry` gives it another chance, `rekey why` tells of its ask".to_owned(),
        );
    }
    lines
}

/// A mail to a mailbox that several accounts share.
fn others(accounts: u32) -> String {
    match accounts {
        0 | 1 => String::new(),
        _ => format!(", the first of {accounts} that it tells of"),
    }
}

/// In its two largest units.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

fn read(text: &str) -> Result<MailId, CliError> {
    let malformed = || {
        CliError::refused(
            "the id is malformed; write the 32 hex digits that `rekey mail list` shows",
        )
    };
    contract::signature::unhex(text).ok_or_else(malformed)
}

fn unknown() -> CliError {
    CliError::refused(
        "there is no such mail; sent ones are forgotten after a day, dead ones after a week (`rekey mail list`)",
    )
}

pub(super) fn failed(error: StoreError) -> CliError {
    CliError::Room(RoomError::Store(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_short() {
        let table = [(0, "0s"), (59, "59s"), (60, "1m00s"), (3_661, "1h01m"), (90_000, "1d01h")];
        for (seconds, expected) in table {
            assert_eq!(span(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn progress_tells_pace_and_end() {
        let table = [
            (Outbox { due: 0, ended_since: 10, ..Outbox::default() }, None),
            (Outbox { due: 600, ended_since: 60, ..Outbox::default() }, Some("about 10m00s")),
            (Outbox { due: 1, ..Outbox::default() }, Some("does the sidecar run")),
        ];
        for (outbox, expected) in table {
            let told = progress(&outbox);
            assert_eq!(told.is_some(), expected.is_some());
            assert!(told.unwrap_or_default().contains(expected.unwrap_or_default()));
        }
    }
}
