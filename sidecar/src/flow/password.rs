//! The new password of a confirm: decrypted, judged, hashed. Invariant: it is looked at under the hold only, so that it
//! tells nobody whether a proof still lives; and all slow work is a hash thread's.

use std::sync::Arc;

use contract::message::Encryption;
use contract::outcome::Refusal;
use contract::secret::Password;
use tokio::time::Instant;

use super::{Asking, FlowError};
use crate::directory::Account;
use crate::engine::Engine;
use crate::entropy::Entropy;
use crate::password::{
    Desk, Hasher, Lookup, Normal, Person, Policy, Recipe, Trial, Verdict, normalized,
};
use crate::store::{Store, StoreError, Unfit};

/// The new password, as it came.
#[derive(Clone, Copy)]
pub(super) struct Given<'p> {
    pub(super) password: &'p Password,
    pub(super) encryption: Encryption,
}

/// What became of it.
pub(super) enum Made {
    /// What goes into the directory: one of the two.
    Good {
        hash: String,
        password: Password,
    },
    Unfit(Unfit, Refusal),
}

/// What a password is judged with.
#[derive(Debug)]
pub(crate) struct Judging<'j> {
    pub(crate) normal: Normal,
    pub(crate) lookup: Option<&'j Lookup>,
    pub(crate) entropy: &'j Entropy,
    pub(crate) hasher: &'j Hasher,
    /// How it is written.
    pub(crate) recipe: Recipe,
    /// Until when it may wait.
    pub(crate) by: Instant,
}

pub(super) async fn make(
    engine: &Engine,
    asking: &Asking<'_>,
    account: &Account,
    given: Given<'_>,
) -> Result<Made, FlowError> {
    // One deadline for all that waits for a thread, or for others.
    let by = Instant::now() + engine.config.password.deadline;
    let Some(password) = decrypted(engine, given, by).await? else {
        return Ok(Made::Unfit(Unfit::Undecryptable, Refusal::Undecryptable));
    };
    let judging = Judging {
        normal: engine.config.normal,
        lookup: engine.lookup.as_ref(),
        entropy: &engine.entropy,
        hasher: &engine.hasher,
        recipe: engine.config.password.recipe_over(account.password_hash.as_deref()),
        by,
    };
    let policy = Arc::clone(&asking.profile.policy);
    let former = former(&engine.store, account, policy.rules.history).await?;
    Ok(match judging.judge(policy, Person::of(account), former, &password).await? {
        Verdict::Good { hash, password } => Made::Good { hash, password },
        Verdict::Broken(breaches) => Made::Unfit(Unfit::Policy, Refusal::Policy(breaches)),
    })
}

impl Judging<'_> {
    /// Asks elsewhere first, and does the rest under one permit.
    pub(crate) async fn judge(
        &self,
        policy: Arc<Policy>,
        person: Person,
        former: Vec<String>,
        password: &Password,
    ) -> Result<Verdict, FlowError> {
        let policy = policy.capped(self.recipe.max_bytes());
        let (password, is_endless) = match normalized(self.normal, &policy.rules, password) {
            Ok(password) => (password.into_owned(), None),
            Err(breach) => (password.clone(), Some(breach)),
        };
        let breached = match self.lookup {
            Some(lookup) => lookup.is_breached(password.expose(), self.by).await,
            None => Ok(false),
        };
        let salt = self.entropy.bytes()?;
        let recipe = self.recipe;
        let trial = Trial { policy, person, password, former, salt, recipe, is_endless, breached };
        Ok(self.hasher.run_by(self.by, move |desk| trial.judge(desk)).await??)
    }
}

/// The hashes that a new password must not match, the present one first. It may stand among the former ones, too: where
/// it was announced that another takes its place, or where the directory shows no hash.
pub(crate) async fn former(
    store: &Store,
    account: &Account,
    count: u32,
) -> Result<Vec<String>, StoreError> {
    let Some(more) = count.checked_sub(1) else {
        return Ok(Vec::new());
    };
    let mut former: Vec<String> = account.password_hash.iter().cloned().collect();
    if more > 0 || former.is_empty() {
        let kept = store.history(account.id.clone(), count).await?;
        former.extend(kept.into_iter().filter(|hash| account.password_hash.as_ref() != Some(hash)));
        former.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    }
    Ok(former)
}

/// `None` when it cannot be decrypted.
async fn decrypted(
    engine: &Engine,
    given: Given<'_>,
    by: Instant,
) -> Result<Option<Password>, FlowError> {
    let (encryption, password) = (given.encryption, given.password.clone());
    if encryption == Encryption::None {
        return Ok(Some(password));
    }
    let decryptor = Arc::clone(&engine.ring.now().decryptor);
    if !decryptor.holds(encryption) {
        return Err(FlowError::NoKeys);
    }
    let job = move |_: &mut Desk| decryptor.decrypt(encryption, password.expose());
    Ok(engine.hasher.run_by(by, job).await?)
}
