//! The worker that decides asks: look up, then challenges and mails, or the reason why not.
//! Invariant: every ask that was accepted is decided; one that cannot be decided now waits, and is stale in the end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use contract::address::{Address, Channel};
use contract::dialect::{self, DIALECTS, Dialect, Setting};
use contract::profile::{ProofKind, Rules};
use tokio::sync::watch;

use super::event::{self, Source};
use super::look_up::{Found, look_up};
use super::mailboxes::{Shared, mailboxes};
use super::{FlowError, REMEDY, side_by_side, wait};
use crate::config::Site;
use crate::directory::Account;
use crate::engine::Engine;
use crate::store::{Ask, Birth, CodeForm, Form, Mailbox, Resolved, Suppression};

/// An ask that was not decided for so long is not decided any more.
pub(super) const STALE: Duration = Duration::from_secs(600);

/// Asks that are taken at a time.
const BATCH: u32 = 64;

/// Longer than a look-up takes; then another worker may take the ask.
const LEASE: Duration = Duration::from_secs(20);

/// Between two readings of what waits.
const GAUGED: Duration = Duration::from_millis(250);

/// Mails that wait in a line, in the order in which they were asked for.
const LINE: u32 = 1000;

const IDLE: Duration = Duration::from_secs(5);

/// After a fault of store or directory.
const REST: Duration = Duration::from_secs(1);

pub(crate) async fn run(engine: &Arc<Engine>, mut stop: watch::Receiver<bool>) {
    let mut gauged = None;
    loop {
        let many = gauge(engine, &mut gauged).await;
        let decided = if many { Ok(0) } else { once(engine).await };
        let span = match decided {
            _ if many => GAUGED,
            Ok(0) => idle(engine),
            Ok(_) => Duration::ZERO,
            Err(error) => {
                tracing::error!(event = "dispatch_failed", kind = %error);
                REST
            }
        };
        if *stop.borrow() || (!span.is_zero() && !wait(&engine.wake.asks, span, &mut stop).await) {
            return;
        }
    }
}

/// Who is told to come back, is told so no longer than it is true.
fn idle(engine: &Engine) -> Duration {
    let is_full = engine.limits.backlog.full(engine.config.limits.backlog).is_some();
    if is_full { GAUGED } else { IDLE }
}

/// What was read last of what waits.
struct Reading {
    at: Instant,
    /// More mails wait than are worth a place in the line.
    many: bool,
}

/// Tells the gauge what waits, now and then; whether many mails do.
async fn gauge(engine: &Engine, last: &mut Option<Reading>) -> bool {
    if let Some(last) = last.as_ref().filter(|last| last.at.elapsed() < GAUGED) {
        return last.many;
    }
    let (now, most) = (engine.clock.now(), engine.config.limits.backlog.saturating_add(1));
    // A store that fails is told of by what needs it.
    let mut many = false;
    if let Ok(waiting) = engine.store.backlog(now, most).await {
        let with = |mails: u32| u64::from(waiting.asks).saturating_add(mails.into());
        engine.limits.backlog.set(with(waiting.due), with(waiting.mails), now);
        many = waiting.due >= LINE;
    }
    *last = Some(Reading { at: Instant::now(), many });
    many
}

/// Decides what waits now; how many there were. While many mails wait none is added: asks wait in their turns, mails in a
/// line.
pub(crate) async fn once(engine: &Arc<Engine>) -> Result<usize, FlowError> {
    let now = engine.clock.now();
    let asks = engine.store.lease_asks(now, now.plus(LEASE), BATCH).await?;
    if asks.is_empty() {
        return Ok(0);
    }
    crate::crash::point("dispatch.leased");
    let (count, mut ends, mut births, mut doors) = (asks.len(), Vec::new(), Vec::new(), Vec::new());
    for ask in &asks {
        match judge(engine, ask) {
            Judged::Open(door) => doors.push(door),
            Judged::End(reason) => ends.push((ask.clone(), reason)),
            Judged::Later => {}
        }
    }
    let mut fault = None;
    let addresses = doors.iter().map(|door| door.ask.address.clone()).collect();
    for (door, found) in doors.iter().zip(look_up(engine, addresses).await) {
        match found {
            Found::Accounts(accounts) => match door.mails(engine, &accounts)? {
                Ok(mails) => births.push((door.ask.clone(), mails)),
                Err(reason) => ends.push((door.ask.clone(), Some(reason))),
            },
            Found::Unreadable => {
                ends.push((door.ask.clone(), Some(Suppression::Unreadable)));
            }
            Found::Later(error) => fault = Some(error),
        }
    }
    end(engine, ends).await?;
    // One that cannot be decided keeps nobody waiting behind it.
    let decisions = births.into_iter().map(|(ask, mails)| {
        let engine = Arc::clone(engine);
        async move { resolve(&engine, &ask, mails).await }
    });
    side_by_side(decisions).await?;
    fault.map_or(Ok(count), |error| Err(error.into()))
}

