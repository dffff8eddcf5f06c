//! The directory of a team that has a service for its accounts: four signed calls, described in
//! `sidecar/openapi/hooks.yaml`. Invariant: an answer counts only if it is the one that the description asks for; a write
//! whose answer is missing or anything else may have been done.

mod account;
mod examine;
mod reply;

use std::time::Duration;

use contract::address::Address;
use contract::json::{Writer, array};
use contract::signature::hex;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep_until};

use self::reply::Verdict;
use super::{Account, DirectoryError, Finding, NewPassword, Written};
use crate::clock::Clock;
use crate::config::HttpConfig;
use crate::entropy::Entropy;
use crate::hook::{Call, Hook, HookFault, Reply};

/// Bytes of an answer about one account.
const SHORT: usize = 64 * 1024;

/// Of one about all accounts of a batch.
const LONG: usize = 1024 * 1024;

/// Before the second attempt; it doubles with each.
const PAUSE: Duration = Duration::from_millis(50);

/// The service, with what a call needs.
#[derive(Clone, Debug)]
pub struct HttpDirectory {
    hook: Hook,
    retries: u32,
    clock: Clock,
    entropy: Entropy,
}

impl HttpDirectory {
    pub fn new(config: &HttpConfig, clock: Clock, entropy: Entropy) -> Self {
        Self { hook: Hook::new(&config.hook), retries: config.retries, clock, entropy }
    }

    pub async fn find(&self, addresses: &[Address]) -> Result<Vec<Account>, DirectoryError> {
        let items: Vec<String> = addresses.iter().map(asked).collect();
        let body = Writer::object().raw("addresses", &array(items.iter().map(String::as_str)));
        let reply = self.ask("/find", &body.finish(), LONG).await?;
        if reply.status != 200 {
            return Err(reply::refusal(reply.status));
        }
        let found = account::list(&reply.body).ok_or(DirectoryError::Failed)?;
        if found.unreadable > 0 {
            tracing::error!(event = "rows_unreadable", table = "http", count = found.unreadable);
        }
        Ok(found.accounts)
    }

    pub async fn get(&self, id: &str) -> Result<Option<Account>, DirectoryError> {
        let body = Writer::object().string("id", id).finish();
        let reply = self.ask("/get", &body, SHORT).await?;
        reply::got(&reply, id)
    }

    /// Over the etag that was read. An attempt without an answer is made again under the same id, by which the service
    /// knows what it has done already.
    pub async fn write(
        &self,
        account: &Account,
        new: NewPassword<'_>,
    ) -> Result<Written, DirectoryError> {
        let etag = str::from_utf8(&account.revision.0).map_err(|_| DirectoryError::Row)?;
        let id = write_id(&account.id, etag, new.hash);
        let body = Writer::object()
            .string("id", &account.id)
            .string("etag", etag)
            .string("hash", new.hash)
            .finish();
        let (by, mut in_doubt) = (self.hook.deadline(), false);
        for attempt in 0.. {
            let call = self.call("/write", &id, &body, SHORT);
            let failed = match self.hook.call(&call, by).await {
                Ok(reply) => match reply::verdict(&reply) {
                    Verdict::Done => return Ok(Written::Done),
                    // Of what: this attempt, or another one of ours before it?
                    Verdict::Changed if in_doubt => return Err(DirectoryError::Unknown),
                    Verdict::Changed => return Ok(Written::Changed),
                    Verdict::Not(error) => {
                        self.tell(&call, &format!("status {}", reply.status));
                        error
                    }
                    Verdict::Doubtful => {
                        self.tell(&call, &format!("status {}", reply.status));
                        in_doubt = true;
                        DirectoryError::Unknown
                    }
                },
                Err(fault) => {
                    self.tell(&call, &fault.to_string());
                    in_doubt |= fault.may_be_done();
                    unreached(fault)
                }
            };
            let is_passing =
                matches!(failed, DirectoryError::Unavailable | DirectoryError::Unknown);
            if !is_passing || !self.again(attempt, by).await {
                return Err(if in_doubt { DirectoryError::Unknown } else { failed });
            }
        }
        Err(DirectoryError::Unknown)
    }

    pub async fn examine(&self, sample: Option<&Address>) -> Vec<Finding> {
        examine::examine(self, sample).await
    }

    /// Each member of the account, as a digest; none where there is no such account.
    pub async fn aspects(&self, id: &str) -> Result<Vec<(String, [u8; 8])>, DirectoryError> {
        Ok(self.get(id).await?.map(|account| account::aspects(&account)).unwrap_or_default())
    }

    /// Asks what changes nothing, again where a failure may pass by itself.
    async fn ask(&self, path: &str, body: &str, most: usize) -> Result<Reply, DirectoryError> {
        let id = self.draw()?;
        let by = self.hook.deadline();
        for attempt in 0.. {
            let call = self.call(path, &id, body, most);
            let (failed, is_final) = match self.hook.call(&call, by).await {
                Ok(reply) if !reply::is_passing(reply.status) => return Ok(reply),
                Ok(reply) => {
                    self.tell(&call, &format!("status {}", reply.status));
                    (reply::refusal(reply.status), false)
                }
                Err(fault) => {
                    self.tell(&call, &fault.to_string());
                    match unreached(fault) {
                        _ if fault == HookFault::Long => (DirectoryError::Failed, true),
                        // What only reads leaves nothing behind that could be in doubt.
                        DirectoryError::Unknown => (DirectoryError::Unavailable, false),
                        failed => (failed, failed != DirectoryError::Unavailable),
                    }
                }
            };
            if is_final || !self.again(attempt, by).await {
                return Err(failed);
            }
        }
        Err(DirectoryError::Unavailable)
    }

    /// Waits a little; false when there is no attempt or no time left.
    async fn again(&self, attempt: u32, by: Instant) -> bool {
        let next = Instant::now() + PAUSE.saturating_mul(1 << attempt.min(4));
        if attempt >= self.retries || next >= by {
            return false;
        }
        sleep_until(next).await;
        true
    }

    fn call<'c>(&self, path: &'c str, id: &'c str, body: &'c str, most: usize) -> Call<'c> {
        Call { path, id, at: self.clock.now(), body, most }
    }

    fn draw(&self) -> Result<String, DirectoryError> {
        let drawn: [u8; 16] = self.entropy.bytes().map_err(|_| DirectoryError::Failed)?;
        Ok(format!("msg_{}", hex(&drawn)))
    }

    fn tell(&self, call: &Call<'_>, kind: &str) {
        let (peer, path) = (self.hook.authority(), call.path);
        tracing::warn!(event = "directory_call_failed", peer, path, id = call.id, kind);
    }
}

fn asked(address: &Address) -> String {
    Writer::object()
        .string("channel", address.channel().as_str())
        .string("address", address.as_str())
        .finish()
}

/// The same for the same write: whoever tries it again is not a second one.
fn write_id(account: &str, etag: &str, hash: &str) -> String {
    let mut digest = Sha256::new();
    for part in ["write", account, etag, hash] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let whole: [u8; 32] = digest.finalize().into();
    let (half, _) = whole.split_at(16);
    format!("msg_{}", hex(half))
}

/// Why nothing came back; of a read that says no more than that, of a write that it may have been done.
fn unreached(fault: HookFault) -> DirectoryError {
    match fault {
        HookFault::Nameless | HookFault::Unreachable | HookFault::Late => {
            DirectoryError::Unavailable
        }
        HookFault::Tls => DirectoryError::Tls,
        HookFault::Private | HookFault::Form => DirectoryError::Failed,
        HookFault::Lost | HookFault::Long => DirectoryError::Unknown,
    }
}
