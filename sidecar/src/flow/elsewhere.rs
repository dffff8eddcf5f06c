//! A new password into a directory of somebody else's: announced to the store, then written, so that whoever comes after
//! us can tell what became of it. Invariant: it is taken back only where surely nothing was written; what nobody knows
//! stays announced, and the worker settles it.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::timeout;

use super::FlowError;
use super::words::Words;
use crate::directory::{Account, DirectoryError, NewPassword, Written};
use crate::engine::Engine;
use crate::store::{Announce, Announced, Challenge, Former, Release};

/// After so long nobody waits for a write any more; a directory gives up before, by its own time-out.
const WRITE: Duration = Duration::from_secs(15);

/// How long what was announced is left to whoever announced it: the write, and its end.
const HOLD: Duration = Duration::from_secs(30);

/// How long a confirm whose write was lost looks for it: its gateway waits 3 s in all.
const LOOK: Duration = Duration::from_millis(500);

/// A challenge that is held by one run of a message.
#[derive(Clone, Copy)]
pub(super) struct Held<'h> {
    pub(super) message: [u8; 16],
    pub(super) run: [u8; 16],
    pub(super) challenge: &'h Challenge,
}

/// What became of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stands {
    There,
    /// The account is not what it was.
    Changed,
    /// The directory has rules of its own, and it breaks one.
    Refused,
}

/// After an error the proof lives, or it stays announced.
pub(super) async fn write(
    engine: &Engine,
    held: Held<'_>,
    account: &Account,
    new: NewPassword<'_>,
    words: &Words,
) -> Result<Stands, FlowError> {
    let ours = digest(new.hash);
    announce(engine, held, account, ours, words).await?;
    crate::crash::point("confirm.announced");
    let written = timeout(WRITE, engine.directory.write(account, new)).await;
    crate::crash::point("confirm.written");
    match written.unwrap_or(Err(DirectoryError::Unknown)) {
        Ok(Written::Done) => Ok(Stands::There),
        Ok(Written::Changed) => {
            // Perhaps by us: some that write ask again by themselves.
            match engine.directory.get(&account.id).await {
                Ok(Some(now)) if is_there(ours, &now) => Ok(Stands::There),
                Ok(_) => Ok(Stands::Changed),
                // It was said in so many words that nothing was written.
                Err(error) => {
                    take_back(engine, held).await;
                    Err(error.into())
                }
            }
        }
        Err(DirectoryError::Unknown) => {
            let now = timeout(LOOK, engine.directory.get(&account.id)).await;
            // What is not there may come yet.
            match now {
                Ok(Ok(Some(now))) if is_there(ours, &now) => Ok(Stands::There),
                _ => Err(DirectoryError::Unknown.into()),
            }
        }
        Err(error) => {
            take_back(engine, held).await;
            match error {
                DirectoryError::Rule => Ok(Stands::Refused),
                error => Err(error.into()),
            }
        }
    }
}

/// By what a hash is known again. Its salt is drawn for it alone, so the digest is nobody else's.
pub(super) fn digest(hash: &str) -> [u8; 32] {
    Sha256::new().chain_update("rekey announced hash\0").chain_update(hash).finalize().into()
}

/// Whether the hash that the digest is of stands in the account.
pub(super) fn is_there(ours: [u8; 32], account: &Account) -> bool {
    account.password_hash.as_deref().is_some_and(|hash| digest(hash) == ours)
}

async fn announce(
    engine: &Engine,
    held: Held<'_>,
    account: &Account,
    digest: [u8; 32],
    words: &Words,
) -> Result<(), FlowError> {
    let at = engine.clock.now();
    let announce = Announce {
        message: held.message,
        run: held.run,
        challenge: held.challenge.id,
        account: account.id.clone(),
        revision: account.revision.0.clone(),
        digest,
        words: words.encode(),
        former: Former { hash: account.password_hash.clone(), keep: engine.config.history() },
        at,
        until: at.plus(HOLD),
    };
    match engine.store.announce(announce).await {
        Ok(Announced::Done) => Ok(()),
        Ok(Announced::Busy) => Err(FlowError::Announced),
        Err(error) => {
            // It may be announced all the same, and nothing will be written.
            take_back(engine, held).await;
            Err(error.into())
        }
    }
}

/// Nothing was written. Where the store does not hear it, the worker finds out.
async fn take_back(engine: &Engine, held: Held<'_>) {
    let release = Release::Unwritten { run: held.run };
    if let Err(error) = engine.store.release(held.message, release).await {
        tracing::warn!(event = "not_taken_back", kind = %error);
    }
}
