//! The sidecar's parts put together, and the one way into them: a message that the signature vouches for.
//! Invariant: every message gets an outcome; what fails is answered busy, never taken for a success.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use contract::address::Address;
use contract::message::{Call, Message, Proof};
use contract::outcome::{Outcome, Refusal};
use contract::public_keys::PublicKeys;
use contract::signature::{Mac, Stamp};
use thiserror::Error;
use tokio::sync::{Notify, watch};

use crate::clock::Clock;
use crate::config::{Config, StoreConfig};
use crate::delivery::{Courier, CourierFault};
use crate::directory::{Directory, ascii};
use crate::ends::Ends;
use crate::entropy::{Entropy, NoEntropy};
use crate::flow;
use crate::flow::beat::{BeatFault, Pulse};
use crate::hook::Receivers;
use crate::keys::{InUse, KeyStates, Keys, Ring, RingFault};
use crate::limits::Limits;
use crate::password::{HashError, Hasher, Lookup, LookupFault};
use crate::secret::Secrets;
use crate::store::{MessageKey, Receiver, Store, StoreError};
use crate::trace::TraceId;

/// Everything that the flows work with.
#[derive(Debug)]
pub struct Engine {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) directory: Directory,
    pub(crate) secrets: Secrets,
    pub(crate) hasher: Hasher,
    /// Whom to ask for breached passwords, if anybody.
    pub(crate) lookup: Option<Lookup>,
    pub(crate) courier: Courier,
    pub(crate) pulse: Pulse,
    pub(crate) ring: Ring,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) wake: Wake,
    pub(crate) limits: Limits,
    /// Codes that were compared with a guess.
    pub(crate) compared: AtomicU64,
    /// The minute in which it was last told that there is no key to encrypt passwords with.
    pub(crate) keyless: AtomicU64,
    /// We hold the keys that make now, and have heard of the store lately.
    pub(crate) fit: AtomicBool,
    pub(crate) ends: Ends,
    /// Passwords on their way to the directory, and those of which nobody knows yet whether they came there.
    pub(crate) announced: AtomicU64,
    pub(crate) receivers: Receivers,
    /// Events that wait to be told, as was read last.
    pub(crate) waiting_events: AtomicU64,
}

/// How long a start waits for the directory, where passwords that were announced before are to be settled.
const SETTLING: Duration = Duration::from_secs(5);

/// What strangers can make us work at, and what waits because of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worked {
    pub hashed: u64,
    pub compared: u64,
    /// Asks and mails that are due.
    pub due: u64,
    /// All of them.
    pub waiting: u64,
    /// New passwords that were announced and have no end yet.
    pub announced: u64,
    /// Events that are not acknowledged yet.
    pub events: u64,
}

/// What wakes the workers before their time.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    pub(crate) asks: Notify,
    pub(crate) mails: Notify,
    /// Mails that nobody waits for.
    pub(crate) notices: Notify,
    pub(crate) events: Notify,
    pub(crate) sessions: Notify,
}

impl Wake {
    pub(crate) fn after_reset(&self) {
        for wake in [&self.notices, &self.events, &self.sessions] {
            wake.notify_one();
        }
    }

