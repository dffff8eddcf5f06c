//! The worker that sends: due mails are leased, written, handed to the courier, and ended or put off, each for itself.
//! Invariants: a mail is ended only after the relay took or refused it, so it is sent twice at most under one Message-ID;
//! no attempt begins so late in its lease that another worker could begin the same.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use super::FlowError;
use super::backoff::{pause, spread};
use super::letter::{self, Unwritten};
use super::look_up::get_all;
use super::pace::Pace;
use crate::clock::Millis;
use crate::delivery::{Delivery, Reason};
use crate::directory::{Account, DirectoryError};
use crate::engine::Engine;
use crate::store::{Leased, MailEnd, MailKind, StoreError};

/// An attempt begins in the first part of its lease, and ends within the second.
const LEASE: Duration = Duration::from_secs(120);
const START: Duration = Duration::from_secs(20);

/// In hand at a time: what leaves in a quarter of a second, so that sending never waits for a commit; what a process that
/// dies had in hand waits for its leases to end.
const MOST: usize = 256;

const IDLE: Duration = Duration::from_secs(5);

/// While more than so many mails wait, how far the drain is, is told this often.
const LONG_DRAIN: u32 = 100;
const TELL: Duration = Duration::from_secs(5);

/// A notice waits so long for others, since nobody waits for it: leases and ends of many cost one commit.
const SOON: Duration = Duration::from_millis(100);

/// After a fault of the store.
const REST: Duration = Duration::from_secs(1);

const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// How long we try to say that a password was changed, or may have been.
const NOTICE_LIFE: Duration = Duration::from_secs(24 * 3600);

pub(crate) async fn run(engine: &Arc<Engine>, mut stop: watch::Receiver<bool>) {
    let mut hands = Hands::new();
    while !*stop.borrow() {
        hands.fill(engine).await;
        // What wakes while the hands are full, wakes when they are not.
        let room = hands.has_room(engine);
        tokio::select! {
            Some(done) = hands.running.join_next() => hands.note(done),
            () = engine.wake.mails.notified(), if room => hands.dry = None,
            () = engine.wake.notices.notified(), if room => hands.look_soon(),
            () = sleep_until(hands.dry.unwrap_or_else(Instant::now)), if room => hands.dry = None,
            // An error means that whoever could say stop is gone.
            _ = stop.wait_for(|stopped| *stopped) => break,
        }
        hands.note_all();
        hands.tell(engine).await;
    }
    while let Some(done) = hands.running.join_next().await {
        hands.note(done);
    }
}

/// The mails that this worker has leased and not ended.
struct Hands {
    running: JoinSet<Result<bool, FlowError>>,
    pace: Pace,
    /// How many left the outbox, since when: until it is told.
    left: (u64, Instant),
    /// Until when nothing is due, as far as is known.
    dry: Option<Instant>,
}

impl Hands {
    fn new() -> Self {
        let now = Instant::now();
        Self { running: JoinSet::new(), pace: Pace::new(now), left: (0, now), dry: None }
    }

    /// As many as are worth leasing: a few for each connection, and more where they leave fast.
    fn limit(&self, engine: &Engine) -> usize {
        let courier = &engine.courier;
        match courier.is_on_trial(engine.clock.now()) {
            true => 1,
            false => (self.pace.per_second() / 4).clamp(courier.width().saturating_mul(2), MOST),
        }
    }

    /// Leases are taken by halves of what can be in hand: one commit for many.
    fn has_room(&self, engine: &Engine) -> bool {
        self.running.len().saturating_mul(2) <= self.limit(engine)
    }

    fn look_soon(&mut self) {
        self.dry = self.dry.map(|dry| dry.min(Instant::now() + SOON));
    }

    /// Leases what there is room for, and sets about it.
    async fn fill(&mut self, engine: &Arc<Engine>) {
        if self.dry.is_some() || !self.has_room(engine) {
            return;
        }
        let span = match engine.courier.rest(engine.clock.now()) {
            Some(rest) => rest.min(IDLE),
            None => match self.lease(engine).await {
                Ok(true) => return,
                Ok(false) => until_due(engine).await,
                Err(error) => {
                    tracing::error!(event = "deliver_failed", kind = %error);
                    REST
                }
            },
        };
        self.dry = Some(Instant::now() + span);
    }

