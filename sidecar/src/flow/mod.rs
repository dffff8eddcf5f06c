//! What happens: one use case a file. Invariant: a flow reads a dialect's profile and never its name, and its answer
//! depends on nothing that it did not look at for everybody.

mod backoff;
pub(crate) mod beat;
pub(crate) mod confirm;
pub(crate) mod deliver;
pub(crate) mod dispatch;
mod elsewhere;
mod event;
pub(crate) mod initiate;
mod letter;
mod look_up;
pub(crate) mod mailboxes;
mod pace;
pub(crate) mod password;
mod proof;
pub(crate) mod purge;
pub(crate) mod settle;
pub(crate) mod tell;
#[cfg(test)]
mod tests;
pub(crate) mod verify;
pub mod why;
mod words;

use std::time::Duration;

use contract::address::Address;
use contract::dialect::Dialect;
use contract::message::{Call, Context, Message};
use contract::outcome::{Outcome, Refusal};
use contract::profile::{ProofKind, Rules};
use contract::secret::Token;
use thiserror::Error;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::clock::Millis;
use crate::config::{DialectProfile, Site};
use crate::directory::DirectoryError;
use crate::engine::Engine;
use crate::entropy::NoEntropy;
use crate::jwt::Claims;
use crate::password::{HashError, TrialFault};
use crate::secret::{AddressKey, Place, masked_sender};
use crate::store::{Audit, Issuer, Kept, MessageKey, StoreError};
use crate::trace::TraceId;

/// What everybody is told when something of ours fails.
pub(crate) const BUSY: Refusal = Refusal::Busy { retry_after: 5 };

/// What to do about a site that is not in the list.
const REMEDY: &str = "write [sites.NAME] with its base_url into the configuration, or mend `site` or `sites` of the gateway's";

/// A message on its way through a flow.
pub(crate) struct Asking<'m> {
    pub(crate) key: MessageKey,
    pub(crate) at: Millis,
    pub(crate) dialect: &'static dyn Dialect,
    pub(crate) context: &'m Context,
    pub(crate) site: &'m Site,
    pub(crate) profile: DialectProfile,
}

/// Where a message comes from.
pub(crate) struct Places {
    /// Where a challenge that is asked for now is born.
    pub(crate) here: Place,
    /// `here` is a cookie's.
    pub(crate) owned: bool,
    /// Also the sender's own place: a flow begins there when its first ask had no cookie yet.
    pub(crate) all: Vec<Place>,
}

/// Why a flow did not come to an outcome. All are ours: the client is told that we are busy.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum FlowError {
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    #[error(transparent)]
    Hash(#[from] HashError),
    /// Nothing of it counts against the proof.
    #[error(
        "a password was encrypted for a kind of key that is not held here: `rekey keys add rsa` or `sm2`, with --from for the app's own"
    )]
    NoKeys,
    /// Another proof of the account has its password written now, or it is not known yet whether it had.
    #[error("another password of the account is on its way to the directory")]
    Announced,
    #[error("a task panicked")]
    Panicked,
    #[error(transparent)]
    Trial(#[from] TrialFault),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl FlowError {
    /// Who finds no place to hash at is told when there will be one.
    fn refusal(self) -> Refusal {
        match self {
            Self::Hash(HashError::Busy { retry_after }) => Refusal::Busy { retry_after },
            Self::NoKeys => Refusal::Undecryptable,
            _ => BUSY,
        }
    }
}

pub(crate) async fn answer(
    engine: &Engine,
    key: MessageKey,
    message: Message,
    trace: Option<TraceId>,
) -> Outcome {
    let Message { dialect, context, call } = message;
    let operation = call.operation().as_str();
    let Some(site) = engine.config.sites.find(&context.site) else {
        let (site, request) = (context.site.as_str(), context.request.as_str());
        tracing::error!(event = "site_unknown", site, operation, request, remedy = REMEDY);
        return Outcome::Refused(BUSY);
    };
    let (at, profile) = (engine.clock.now(), site.profile(dialect));
    let asking = Asking { key, at, dialect, context: &context, site, profile };
    let outcome = match call {
        Call::Initiate { to } => initiate::initiate(engine, &asking, to).await,
        Call::Verify { to, code } => verify::verify(engine, &asking, &to, &code).await,
        Call::Confirm { proof, password, encryption } => {
            confirm::confirm(engine, &asking, &proof, &password, encryption).await
        }
    };
    let trace = trace.as_ref().map(TraceId::as_str);
    let outcome = outcome.unwrap_or_else(|error| {
        tracing::error!(event = "flow_failed", operation, request = context.request.as_str(), trace, kind = %error);
        Outcome::Refused(error.refusal())
    });
    tracing::info!(
        event = "answered",
        operation,
        dialect = dialect.name(),
        request = context.request.as_str(),
        trace,
        outcome = outcome.code(),
    );
    outcome
}

