//! The new password of a confirm: decrypted, judged, hashed. Invariant: it is looked at under the hold only, so that it
//! tells nobody whether a proof still lives; and all slow work is a hash thread's.

use std::sync::Arc;

use contract::message::Encryption;
use contract::outcome::Refusal;
use contract::policy::Breach;
use contract::secret::Password;

use super::{Asking, FlowError};
use crate::directory::Account;
use crate::engine::Engine;
use crate::password::{Desk, Person, Trial, Verdict, normalized};
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
    asking: &Asking<'_>,
    account: &Account,
    given: Given<'_>,
) -> Result<Made, FlowError> {
    let Some(password) = decrypted(engine, given).await? else {
        return Ok(Made::Unfit(Unfit::Undecryptable, Refusal::Undecryptable));
    };
    let policy = Arc::clone(&asking.profile.policy);
    let password = match normalized(engine.config.normal, &policy.rules, &password) {
        Ok(password) => password.into_owned(),
        Err(breach) => return Ok(broken(vec![breach])),
    };
    let is_breached = match &engine.lookup {
        Some(lookup) => lookup.is_breached(password.expose()).await?,
        None => false,
    };
    let trial = Trial {
        person: Person::of(account),
        former: former(engine, account, policy.rules.history).await?,
        salt: engine.entropy.bytes()?,
        broken: is_breached.then_some(Breach::Breached),
        policy,
        password,
    };
    Ok(match engine.hasher.run(move |desk| trial.judge(desk)).await?? {
        Verdict::Hash(hash) => Made::Hash(hash),
        Verdict::Broken(breaches) => broken(breaches),
    })
}

fn broken(breaches: Vec<Breach>) -> Made {
    Made::Unfit(Unfit::Policy, Refusal::Policy(breaches))
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