/// Ends what leads to no mail, all together.
async fn end(engine: &Engine, ends: Vec<(Ask, Option<Suppression>)>) -> Result<(), FlowError> {
    if ends.is_empty() {
        return Ok(());
    }
    let reasons = ends.iter().map(|(ask, reason)| (ask.id, *reason)).collect();
    let ended = engine.store.end_asks(reasons, engine.clock.now()).await?;
    crate::crash::point("dispatch.decided");
    for (ask, reason) in ends {
        if ended.contains(&ask.id) {
            tell_end(engine, &ask, reason);
        }
    }
    Ok(())
}

async fn resolve(engine: &Engine, ask: &Ask, mails: Vec<Mailbox>) -> Result<(), FlowError> {
    let resolved = engine.store.resolve_ask(ask.id, engine.clock.now(), mails).await?;
    crate::crash::point("dispatch.decided");
    match resolved {
        Resolved::Queued => {
            engine.wake.mails.notify_one();
            engine.wake.events.notify_one();
            let (request, address) = (ask.request.as_str(), ask.address.masked());
            tracing::info!(event = "ask_queued", request, address);
        }
        Resolved::Suppressed(reason) => tell_end(engine, ask, Some(reason)),
        // Somebody else told it.
        Resolved::Gone => engine.limits.backlog.end(),
    }
    Ok(())
}

/// An ask led to no mail; without a reason it was stale.
fn tell_end(engine: &Engine, ask: &Ask, reason: Option<Suppression>) {
    engine.limits.backlog.end();
    let (request, address) = (ask.request.as_str(), ask.address.masked());
    match reason.map(Suppression::as_str) {
        Some(reason) => {
            engine.ends.ask("suppressed", reason);
            tracing::info!(event = "ask_ended", request, address, end = "suppressed", reason);
        }
        None => {
            engine.ends.ask("stale", "");
            tracing::warn!(event = "ask_ended", request, address, end = "stale");
        }
    }
}

/// What is to become of an ask, as far as it can be said without the directory.
enum Judged<'a> {
    /// No mail; without a reason it is stale.
    End(Option<Suppression>),
    /// Not here and now; it is taken up again when its lease has ended.
    Later,
    Open(Door<'a>),
}

/// What is stale ends whatever the directory says, or does not.
fn judge<'a>(engine: &'a Engine, ask: &'a Ask) -> Judged<'a> {
    let is_stale = ask.at.until(engine.clock.now()) > STALE;
    let Some(site) = engine.config.sites.find(&ask.issuer.site) else {
        // Whoever took it down knew the site, so an instance that does may take it up.
        tracing::error!(event = "site_unknown", site = ask.issuer.site.as_str(), remedy = REMEDY);
        return if is_stale { Judged::End(Some(Suppression::SiteUnknown)) } else { Judged::Later };
    };
    if is_stale {
        return Judged::End(None);
    }
    let Some(dialect) = dialect::by_name(ask.issuer.dialect) else {
        return Judged::End(Some(Suppression::ChannelNotServed));
    };
    let profile = site.profile(dialect);
    let rules =
        profile.rules(ask.address.channel()).filter(|rules| is_served(engine, rules.channel));
    match rules {
        Some(rules) => Judged::Open(Door { ask, site, dialect, rules: *rules }),
        None => Judged::End(Some(Suppression::ChannelNotServed)),
    }
}

/// Whether messages of a channel can be sent at all.
pub(crate) fn is_served(engine: &Engine, channel: Channel) -> bool {
    match channel {
        Channel::Email => true,
        Channel::Sms => engine.config.sms.is_some(),
    }
}

