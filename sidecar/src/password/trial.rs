//! What one confirm does on a hash thread, under one permit: the policy, then former passwords, and the hash if nothing is
//! broken. Invariant: nothing is written of a password that breaks a rule.

use std::sync::Arc;

use contract::policy::Breach;
use contract::secret::Password;
use thiserror::Error;

use super::desk::Desk;
use super::format::{FormatFault, Salt, Stored};
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
    /// Longer than any may be, and so never hashed.
    pub is_endless: Option<Breach>,
    /// What a service elsewhere says; its fault counts only where nothing else is broken.
    pub breached: Result<bool, LookupFault>,
}

/// What came out.
pub enum Verdict {
    /// What goes into the directory.
    Hash(String),
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
        Ok(Verdict::Hash(desk.write(&self.password, &self.salt)?))
    }

    fn was_used(&self, desk: &mut Desk) -> Result<bool, FormatFault> {
        for text in &self.former {
            let same = Stored::parse(text).and_then(|stored| desk.matches(&self.password, &stored));
            match same {
                Ok(true) => return Ok(true),
                Ok(false) | Err(FormatFault::Cut) => {}
                // Nobody can ever check such a hash, and its owner is not to be locked out for it.
                Err(
                    fault @ (FormatFault::Costly | FormatFault::Malformed | FormatFault::Unknown),
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
            Self::Hash(_) => out.write_str("Hash(..)"),
            Self::Broken(broken) => broken.fmt(out),
        }
    }
}