    /// Whether there may be more than were taken.
    async fn lease(&mut self, engine: &Arc<Engine>) -> Result<bool, StoreError> {
        let (now, room) =
            (engine.clock.now(), self.limit(engine).saturating_sub(self.running.len()));
        let most = u32::try_from(room).unwrap_or(u32::MAX);
        let leased = engine.store.lease_mails(now, now.plus(LEASE), most).await?;
        if !leased.is_empty() {
            crate::crash::point("deliver.leased");
        }
        let more = leased.len() >= room;
        for mail in leased {
            let engine = Arc::clone(engine);
            self.running.spawn(async move { deliver(&engine, &mail).await });
        }
        Ok(more)
    }

    /// One that panicked is due again when its lease ends.
    fn note(&mut self, done: Result<Result<bool, FlowError>, JoinError>) {
        self.pace.end(Instant::now());
        match done.unwrap_or(Err(FlowError::Panicked)) {
            Ok(left) => self.left.0 = self.left.0.saturating_add(left.into()),
            Err(error) => tracing::error!(event = "deliver_failed", kind = %error),
        }
    }

    fn note_all(&mut self) {
        while let Some(done) = self.running.try_join_next() {
            self.note(done);
        }
    }
}

impl Hands {
    /// The progress of a long drain.
    async fn tell(&mut self, engine: &Engine) {
        let (left, since) = self.left;
        let span = since.elapsed();
        if span < TELL {
            return;
        }
        self.left = (0, Instant::now());
        // A fault of the store is told where it is worked with.
        let waiting =
            engine.store.backlog(engine.clock.now(), u32::MAX).await.unwrap_or_default().mails;
        if waiting > LONG_DRAIN {
            let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
            let per_second = left.saturating_mul(1000).checked_div(millis).unwrap_or(0);
            tracing::info!(event = "draining", waiting, per_second);
        }
    }
}

async fn until_due(engine: &Engine) -> Duration {
    let next = engine.store.next_mail().await.ok().flatten();
    next.map_or(IDLE, |next| engine.clock.now().until(next).clamp(Duration::from_millis(10), IDLE))
}

/// Sends some of what is due now; how many there were.
#[cfg(test)]
pub(crate) async fn once(engine: &Arc<Engine>) -> Result<usize, FlowError> {
    let mut hands = Hands::new();
    hands.lease(engine).await?;
    let count = hands.running.len();
    let ends = hands.running.join_all().await;
    ends.into_iter().collect::<Result<Vec<bool>, _>>().map(|_| count)
}

/// What became of an attempt, and the word for it in the metrics.
struct Ended {
    end: MailEnd,
    reason: &'static str,
}

/// Whether the mail left the outbox.
pub(super) async fn deliver(engine: &Arc<Engine>, mail: &Leased) -> Result<bool, FlowError> {
    let Some(Ended { end, reason }) = attempt(engine, mail).await? else {
        return Ok(false);
    };
    crate::crash::point("deliver.relayed");
    let (id, address) = (contract::signature::hex(&mail.id), mail.address.masked());
    let (kind, attempts) = (mail.kind.as_str(), mail.attempts);
    let told = match &end {
        MailEnd::Sent => {
            tracing::info!(event = "mail_sent", id, kind, address, attempts);
            Some("sent")
        }
        MailEnd::Later { reply, .. } => {
            tracing::warn!(event = "mail_put_off", id, kind, address, attempts, reply, reason);
            None
        }
        MailEnd::Dead { reply } => {
            tracing::error!(event = "mail_dead", id, kind, address, attempts, reply, reason);
            Some("dead")
        }
        MailEnd::Bounced { reply, .. } => {
            tracing::warn!(event = "mail_bounced", id, kind, address, attempts, reply);
            Some("bounced")
        }
    };
    note_end(engine, mail, end).await?;
    if let Some(told) = told {
        engine.limits.backlog.end();
        count(engine, mail.kind, told, reason);
    }
    Ok(told.is_some())
}

/// A mail's end is its ask's: a bounce is one of the ways to be dead.
fn count(engine: &Engine, kind: MailKind, end: &'static str, reason: &'static str) {
    engine.ends.mail(end, reason);
    match (kind, end) {
        (MailKind::Changed | MailKind::Unsure, _) => {}
        (MailKind::Reset, "bounced") => engine.ends.ask("dead", "bounced"),
        (MailKind::Reset, _) => engine.ends.ask(end, reason),
    }
}

