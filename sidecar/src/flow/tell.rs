//! The worker that tells events: due ones are leased, told, and ended or put off, each for itself. Invariants: an event is
//! ended only after its receiver acknowledged it, under one id however often it is told; of one account the oldest goes
//! first; what cannot be told of one keeps no other waiting.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use contract::signature::hex;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::backoff::pause;
use super::{FlowError, event, wait};
use crate::clock::Millis;
use crate::delivery::breaker::{Breaker, Way};
use crate::engine::Engine;
use crate::hook::{Call, HookFault, Reply};
use crate::store::{EventEnd, EventKind, LeasedEvent, NewEvent, Receiver, StoreError};

/// Longer than any attempt; then another worker may take the event up.
const LEASE: Duration = Duration::from_secs(60);

/// In hand at a time, for one receiver.
const MOST: usize = 32;

const IDLE: Duration = Duration::from_secs(5);

/// After a fault of the store.
const REST: Duration = Duration::from_secs(1);

const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// So long what is of the moment is told; a reset, and the end of sessions, are told however late.
const LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Between two events of one limit.
const SUMMARY: Duration = Duration::from_secs(60);

/// Days' wrong codes that are looked up at a time.
const BATCH: u32 = 64;

/// Bytes of an answer that are read, and thrown away.
const ANSWER: usize = 64 * 1024;

pub(crate) async fn run(engine: &Arc<Engine>, stop: watch::Receiver<bool>) {
    let [directory, events] =
        Receiver::ALL.map(|receiver| tell_all(engine, receiver, stop.clone()));
    tokio::join!(directory, events, gather(engine, stop));
}

/// What nobody queued where it happened: used up days, and the sums of refusals.
async fn gather(engine: &Engine, mut stop: watch::Receiver<bool>) {
    let (nobody, mut summed) = (Notify::new(), Instant::now());
    loop {
        if let Err(error) = gather_once(engine, &mut summed).await {
            tracing::error!(event = "events_not_gathered", kind = %error);
        }
        if !wait(&nobody, IDLE, &mut stop).await {
            return;
        }
    }
}

async fn gather_once(engine: &Engine, summed: &mut Instant) -> Result<(), FlowError> {
    if engine.receivers.wants(EventKind::Frozen) {
        used_up(engine).await?;
    }
    let span = summed.elapsed();
    if span >= SUMMARY {
        *summed = Instant::now();
        sum(engine, span).await?;
    }
    if Receiver::ALL.into_iter().any(|receiver| engine.receivers.of(receiver).is_some()) {
        let waiting = engine.store.waiting_events().await?;
        engine.waiting_events.store(waiting.into(), Ordering::Relaxed);
    }
    Ok(())
}

pub(super) async fn used_up(engine: &Engine) -> Result<(), FlowError> {
    for noted in engine.store.used_up(BATCH).await? {
        let of = |(account, address)| event::frozen(noted.id, noted.at, account, address);
        let events: Vec<NewEvent> =
            noted.accounts.iter().map(|(account, address)| of((account, address))).collect();
        engine.store.tell_used_up(noted.id, events).await?;
        engine.wake.events.notify_one();
    }
    Ok(())
}

pub(super) async fn sum(engine: &Engine, span: Duration) -> Result<(), FlowError> {
    let (refused, now) = (engine.limits.refusals.take(), engine.clock.now());
    let told = refused.iter().map(|refused| event::exceeded(engine, now, span, refused));
    let events: Vec<NewEvent> =
        told.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    if !events.is_empty() {
        engine.store.queue_events(events).await?;
        engine.wake.events.notify_one();
    }
    Ok(())
}

async fn tell_all(engine: &Arc<Engine>, receiver: Receiver, mut stop: watch::Receiver<bool>) {
    if engine.receivers.of(receiver).is_none() {
        return;
    }
    let mut hands = Hands::new(receiver);
    while !*stop.borrow() {
        hands.fill(engine).await;
        let room = hands.has_room();
        tokio::select! {
            Some(done) = hands.running.join_next() => hands.note(engine, done),
            () = engine.wake.of(receiver).notified(), if room => hands.dry = None,
            () = sleep_until(hands.dry.unwrap_or_else(Instant::now)), if room => hands.dry = None,
            // An error means that whoever could say stop is gone.
            _ = stop.wait_for(|stopped| *stopped) => break,
        }
    }
    while let Some(done) = hands.running.join_next().await {
        hands.note(engine, done);
    }
}

/// The events of one receiver that this worker has leased and not ended.
struct Hands {
    receiver: Receiver,
    /// Whether the receiver answered at all.
    running: JoinSet<Result<bool, FlowError>>,
    breaker: Breaker,
    /// Until when nothing is due, as far as is known.
    dry: Option<Instant>,
}

impl Hands {
    fn new(receiver: Receiver) -> Self {
        Self { receiver, running: JoinSet::new(), breaker: Breaker::new(), dry: None }
    }

    fn has_room(&self) -> bool {
        self.running.len() < MOST
    }

