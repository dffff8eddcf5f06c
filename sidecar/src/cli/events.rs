//! `rekey events`: what waits to be told to the team's own systems, beside a sidecar that may be running.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use contract::signature::hex;

use crate::clock::{Clock, Millis};
use crate::config::Config;
use crate::store::{EventId, EventRow, EventState, Store};

use super::mail::{failed, span};
use super::rooms::{self, RoomError};
use super::{CliError, Console};

/// Rows of one look into the store.
const PAGE: u32 = 500;

#[derive(Debug, Subcommand)]
pub(super) enum EventsCommand {
    /// Lists events: how many there are of each state, then the events, the latest first.
    ///
    /// An event waits until its receiver acknowledges it (told). One of an account waits for those before it. Told events
    /// are remembered for a day, dropped ones for a week.
    #[command(after_help = "Examples:
  rekey events list                       totals, and the 100 latest
  rekey events list --state waiting       what is not acknowledged yet, and why")]
    List(ListArgs),
    /// Shows one event: its times, its attempts, what its receiver said last, and what it says.
    #[command(after_help = "Example:\n  rekey events show 0123456789abcdef0123456789abcdef")]
    Show {
        /// As `rekey events list` and the log (`id`) write it; `webhook-id` without `msg_`.
        id: String,
    },
    /// Has an event, or all that wait, told at once, whenever the next attempt was to be.
    ///
    /// Mend first what kept it from being told (`rekey events show`). One of an account still waits for those before it.
    #[command(after_help = "Examples:
  rekey events retry 0123456789abcdef0123456789abcdef
  rekey events retry --all-waiting    after the receiver was mended")]
    Retry(RetryArgs),
    /// Gives a waiting event up: it is told to nobody, and those behind it go on.
    ///
    /// Of an event `sessions.end` it means that the account's sessions were not ended: end them by hand.
    #[command(after_help = "Example:\n  rekey events drop 0123456789abcdef0123456789abcdef")]
    Drop {
        /// As `rekey events list` writes it.
        id: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Only events of this state.
    #[arg(long)]
    state: Option<StateArg>,
    /// So many events at most.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    most: u32,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct RetryArgs {
    /// As `rekey events list` writes it.
    id: Option<String>,
    /// Every waiting event, instead of one.
    #[arg(long)]
    all_waiting: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum StateArg {
    Waiting,
    Told,
    Dropped,
}

impl From<StateArg> for EventState {
    fn from(state: StateArg) -> Self {
        match state {
            StateArg::Waiting => Self::Waiting,
            StateArg::Told => Self::Told,
            StateArg::Dropped => Self::Dropped,
        }
    }
}

pub(super) fn run(
    command: EventsCommand,
    config: &Config,
    console: &mut Console,
) -> Result<ExitCode, CliError> {
    rooms::runtime()?.block_on(async {
        let store = Store::open(&config.store).map_err(RoomError::Store)?;
        let desk = Desk { store, now: Clock::System.now() };
        match command {
            EventsCommand::List(args) => desk.list(&args, console).await,
            EventsCommand::Show { id } => desk.show(&id, console).await,
            EventsCommand::Retry(args) => desk.retry(args.id.as_deref(), console).await,
            EventsCommand::Drop { id } => desk.drop_event(&id, console).await,
        }
    })
}

struct Desk {
    store: Store,
    now: Millis,
}

impl Desk {
    async fn list(&self, args: &ListArgs, console: &mut Console) -> Result<ExitCode, CliError> {
        let counts = self.store.count_events().await.map_err(failed)?;
        console.line(totals(&counts))?;
        let state = args.state.map(EventState::from);
        let (mut shown, mut before) = (0, None);
        while shown < args.most {
            let most = PAGE.min(args.most.saturating_sub(shown));
            let page = self.store.list_events(state, before, most).await.map_err(failed)?;
            let count = u32::try_from(page.len()).unwrap_or(u32::MAX);
            if shown == 0 && count > 0 {
                console.line(HEAD)?;
            }
            for event in &page {
                console.line(line(event, self.now))?;
            }
            before = page.last().map(|event| event.place);
            shown = shown.saturating_add(count);
            if count < most {
                break;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn show(&self, text: &str, console: &mut Console) -> Result<ExitCode, CliError> {
        let event = self.find(read(text)?).await?;
        for line in describe(&event, self.now) {
            console.line(line)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn retry(&self, text: Option<&str>, console: &mut Console) -> Result<ExitCode, CliError> {
        let Some(id) = text.map(read).transpose()? else {
            let count = self.store.retry_events(self.now).await.map_err(failed)?;
            console.line(format_args!(
                "{count} are due now; the sidecar that runs tells them within seconds"
            ))?;
            return Ok(ExitCode::SUCCESS);
        };
        if self.store.retry_event(id, self.now).await.map_err(failed)? {
            console.line("it is due now; the sidecar that runs tells it within seconds")?;
            return Ok(ExitCode::SUCCESS);
        }
        self.find(id).await?;
        Err(CliError::refused("the event was told already, and its receiver acknowledged it"))
    }

    async fn drop_event(&self, text: &str, console: &mut Console) -> Result<ExitCode, CliError> {
        let id = read(text)?;
        if self.store.drop_event(id, self.now).await.map_err(failed)? {
            console.line("dropped; an attempt that is under way may still succeed")?;
            return Ok(ExitCode::SUCCESS);
        }
        let state = self.find(id).await?.state.as_str();
        Err(CliError::refused(format!(
            "the event is {state} already; only a waiting one can be dropped"
        )))
    }

    async fn find(&self, id: EventId) -> Result<EventRow, CliError> {
        self.store.show_event(id).await.map_err(failed)?.ok_or_else(|| {
            CliError::refused(
                "there is no such event; told ones are forgotten after a day, dropped ones after a week (`rekey events list`)",
            )
        })
    }
}

const HEAD: &str = "\nid                                state    kind             account                   age      attempts  last";

fn totals(counts: &[(EventState, u32)]) -> String {
    let of =
        |state| counts.iter().find(|(known, _)| *known == state).map_or(0, |(_, count)| *count);
    format!(
        "waiting {}, told {}, dropped {}",
        of(EventState::Waiting),
        of(EventState::Told),
        of(EventState::Dropped)
    )
}

fn line(event: &EventRow, now: Millis) -> String {
    format!(
        "{}  {:<7}  {:<15}  {:<24}  {:<7}  {:<8}  {}",
        hex(&event.id),
        event.state.as_str(),
        event.kind,
        event.account,
        span(event.at.until(now)),
        event.attempts,
        event.reply.as_deref().unwrap_or("-"),
    )
}

fn describe(event: &EventRow, now: Millis) -> Vec<String> {
    let account = if event.account.is_empty() { "-" } else { &event.account };
    let mut lines = vec![
        format!("id        {}", hex(&event.id)),
        format!("state     {}", event.state.as_str()),
        format!("kind      {}", event.kind),
        format!("receiver  {}", event.target),
        format!("account   {account}"),
        format!("queued    {} ago", span(event.at.until(now))),
        format!("attempts  {}", event.attempts),
        format!("last      {}", event.reply.as_deref().unwrap_or("nothing was said")),
    ];
    match (event.state, event.ended) {
        (EventState::Waiting, _) if event.next > now => {
            lines.push(format!("next      in {} at the latest", span(now.until(event.next))));
        }
        (EventState::Waiting, _) => lines.push("next      now, after those before it".to_owned()),
        (_, Some(ended)) => lines.push(format!("ended     {} ago", span(ended.until(now)))),
        (_, None) => {}
    }
    lines.push(format!("says      {}", event.words));
    lines
}

fn read(text: &str) -> Result<EventId, CliError> {
    let digits = text.strip_prefix("msg_").unwrap_or(text);
    let malformed = || {
        CliError::refused(
            "the id is malformed; write the 32 hex digits that `rekey events list` shows",
        )
    };
    contract::signature::unhex(digits).ok_or_else(malformed)
}