/// A mail whose end is not on the disk is sent again: so this is tried for as long as nobody else can have leased it.
async fn note_end(engine: &Engine, mail: &Leased, end: MailEnd) -> Result<(), FlowError> {
    let (begun, mut pause) = (Instant::now(), Duration::from_millis(50));
    loop {
        match engine.store.end_mail(mail.id, engine.clock.now(), end.clone()).await {
            Err(error) if error != StoreError::Closed && begun.elapsed() < START => {
                tracing::warn!(event = "mail_end_repeated", kind = %error);
                sleep(pause).await;
                pause = pause.saturating_mul(2).min(IDLE);
            }
            ended => return ended.map_err(FlowError::from),
        }
    }
}

/// `None`: it is too late to begin within this lease.
async fn attempt(engine: &Arc<Engine>, mail: &Leased) -> Result<Option<Ended>, FlowError> {
    let accounts = accounts(engine, mail).await;
    let now = engine.clock.now();
    if mail.leased.until(now) > START {
        return Ok(None);
    }
    let Ok(accounts) = accounts else {
        return put_off(engine, mail, Hindrance::Directory).map(Some);
    };
    if accounts.is_empty() {
        return Ok(Some(dead("no_account", "no_account")));
    }
    let letter = match letter::write(engine, mail, &accounts, now) {
        Ok(letter) => letter,
        Err(Unwritten::Dead(reason)) => return Ok(Some(dead(reason, reason))),
        Err(Unwritten::SiteUnknown) => return put_off(engine, mail, Hindrance::Site).map(Some),
    };
    Ok(Some(match engine.courier.send(&letter, now).await {
        Delivery::Sent => Ended { end: MailEnd::Sent, reason: "" },
        Delivery::Later(reason) => put_off(engine, mail, Hindrance::Relay(reason))?,
        Delivery::Dead(reason @ Reason::Recipient(_)) => bounced(engine, mail, reason),
        Delivery::Dead(reason) => dead(&reason.to_string(), reason.word()),
    }))
}

/// Those that the mail tells of, as far as they are there.
async fn accounts(engine: &Arc<Engine>, mail: &Leased) -> Result<Vec<Account>, DirectoryError> {
    let ids: Vec<String> = match mail.shared {
        true => mail.challenges.iter().map(|challenge| challenge.account.clone()).collect(),
        false => vec![mail.account.clone()],
    };
    get_all(engine, ids).await
}

fn dead(reply: &str, reason: &'static str) -> Ended {
    Ended { end: MailEnd::Dead { reply: reply.to_owned() }, reason }
}

fn bounced(engine: &Engine, mail: &Leased, reason: Reason) -> Ended {
    let to = &mail.address;
    let address = engine.secrets.address_key(to.channel(), &to.key());
    Ended { end: MailEnd::Bounced { reply: reason.to_string(), address }, reason: "" }
}

/// What stood in the way of an attempt.
#[derive(Clone, Copy)]
enum Hindrance {
    Directory,
    Relay(Reason),
    Site,
}

impl Hindrance {
    fn word(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Relay(reason) => reason.word(),
            Self::Site => "site_unknown",
        }
    }

    /// For people.
    fn reply(self) -> String {
        match self {
            Self::Relay(reason) => reason.to_string(),
            Self::Directory | Self::Site => self.word().to_owned(),
        }
    }
}

/// To another attempt, if that can be in time.
fn put_off(engine: &Engine, mail: &Leased, why: Hindrance) -> Result<Ended, FlowError> {
    let now = engine.clock.now();
    let chance = engine.entropy.number()?;
    let wait = match why {
        // It was no attempt, only too late for one.
        Hindrance::Relay(Reason::Resting) => {
            spread(engine.courier.rest_of_mail(now).unwrap_or(REST).max(REST), chance)
        }
        _ => pause(mail.attempts, LONGEST_WAIT, chance),
    };
    let (next, reply) = (now.plus(wait), why.reply());
    if next > last_moment(mail) {
        return Ok(dead(&reply, "expired"));
    }
    Ok(Ended { end: MailEnd::Later { next, reply }, reason: why.word() })
}

/// When a mail is of no use any more: once its proof was sent, when that ends; until then, one life after the ask.
fn last_moment(mail: &Leased) -> Millis {
    if matches!(mail.kind, MailKind::Changed | MailKind::Unsure) {
        return mail.at.plus(NOTICE_LIFE);
    }
    let ends = mail.challenges.iter().filter_map(|one| one.link_until.max(one.code_until));
    let end = ends.max().unwrap_or(mail.at);
    // Before the first success every attempt begins the life anew, with its lease.
    let relayed = mail.challenges.iter().all(|challenge| challenge.relayed);
    if relayed { end } else { mail.at.plus(mail.leased.until(end)) }
}
