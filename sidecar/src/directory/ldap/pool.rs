//! Connections to the servers of a directory, in their order. Invariant: of one operation every server has one time-out,
//! and no more connections are open to it than the configuration says.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::ClientConfig;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};

use super::session::{Found, Query, Session};
use crate::config::{LdapConfig, LdapServer};
use crate::directory::DirectoryError;
use crate::tls;

/// So long a connection may lie: servers and firewalls drop those that are not used, often without a word.
const IDLE: Duration = Duration::from_secs(30);
/// So long a server that failed is asked last.
const REST: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Pool {
    turns: Semaphore,
    places: Vec<Place>,
    tls: Mutex<Option<Arc<ClientConfig>>>,
}

/// A server, and what is open to it.
struct Place {
    server: LdapServer,
    idle: Mutex<Vec<Session>>,
    failed: Mutex<Option<Instant>>,
}

/// One operation's way through the servers.
pub(super) struct Turn<'p> {
    pool: &'p Pool,
    config: &'p LdapConfig,
    /// Ends with the turn.
    _permit: SemaphorePermit<'p>,
    order: Vec<&'p Place>,
    /// How many of `order` are done with.
    at: usize,
    /// Until when the present server may take; absent before it is asked.
    deadline: Option<Instant>,
    fault: Option<DirectoryError>,
}

impl Pool {
    /// Connects to nothing yet.
    pub(super) fn new(config: &LdapConfig) -> Self {
        let place = |server: &LdapServer| Place {
            server: server.clone(),
            idle: Mutex::default(),
            failed: Mutex::default(),
        };
        Self {
            turns: Semaphore::new(config.connections),
            places: config.servers.iter().map(place).collect(),
            tls: Mutex::default(),
        }
    }

    pub(super) async fn turn<'p>(
        &'p self,
        config: &'p LdapConfig,
    ) -> Result<Turn<'p>, DirectoryError> {
        let permit = timeout(config.timeout, self.turns.acquire()).await;
        let permit = permit.ok().and_then(Result::ok).ok_or(DirectoryError::Unavailable)?;
        let now = Instant::now();
        let mut order: Vec<&Place> = self.places.iter().collect();
        order.sort_by_key(|place| place.rests(now));
        Ok(Turn { pool: self, config, _permit: permit, order, at: 0, deadline: None, fault: None })
    }

    /// Asks the first server that answers.
    pub(super) async fn search(
        &self,
        config: &LdapConfig,
        query: Query<'_>,
    ) -> Result<Found, DirectoryError> {
        let mut turn = self.turn(config).await?;
        loop {
            let mut session = turn.next().await?;
            match session.search(query).await {
                Err(error @ DirectoryError::Unavailable) => turn.failed(error),
                result => {
                    turn.keep(session);
                    return result;
                }
            }
        }
    }

    /// A new connection to one of the servers, for who examines them.
    pub(super) async fn open(
        &self,
        config: &LdapConfig,
        server: &LdapServer,
    ) -> Result<Session, DirectoryError> {
        let deadline = later(config.timeout);
        let tls = self.tls(config.ca.clone()).await?;
        Session::open(server, config, tls, deadline).await
    }

    /// Whose certificates are believed; read anew after a handshake that failed.
    async fn tls(&self, ca: Option<PathBuf>) -> Result<Arc<ClientConfig>, DirectoryError> {
        if let Some(known) = lock(&self.tls).clone() {
            return Ok(known);
        }
        let read = tokio::task::spawn_blocking(move || tls::trust::connector(ca.as_deref()));
        let read = read.await.map_err(|_| DirectoryError::Failed)?;
        let config = Arc::clone(read.map_err(|_| DirectoryError::Tls)?.config());
        *lock(&self.tls) = Some(Arc::clone(&config));
        Ok(config)
    }
}

impl Turn<'_> {
    /// A connection that was kept, or a new one, to the server whose turn it is; the first fault where none is left.
    pub(super) async fn next(&mut self) -> Result<Session, DirectoryError> {
        while let Some(place) = self.order.get(self.at).copied() {
            let is_first = self.deadline.is_none();
            let deadline = *self.deadline.get_or_insert_with(|| later(self.config.timeout));
            if is_first && let Some(mut session) = place.take() {
                session.deadline = deadline;
                return Ok(session);
            }
            // After this one the next server.
            self.at = self.at.saturating_add(1);
            self.deadline = None;
            let tls = self.pool.tls(self.config.ca.clone()).await?;
            match Session::open(&place.server, self.config, tls, deadline).await {
                Ok(session) => {
                    *lock(&place.failed) = None;
                    return Ok(session);
                }
                Err(error) => {
                    if error == DirectoryError::Tls {
                        *lock(&self.pool.tls) = None;
                    }
                    *lock(&place.failed) = Some(Instant::now());
                    tracing::warn!(event = "directory_failed", server = %place.server, reason = %error);
                    self.failed(error);
                }
            }
        }
        Err(self.fault.unwrap_or(DirectoryError::Unavailable))
    }

    pub(super) fn failed(&mut self, error: DirectoryError) {
        self.fault.get_or_insert(error);
    }

    /// For the next operation, if it still can be used.
    pub(super) fn keep(&self, mut session: Session) {
        if !session.is_good() {
            return;
        }
        session.used = Instant::now();
        let place = self.order.iter().find(|place| place.server == *session.server());
        if let Some(place) = place {
            lock(&place.idle).push(session);
        }
    }
}

impl Place {
    /// The connection that was used last.
    fn take(&self) -> Option<Session> {
        let mut idle = lock(&self.idle);
        idle.retain_mut(|session| session.is_good() && session.used.elapsed() < IDLE);
        idle.pop()
    }

    fn rests(&self, now: Instant) -> bool {
        lock(&self.failed).is_some_and(|failed| now.duration_since(failed) < REST)
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Place({})", self.server)
    }
}

pub(super) fn later(span: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(span).unwrap_or(now)
}

/// Nobody panics with it in the hand.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