    pub(crate) fn of(&self, receiver: Receiver) -> &Notify {
        match receiver {
            Receiver::Directory => &self.sessions,
            Receiver::Events => &self.events,
        }
    }
}

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EngineError {
    #[error(transparent)]
    Beat(#[from] BeatFault),
    #[error(transparent)]
    Courier(#[from] CourierFault),
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error(transparent)]
    Lookup(#[from] LookupFault),
    #[error(transparent)]
    Ring(#[from] RingFault),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    pub fn open(config: Config, keys: Keys) -> Result<Arc<Self>, EngineError> {
        let clock = match config.store {
            StoreConfig::Sqlite(_) => Clock::System,
            StoreConfig::Postgres(_) => Clock::followed(),
        };
        Self::assemble(config, keys, clock, Entropy::System)
    }

    /// With a clock and randomness of the caller's choice.
    pub fn assemble(
        config: Config,
        keys: Keys,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Arc<Self>, EngineError> {
        let store = Store::open(&config.store)?;
        let ring = Ring::new(&keys, &KeyStates::default(), config.password.layouts)?;
        let pulse = Pulse::new(&config.data, &config.store, &config.keys, keys, &entropy)?;
        Ok(Arc::new(Self {
            directory: Directory::new(&config.directory, &store, &clock, &entropy),
            secrets: ring.secrets().clone(),
            hasher: Hasher::new((&config.password).into(), ring.peppers().clone())?,
            lookup: config.lookup.as_ref().map(Lookup::new).transpose()?,
            courier: Courier::new(&config.mail, config.sms.as_ref())?,
            pulse,
            ring,
            store,
            clock,
            entropy,
            wake: Wake::default(),
            limits: Limits::new(config.limits.rates),
            compared: AtomicU64::new(0),
            keyless: AtomicU64::new(0),
            fit: AtomicBool::new(true),
            ends: Ends::new(),
            announced: AtomicU64::new(0),
            receivers: Receivers::new(&config),
            waiting_events: AtomicU64::new(0),
            config,
        }))
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The keys of this moment: those that gateways sign with, and those of access tokens.
    pub fn keys(&self) -> Arc<InUse> {
        self.ring.now()
    }

    /// What clients encrypt passwords with; `None` where that cannot be said now.
    pub fn public_keys(&self) -> Option<PublicKeys> {
        if !self.fit.load(Ordering::Relaxed) {
            return None;
        }
        let public = self.ring.now().decryptor.public().clone();
        if !public.is_empty() {
            return Some(public);
        }
        // Everybody may ask, but not fill the log.
        let minute = self.clock.now().seconds() / 60;
        if self.keyless.swap(minute, Ordering::Relaxed) != minute {
            tracing::warn!(
                event = "no_password_keys",
                remedy = "`rekey keys add rsa` draws one; or switch the route off in the filter"
            );
        }
        None
    }

    /// Passwords that were hashed, and codes that were compared with a guess, since the start; what waits now.
    pub fn worked(&self) -> Worked {
        let compared = self.compared.load(Ordering::Relaxed);
        let (due, waiting) = self.limits.backlog.waiting();
        let announced = self.announced.load(Ordering::Relaxed);
        let events = self.waiting_events.load(Ordering::Relaxed);
        Worked { hashed: self.hasher.hashed(), compared, due, waiting, announced, events }
    }

    /// How asks and mails ended since the start.
    pub fn ends(&self) -> &Ends {
        &self.ends
    }

    pub async fn is_ready(&self) -> bool {
        self.fit.load(Ordering::Relaxed) && self.store.ping().await.is_ok()
    }

    /// What becomes of a message; `trace` is for the log. It is carried through even if the caller leaves.
    pub async fn answer(
        self: &Arc<Self>,
        stamp: Stamp,
        mac: Mac,
        message: Message,
        trace: Option<TraceId>,
    ) -> Outcome {
        if !self.fit.load(Ordering::Relaxed) {
            return Outcome::Refused(flow::BUSY);
        }
        let key = MessageKey { id: stamp.id, mac };
        if let Call::Initiate { .. } = message.call {
            // Its one transaction ends without us.
            return match in_ascii(message) {
                Some(message) => flow::answer(self, key, message, trace).await,
                None => Outcome::Refused(Refusal::AddressMalformed),
            };
        }
        let engine = Arc::clone(self);
        let done = tokio::spawn(async move {
            let Some(message) = in_ascii(message) else {
                return Outcome::Refused(Refusal::AddressMalformed);
            };
            flow::answer(&engine, key, message, trace).await
        });
        done.await.unwrap_or_else(|_| {
            tracing::error!(event = "flow_panicked");
            Outcome::Refused(flow::BUSY)
        })
    }

    /// Tells the store that we live, and takes over what it knows of keys. Before the first message: it also notices
    /// whether the store was put back from a copy.
    pub async fn begin(&self) -> Result<(), EngineError> {
        flow::beat::first(self).await?;
        // Better now than at the first confirm.
        if self.config.password.recipe.is_peppered() {
            self.ring.peppers().active().map_err(HashError::Format)?;
        }
        Ok(())
    }

    /// Takes up what a process that died left behind. Only before the first message: a hold of ours is not to be freed.
    pub async fn recover(self: &Arc<Self>) {
        match self.store.free_held().await {
            Ok(0) => {}
            Ok(count) => tracing::warn!(event = "holds_freed", count),
            // They end by themselves, after their time.
            Err(error) => tracing::error!(event = "holds_not_freed", kind = %error),
        }
        match self.store.free_leased(self.clock.now()).await {
            Ok(0) => {}
            Ok(count) => tracing::warn!(event = "leases_freed", count),
            Err(error) => tracing::error!(event = "leases_not_freed", kind = %error),
        }
        // The worker goes on with what is left.
        if tokio::time::timeout(SETTLING, flow::settle::once(self, SETTLING)).await.is_err() {
            tracing::warn!(event = "settling_goes_on");
        }
    }

    /// Runs the workers until `stop` says so, and what they have in hand to its end.
    pub async fn work(self: Arc<Self>, stop: watch::Receiver<bool>) {
        tokio::join!(
            flow::dispatch::run(&self, stop.clone()),
            flow::deliver::run(&self, stop.clone()),
            flow::purge::run(&self, stop.clone()),
            flow::settle::run(&self, stop.clone()),
            flow::tell::run(&self, stop.clone()),
            flow::beat::run(&self, stop),
        );
    }
}

/// Every address of a message in its one spelling, before anything is looked up or counted by it.
fn in_ascii(mut message: Message) -> Option<Message> {
    let mut addresses: Vec<&mut Address> = Vec::new();
    match &mut message.call {
        Call::Initiate { to } | Call::Verify { to, .. } => addresses.push(to),
        Call::Confirm {
            proof: Proof::TokenAndCode { to, .. } | Proof::Code { to, .. }, ..
        } => addresses.push(to),
        Call::Confirm { proof: Proof::Token { .. } | Proof::Placed { .. }, .. } => {}
    }
    for address in addresses {
        *address = ascii(address.clone())?;
    }
    Some(message)
}
