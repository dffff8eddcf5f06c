//! What one confirm does on a hash thread, under one permit: the policy, then former passwords, and the hash if nothing is
//! broken. Invariant: nothing is written of a password that breaks a rule.

use std::sync::Arc;

use contract::policy::Breach;
use contract::secret::Password;
use thiserror::Error;

use super::desk::Desk;
use super::format::{FormatFault, Recipe, Salt, Stored};
use super::policy::{LookupFault, Person, Policy, PolicyFault, add};

/// A password on trial.
#[derive(Debug)]
pub struct Trial {
    pub policy: Arc<Policy>,
    pub person: Person,
    pub password: Password,
    /// Hashes that it must not match, the present one first.
    pub former: Vec<String>,
    pub salt: Salt,
    /// How it is written.
    pub recipe: Recipe,
    /// Longer than any may be, and so never hashed.
    pub is_endless: Option<Breach>,
    /// What a service elsewhere says; its fault counts only where nothing else is broken.
    pub breached: Result<bool, LookupFault>,
}

/// What came out.
pub enum Verdict {
    /// What goes into the directory: one of the two.
    Good { hash: String, password: Password },
    /// Every rule that is broken.
    Broken(Vec<Breach>),
}

/// Why there is no verdict; the password is then not taken.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TrialFault {
    #[error(transparent)]
    Format(#[from] FormatFault),
    #[error(transparent)]
    Lookup(#[from] LookupFault),
    #[error(transparent)]
    Policy(#[from] PolicyFault),
}

impl Trial {
    pub fn judge(self, desk: &mut Desk) -> Result<Verdict, TrialFault> {
        let mut broken = self.policy.judge(&self.person, self.password.expose())?;
        if self.breached == Ok(true) {
            add(&mut broken, Breach::Breached);
        }
        match &self.is_endless {
            Some(breach) => add(&mut broken, *breach),
            None if self.was_used(desk)? => add(&mut broken, Breach::History),
            None => {}
        }
        if !broken.is_empty() {
            return Ok(Verdict::Broken(broken));
        }
        self.breached?;
        let hash = desk.write_as(self.recipe, &self.password, &self.salt)?;
        Ok(Verdict::Good { hash, password: self.password })
    }

    fn was_used(&self, desk: &mut Desk) -> Result<bool, FormatFault> {
        for text in &self.former {
            let same = Stored::parse(text).and_then(|stored| desk.matches(&self.password, &stored));
            match same {
                Ok(true) => return Ok(true),
                Ok(false) | Err(FormatFault::Cut) => {}
                // Nobody can ever check such a hash, and its owner is not to be locked out for it.
                Err(
                    fault @ (FormatFault::Costly
                    | FormatFault::Malformed
                    | FormatFault::RetiredPepper
                    | FormatFault::Unknown),
                ) => tracing::warn!(event = "former_unreadable", kind = %fault),
                Err(fault) => return Err(fault),
            }
        }
        Ok(false)
    }
}

impl std::fmt::Debug for Verdict {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Good { .. } => out.write_str("Good(..)"),
            Self::Broken(broken) => broken.fmt(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use contract::name::Name;
    use contract::profile::Published;

    use super::*;
    use crate::password::{Cost, EngineChoice, Hasher, HasherConfig, Peppers, Preset, Ranked};

    /// Of "password", with a pepper of the id 7a11.
    const PEPPERED: &str = "$argon2id$v=19$m=256,t=2,p=1,keyid=N2ExMQ$c29tZXNhbHQ$ne0VSG+xdpZIsz9ZxhNioLQwAfuQ1YskMW/pkIiqTmw";
    const CHEAP: Recipe = Recipe::Argon2id(Cost { memory_kib: 64, passes: 1, lanes: 1 });
    const GOOD: &str = "correct horse battery";

    fn hasher(retired: &[&str]) -> Hasher {
        let recipe = CHEAP;
        let config = HasherConfig {
            threads: 1,
            queue: 8,
            deadline: Duration::from_secs(60),
            recipe,
            engine: EngineChoice::Reference,
        };
        let retired = retired.iter().map(|id| Name::parse(id).unwrap()).collect();
        Hasher::new(config, Peppers::new(Ranked::default(), retired)).unwrap()
    }

    fn trial(password: &str, former: &[&str]) -> Trial {
        let rules = Preset::Default.rules(&Published::NOTHING);
        Trial {
            policy: Arc::new(Policy::new(rules, None)),
            person: Person::default(),
            password: Password::parse(password.into()).unwrap(),
            former: former.iter().map(|hash| (*hash).to_owned()).collect(),
            salt: [1; 16],
            recipe: CHEAP,
            is_endless: None,
            breached: Ok(false),
        }
    }

    async fn judged(hasher: &Hasher, trial: Trial) -> Result<Vec<Breach>, TrialFault> {
        let verdict = hasher.run(move |desk| trial.judge(desk)).await.unwrap()?;
        Ok(match verdict {
            Verdict::Good { .. } => Vec::new(),
            Verdict::Broken(broken) => broken,
        })
    }

    #[tokio::test]
    async fn a_former_password_is_refused_and_what_nobody_can_check_is_not_one() {
        let hasher = hasher(&["7a11"]);
        let password = Password::parse(GOOD.into()).unwrap();
        let former = hasher.hash(password, [2; 16]).await.unwrap();
        let used = trial(GOOD, &["!", &former]);
        assert_eq!(judged(&hasher, used).await, Ok(vec![Breach::History]));
        let other = trial("another horse battery", &["!", PEPPERED, &former]);
        assert_eq!(judged(&hasher, other).await, Ok(vec![]));
    }

    #[tokio::test]
    async fn a_former_password_that_only_we_cannot_check_is_a_fault() {
        let fault = judged(&hasher(&[]), trial(GOOD, &[PEPPERED])).await;
        assert_eq!(fault, Err(TrialFault::Format(FormatFault::UnknownPepper)));
    }

    #[tokio::test]
    async fn a_fault_of_the_look_up_counts_where_nothing_else_is_broken() {
        let hasher = hasher(&[]);
        let late = |password| Trial { breached: Err(LookupFault::Late), ..trial(password, &[]) };
        let fault = judged(&hasher, late(GOOD)).await;
        assert_eq!(fault, Err(TrialFault::Lookup(LookupFault::Late)));
        let short = judged(&hasher, late("short-1")).await.unwrap();
        assert_eq!(short, vec![Breach::TooShort { min: 8, max: 128 }]);
        let found = Trial { breached: Ok(true), ..trial(GOOD, &[]) };
        assert_eq!(judged(&hasher, found).await, Ok(vec![Breach::Breached]));
    }

    #[tokio::test]
    async fn what_is_endless_is_told_with_all_else_and_never_hashed() {
        let hasher = hasher(&[]);
        let endless = Breach::TooManyBytes { min: 8, max: 128, bytes: 72 };
        let password = "x".repeat(200);
        let trial = Trial { is_endless: Some(endless), ..trial(&password, &[PEPPERED]) };
        let told = judged(&hasher, trial).await.unwrap();
        assert_eq!(told, vec![Breach::TooLong { min: 8, max: 128 }, endless]);
        assert_eq!(hasher.hashed(), 0);
    }
}
