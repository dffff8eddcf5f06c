//! The new password of a confirm: decrypted, judged, hashed. Invariant: it is looked at under the hold only, so that it
//! tells nobody whether a proof still lives; and all slow work is a hash thread's.

use std::sync::Arc;

use contract::message::Encryption;
use contract::outcome::Refusal;
use contract::secret::Password;

use super::FlowError;
use crate::directory::Account;
use crate::engine::Engine;
use crate::password::{Desk, HashError, Person, Policy, Trial, Verdict};
use crate::store::Unfit;

/// The new password, as it came.
#[derive(Clone, Copy)]
pub(super) struct Given<'p> {
    pub(super) password: &'p Password,
    pub(super) encryption: Encryption,
}

/// What became of it.
pub(super) enum Made {
    /// What goes into the directory.
    Hash(String),
    Unfit(Unfit, Refusal),
}

pub(super) async fn make(
    engine: &Engine,
    account: &Account,
    given: Given<'_>,
) -> Result<Made, FlowError> {
    let Some(password) = decrypted(engine, given).await? else {
        return Ok(Made::Unfit(Unfit::Undecryptable, Refusal::Undecryptable));
    };
    let limits = &engine.config.password;
    let policy = Arc::new(Policy { min: limits.min, max: limits.max });
    let trial = Trial {
        person: Person::of(account),
        former: former(engine, account, 0).await?,
        salt: engine.entropy.bytes()?,
        broken: Vec::new(),
        policy,
        password,
    };
    let verdict = engine.hasher.run(move |desk| trial.judge(desk)).await?;
    Ok(match verdict.map_err(HashError::from)? {
        Verdict::Hash(hash) => Made::Hash(hash),
        Verdict::Broken(broken) => Made::Unfit(Unfit::Policy, Refusal::Policy(broken)),
    })
}

/// `None` when it cannot be decrypted.
async fn decrypted(engine: &Engine, given: Given<'_>) -> Result<Option<Password>, FlowError> {
    let (encryption, password) = (given.encryption, given.password.clone());
    if encryption == Encryption::None {
        return Ok(Some(password));
    }
    let decryptor = Arc::clone(&engine.ring.now().decryptor);
    let job = move |_: &mut Desk| decryptor.decrypt(encryption, password.expose());
    Ok(engine.hasher.run(job).await?)
}

/// The hashes that a new password must not match, the present one first.
async fn former(engine: &Engine, account: &Account, count: u32) -> Result<Vec<String>, FlowError> {
    let Some(more) = count.checked_sub(1) else {
        return Ok(Vec::new());
    };
    let mut former: Vec<String> = account.password_hash.iter().cloned().collect();
    if more > 0 {
        former.extend(engine.store.history(account.id.clone(), more).await?);
    }
    Ok(former)
}