/// What an ask came through, and so what its mails carry.
struct Door<'a> {
    ask: &'a Ask,
    site: &'a Site,
    dialect: &'static dyn Dialect,
    rules: Rules,
}

impl Door<'_> {
    /// The mails that it leads to, or why there is none.
    fn mails(
        &self,
        engine: &Engine,
        accounts: &[Account],
    ) -> Result<Result<Vec<Mailbox>, Suppression>, FlowError> {
        match mailboxes(&self.ask.address, accounts) {
            Err(reason) => Ok(Err(reason)),
            Ok(found) => found
                .iter()
                .map(|shared| self.mail(engine, shared))
                .collect::<Result<_, _>>()
                .map(Ok),
        }
    }

    /// One mail for all accounts of a mailbox.
    fn mail(&self, engine: &Engine, shared: &Shared<'_>) -> Result<Mailbox, FlowError> {
        let births: Result<_, _> = shared
            .accounts
            .iter()
            .map(|account| self.birth(engine, account, shared.address.clone()))
            .collect();
        Ok(Mailbox { mail: engine.entropy.bytes()?, births: births? })
    }

    fn birth(
        &self,
        engine: &Engine,
        account: &Account,
        address: Address,
    ) -> Result<Birth, FlowError> {
        let masters = engine.secrets.masters();
        let status = account.status.as_str();
        let limits = &engine.config.limits;
        let frozen = frozen(self.site, self.dialect, &self.rules);
        // A code that nobody might compare is not sent where there is a link.
        let is_frozen = engine.limits.is_frozen(&engine.secrets, engine.clock.now());
        let closed = frozen.clone().filter(|_| is_frozen);
        let source = Source {
            account: &account.id,
            address: &address,
            dialect: self.dialect.name(),
            site: &self.ask.issuer.site,
            request: &self.ask.request,
        };
        let event = event::requested(engine, engine.clock.now(), &source)?;
        Ok(Birth {
            id: engine.secrets.challenge_id(engine.clock.now(), &engine.entropy)?,
            account: account.id.clone(),
            language: account.language.unwrap_or(self.ask.language),
            fingerprint: masters.active().fingerprint(
                &account.id,
                &account.revision.0,
                address.as_str(),
                status,
            ),
            address,
            masters,
            usual: closed.unwrap_or_else(|| usual(self.dialect, &self.rules)),
            frozen,
            cool_down: limits.cool_down,
            sends: limits.sends,
            daily_wrong_codes: limits.daily_wrong_codes,
            event,
        })
    }
}

fn usual(dialect: &'static dyn Dialect, rules: &Rules) -> Form {
    Form {
        dialect: dialect.name(),
        keeps_client: true,
        link_life: rules.link.map(|link| seconds(link.life)),
        code: rules.code.map(|code| CodeForm {
            digits: code.digits,
            life: seconds(code.life),
            tries: code.tries,
            placed: rules.accepts.contains(&ProofKind::Placed),
        }),
    }
}

/// What is sent when the day's wrong codes are used up: the link alone; where the dialect has none, that of one that asks
/// nothing else of its clients. A code that is of no use without its link stays.
fn frozen(site: &Site, dialect: &'static dyn Dialect, rules: &Rules) -> Option<Form> {
    let alone = [ProofKind::Code, ProofKind::Grant, ProofKind::Placed];
    if !rules.accepts.iter().any(|kind| alone.contains(kind)) {
        return Some(usual(dialect, rules));
    }
    if rules.link.is_some() && rules.accepts.contains(&ProofKind::Link) {
        return Some(Form { code: None, ..usual(dialect, rules) });
    }
    let open = |other: &&&'static dyn Dialect| !other.settings().contains(&Setting::Clients);
    DIALECTS.iter().filter(open).find_map(|other| {
        let profile = site.profile(*other);
        let rules = profile.rules(rules.channel)?;
        let link = rules.link.filter(|_| rules.accepts.contains(&ProofKind::Link))?;
        Some(Form {
            dialect: other.name(),
            keeps_client: false,
            link_life: Some(seconds(link.life)),
            code: None,
        })
    })
}

fn seconds(life: u32) -> Duration {
    Duration::from_secs(life.into())
}