    /// Leases what there is room for, and sets about it. A receiver that is away is tried by one event.
    async fn fill(&mut self, engine: &Arc<Engine>) {
        if self.dry.is_some() || !self.has_room() {
            return;
        }
        let span = match self.breaker.way(engine.clock.now()) {
            Way::Shut(rest) => rest.min(IDLE),
            Way::Trial => self.lease(engine, 1).await,
            Way::Free => self.lease(engine, MOST.saturating_sub(self.running.len())).await,
        };
        self.dry = (!span.is_zero()).then(|| Instant::now() + span);
    }

    /// How long there is nothing more to lease.
    async fn lease(&mut self, engine: &Arc<Engine>, room: usize) -> Duration {
        let now = engine.clock.now();
        let most = u32::try_from(room).unwrap_or(u32::MAX);
        let leased = engine.store.lease_events(self.receiver, now, now.plus(LEASE), most).await;
        let leased = match leased {
            Ok(leased) => leased,
            Err(error) => {
                tracing::error!(event = "events_not_told", kind = %error);
                return REST;
            }
        };
        if !leased.is_empty() {
            self.breaker.admit(now);
            crate::crash::point("tell.leased");
        }
        let is_all = leased.len() < room;
        for event in leased {
            let engine = Arc::clone(engine);
            self.running.spawn(async move { tell(&engine, &event).await });
        }
        if is_all { until_due(engine, self.receiver).await } else { Duration::ZERO }
    }

    /// One that panicked is due again when its lease ends. The next one of its account may be due now.
    fn note(&mut self, engine: &Engine, done: Result<Result<bool, FlowError>, JoinError>) {
        self.dry = None;
        match done.unwrap_or(Err(FlowError::Panicked)) {
            Ok(true) => {
                self.breaker.reached();
            }
            Ok(false) => {
                if let Some(rest) = self.breaker.failed(engine.clock.now()) {
                    let (receiver, seconds) = (self.receiver.as_str(), rest.as_secs());
                    tracing::warn!(event = "receiver_rests", receiver, seconds);
                }
            }
            Err(error) => tracing::error!(event = "events_not_told", kind = %error),
        }
    }
}

async fn until_due(engine: &Engine, receiver: Receiver) -> Duration {
    let next = engine.store.next_event(receiver).await.ok().flatten();
    next.map_or(IDLE, |next| engine.clock.now().until(next).clamp(Duration::from_millis(10), IDLE))
}

/// Whether the receiver answered, whatever it said.
pub(super) async fn tell(engine: &Engine, event: &LeasedEvent) -> Result<bool, FlowError> {
    let Some((hook, path)) = engine.receivers.of(event.kind.receiver()) else {
        return Ok(true);
    };
    let (id, body) = (format!("msg_{}", hex(&event.id)), event::body(event));
    let call = Call { path, id: &id, at: engine.clock.now(), body: &body, most: ANSWER };
    let replied = hook.call(&call, hook.deadline()).await;
    crate::crash::point("tell.told");
    let now = engine.clock.now();
    let end = match refusal(&replied) {
        None => EventEnd::Told,
        Some(reply) if is_expired(event, now) => EventEnd::Expired { reply },
        Some(reply) => {
            let wait = pause(event.attempts, LONGEST_WAIT, engine.entropy.number()?);
            EventEnd::Later { next: now.plus(wait), reply }
        }
    };
    log(engine, event, &end);
    match engine.store.end_event(event.id, event.attempts, now, end).await {
        // It is told again when its lease ends; its receiver knows it by its id.
        Err(error) if error != StoreError::Closed => {
            tracing::warn!(event = "event_end_lost", kind = %error);
        }
        ended => ended?,
    }
    Ok(replied.is_ok())
}

/// Why it is not acknowledged; `None`: it is.
fn refusal(replied: &Result<Reply, HookFault>) -> Option<String> {
    match replied {
        Ok(reply) if (200..=299).contains(&reply.status) => None,
        Ok(reply) => Some(format!("status {}", reply.status)),
        Err(fault) => Some(fault.to_string()),
    }
}

fn is_expired(event: &LeasedEvent, now: Millis) -> bool {
    let is_of_the_moment = match event.kind {
        EventKind::Exceeded | EventKind::Frozen | EventKind::Requested => true,
        EventKind::Reset | EventKind::SessionsEnd => false,
    };
    is_of_the_moment && event.at.until(now) > LIFE
}

fn log(engine: &Engine, event: &LeasedEvent, end: &EventEnd) {
    let (id, kind, attempts) = (hex(&event.id), event.kind.as_str(), event.attempts);
    match end {
        EventEnd::Told => {
            engine.ends.event("told", kind);
            tracing::info!(event = "event_told", id, kind, attempts);
        }
        EventEnd::Later { reply, .. } if reply == "status 410" => {
            let remedy = "its receiver says that it is gone: mend the URL, or remove the section";
            tracing::error!(event = "event_put_off", id, kind, attempts, reply, remedy);
        }
        EventEnd::Later { reply, .. } => {
            tracing::warn!(event = "event_put_off", id, kind, attempts, reply);
        }
        EventEnd::Expired { reply } => {
            engine.ends.event("expired", kind);
            tracing::error!(event = "event_expired", id, kind, attempts, reply);
        }
    }
}
