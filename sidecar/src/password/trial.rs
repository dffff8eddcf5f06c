//! What one confirm does on a hash thread, under one permit: the policy, then former passwords, and the hash if nothing is
//! broken. Invariant: nothing is written of a password that breaks a rule.

use std::sync::Arc;

use contract::policy::Breach;
use contract::secret::Password;
use thiserror::Error;

use super::desk::Desk;
use super::format::{FormatFault, Salt, Stored};
use super::policy::{Person, Policy, PolicyFault, add};

/// A password on trial.
#[derive(Debug)]
pub struct Trial {
    pub policy: Arc<Policy>,
    pub person: Person,
    pub password: Password,
    /// Hashes that it must not match, the present one first.
    pub former: Vec<String>,
    pub salt: Salt,
    /// What was found broken elsewhere.
    pub broken: Option<Breach>,
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
    Policy(#[from] PolicyFault),
}

impl Trial {
    pub fn judge(self, desk: &mut Desk) -> Result<Verdict, TrialFault> {
        let mut broken = self.policy.judge(&self.person, self.password.expose())?;
        if let Some(breach) = self.broken {
            add(&mut broken, breach);
        }
        if self.was_used(desk) {
            add(&mut broken, Breach::History);
        }
        Ok(match broken.is_empty() {
            true => Verdict::Hash(desk.write(&self.password, &self.salt)?),
            false => Verdict::Broken(broken),
        })
    }

    fn was_used(&self, desk: &mut Desk) -> bool {
        self.former.iter().any(|text| {
            let same = Stored::parse(text).and_then(|stored| desk.matches(&self.password, &stored));
            same.unwrap_or_else(|fault| {
                tracing::warn!(event = "former_unreadable", kind = %fault);
                false
            })
        })
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