impl Asking<'_> {
    pub(crate) fn issuer(&self) -> Issuer {
        Issuer {
            dialect: self.dialect.name(),
            site: self.context.site.clone(),
            client: self.context.client.clone(),
        }
    }

    pub(crate) fn places(&self, engine: &Engine) -> Places {
        let context = self.context;
        let (name, client) = (self.dialect.name(), context.client.as_ref());
        let of_sender = engine.secrets.place_of_sender(&context.site, name, client, context.sender);
        match context.flow {
            None => Places { here: of_sender, owned: false, all: vec![of_sender] },
            Some(flow) => {
                let here = engine.secrets.place_of_flow(&context.site, name, client, flow);
                Places { here, owned: true, all: vec![here, of_sender] }
            }
        }
    }

    pub(crate) fn address_key(&self, engine: &Engine, address: &Address) -> AddressKey {
        engine.secrets.address_key(address.channel(), &address.key())
    }

    /// What wrong codes of a channel are counted by: the place, where codes are good in a place only; the address; and
    /// apart from that the address where a code is nothing without its link, so that who has no link cannot fill the pot.
    pub(crate) fn scope(
        &self,
        engine: &Engine,
        rules: &Rules,
        address: AddressKey,
        place: Place,
    ) -> [u8; 16] {
        let accepts = |kind| rules.accepts.contains(&kind);
        if accepts(ProofKind::Placed) {
            place.0
        } else if accepts(ProofKind::LinkAndCode)
            && !accepts(ProofKind::Code)
            && !accepts(ProofKind::Grant)
        {
            engine.secrets.linked_scope(address)
        } else {
            address.0
        }
    }

    pub(crate) fn audit(
        &self,
        engine: &Engine,
        event: &'static str,
        account: &str,
        address: AddressKey,
    ) -> Audit {
        Audit {
            at: self.at,
            event,
            account: engine.secrets.account_in_log(account),
            address,
            sender: masked_sender(self.context.sender),
            client: self.context.client.clone(),
            request: self.context.request.clone(),
            device: self.context.device.as_ref().map(|claim| claim.as_str().to_owned()),
        }
    }
}

/// An outcome from what is kept of it: the first time, and every time that its message comes again.
pub(crate) fn outcome(engine: &Engine, asking: &Asking<'_>, kept: Kept) -> Outcome {
    match kept {
        Kept::Accepted => Outcome::Accepted,
        Kept::Granted { grant, expires_in } => {
            match Token::parse(engine.secrets.masters().grant_token(grant).to_string()) {
                Some(token) => Outcome::Granted { token, expires_in },
                None => Outcome::Refused(BUSY),
            }
        }
        Kept::Reset { login } => {
            let claims = |at: Millis| (asking.site.base_url.as_str(), at.seconds());
            let access_token = login.and_then(|login| {
                let (issuer, issued_at) = claims(login.at);
                engine.ring.now().jwt.active().sign(&Claims {
                    issuer,
                    subject: &login.account,
                    client: asking.context.client.as_ref(),
                    issued_at,
                    message: asking.key.id,
                })
            });
            Outcome::Reset { access_token }
        }
        Kept::Refused(refusal) => Outcome::Refused(refusal),
    }
}

/// The sender is told to come back.
pub(crate) fn throttled(wait: Duration) -> Refusal {
    Refusal::Throttled { retry_after: seconds(wait) }
}

/// Whole seconds, rounded up, at least one.
pub(crate) fn seconds(span: Duration) -> u32 {
    u32::try_from(span.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
}

/// Runs all of them at a time, to their ends; how many there were, or the last fault. One that fails stops no other.
async fn side_by_side<W>(works: impl Iterator<Item = W>) -> Result<usize, FlowError>
where
    W: Future<Output = Result<(), FlowError>> + Send + 'static,
{
    let mut running: JoinSet<_> = works.collect();
    let count = running.len();
    let mut fault = None;
    while let Some(done) = running.join_next().await {
        fault = done.unwrap_or(Err(FlowError::Panicked)).err().or(fault);
    }
    fault.map_or(Ok(count), Err)
}

/// The answers of works that go on at a time, in their order; none of one that panicked.
async fn all_of<W, T>(works: impl Iterator<Item = W>) -> Vec<Option<T>>
where
    W: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let running = works.enumerate().map(|(at, work)| async move { (at, work.await) });
    let mut running: JoinSet<_> = running.collect();
    let mut answers: Vec<Option<T>> = (0..running.len()).map(|_| None).collect();
    while let Some(done) = running.join_next().await {
        if let Ok((at, answer)) = done
            && let Some(place) = answers.get_mut(at)
        {
            *place = Some(answer);
        }
    }
    answers
}

/// Waits for work, for its time, or for the end; false at the end.
async fn wait(wake: &Notify, span: Duration, stop: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        () = wake.notified() => true,
        () = tokio::time::sleep(span) => true,
        // An error means that whoever could say stop is gone.
        _ = stop.wait_for(|stopped| *stopped) => false,
    }
}
