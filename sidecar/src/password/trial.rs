//! What one confirm does on a hash thread, under one permit: the policy, then former passwords, and the hash if nothing is
//! broken. Invariant: nothing is written of a password that breaks a rule.

use std::sync::Arc;

use contract::policy::Breach;
use contract::secret::Password;

use super::desk::Desk;
use super::format::{FormatFault, Salt, Stored};
use super::policy::{Person, Policy};

/// A password on trial.
#[derive(Debug)]
pub struct Trial {
    pub policy: Arc<Policy>,
    pub person: Person,
    pub password: Password,
    /// Hashes that it must not match, the present one first.
    pub former: Vec<String>,
    pub salt: Salt,
    /// What was found broken before.
    pub broken: Vec<Breach>,
}

/// What came out.
pub enum Verdict {
    /// What goes into the directory.
    Hash(String),
    /// Every rule that is broken.
    Broken(Vec<Breach>),
}

impl Trial {
    pub fn judge(mut self, desk: &mut Desk) -> Result<Verdict, FormatFault> {
        let mut broken = self.policy.judge(&self.person, self.password.expose());
        broken.append(&mut self.broken);
        // What is too long is not hashed, not even to be compared.
        let is_long = broken.iter().any(|breach| matches!(breach, Breach::TooLong { .. }));
        if !is_long && self.was_used(desk) {
            broken.push(Breach::History);
        }
        match broken.is_empty() {
            true => desk.write(&self.password, &self.salt).map(Verdict::Hash),
            false => Ok(Verdict::Broken(broken)),
        }
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
