//! The relays in their order of preference, each behind a breaker. Invariants: a relay whose breaker is open is not asked;
//! a mail that one relay may have taken goes to no other in the same attempt.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::clock::Millis;
use crate::config::MailConfig;

use super::breaker::{Breaker, Way};
use super::mime::Sealed;
use super::relay::{Failure, RelayPool};
use super::{CourierFault, Delivery, Reason};

/// For one attempt, all relays together; the wait for a connection is part of it.
const ATTEMPT: Duration = Duration::from_secs(90);

#[derive(Debug)]
pub(super) struct Relays {
    /// In the order of preference; never empty.
    doors: Vec<Door>,
    connections: usize,
}

#[derive(Debug)]
struct Door {
    pool: RelayPool,
    breaker: Mutex<Breaker>,
}

impl Relays {
    pub(super) fn new(mail: &MailConfig) -> Result<Self, CourierFault> {
        let open = |relay| {
            let pool = RelayPool::new(relay, mail)?;
            Ok(Door { pool, breaker: Mutex::new(Breaker::new()) })
        };
        let doors = mail.relays.iter().map(open).collect::<Result<_, _>>()?;
        Ok(Self { doors, connections: mail.connections })
    }

    /// How long no relay is to be asked; `None` when one is.
    pub(super) fn rest(&self, now: Millis) -> Option<Duration> {
        let rest = |door: &Door| match door.breaker().way(now) {
            Way::Free | Way::Trial => None,
            Way::Shut(left) => Some(left),
        };
        self.doors.iter().map(rest).min().flatten()
    }

    pub(super) fn width(&self) -> usize {
        self.connections
    }

    /// Whether no way is known to be free.
    pub(super) fn is_on_trial(&self, now: Millis) -> bool {
        self.doors.iter().all(|door| door.breaker().way(now) != Way::Free)
    }

    /// One attempt, which begins `now`.
    pub(super) async fn send(&self, mail: &Sealed, now: Millis) -> Delivery {
        let begun = Instant::now();
        timeout(ATTEMPT, self.attempt(mail, || now.plus(begun.elapsed())))
            .await
            .unwrap_or(Delivery::Later(Reason::Timeout))
    }

    async fn attempt(&self, mail: &Sealed, now: impl Fn() -> Millis) -> Delivery {
        let mut last = Delivery::Later(Reason::Resting);
        for door in &self.doors {
            let Some(tried) = door.attempt(mail, &now).await else {
                continue;
            };
            last = match tried {
                Ok(()) => return Delivery::Sent,
                Err(failure) if failure.is_final() => return Delivery::Dead(failure.reason),
                Err(failure) if failure.may_be_taken() => return Delivery::Later(failure.reason),
                Err(failure) => Delivery::Later(failure.reason),
            };
        }
        last
    }

    #[cfg(test)]
    pub(super) fn set_patience(&mut self, patience: Duration) {
        for door in &mut self.doors {
            door.pool.patience = patience;
        }
    }
}

impl Door {
    /// `None` when the relay is not to be asked.
    async fn attempt(
        &self,
        mail: &Sealed,
        now: impl Fn() -> Millis,
    ) -> Option<Result<(), Failure>> {
        // Nobody waits for a place at a relay that rests; and who waited asks again.
        if matches!(self.breaker().way(now()), Way::Shut(_)) {
            return None;
        }
        let place = self.pool.place().await?;
        if matches!(self.breaker().admit(now()), Way::Shut(_)) {
            return None;
        }
        let tried = self.pool.send(&place, mail).await;
        match &tried {
            Err(failure) if failure.is_of_the_way() => self.failed(failure.reason, now()),
            _ => self.reached(),
        }
        Some(tried)
    }

    fn failed(&self, reason: Reason, now: Millis) {
        let rest = self.breaker().failed(now);
        if let Some(rest) = rest {
            let (relay, seconds) = (self.pool.name(), rest.as_secs());
            tracing::warn!(event = "relay_rests", relay, seconds, why = %reason);
        }
    }

    fn reached(&self) {
        if self.breaker().reached() {
            tracing::info!(event = "relay_back", relay = self.pool.name());
        }
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
