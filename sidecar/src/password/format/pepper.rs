//! Peppers: keys that argon2 takes beside the password, so that a stolen table alone can't be guessed at.
//! Invariant: a hash says which key it was made with, and a key that is not here is a fault, never a wrong password.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use contract::name::Name;
use zeroize::Zeroizing;

use super::FormatFault;

/// One key.
#[derive(Clone)]
pub struct Pepper {
    pub id: Name,
    pub key: Zeroizing<[u8; 32]>,
}

/// The keys of the moment. Every clone is a handle on the same ones, so that they can be exchanged while hashes are made.
#[derive(Clone, Default)]
pub struct Peppers(Arc<RwLock<Arc<Known>>>);

#[derive(Default)]
struct Known {
    active: Option<Pepper>,
    others: Vec<Pepper>,
}

impl Peppers {
    /// `active` is what new hashes are made with; all of them check old ones.
    pub fn new(active: Option<Pepper>, others: Vec<Pepper>) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(Known { active, others }))))
    }

    /// Takes up the keys of another set, in every clone.
    pub fn change(&self, to: &Self) {
        let known = to.known();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = known;
    }

    pub(super) fn active(&self) -> Result<Pepper, FormatFault> {
        self.known().active.clone().ok_or(FormatFault::NoPepper)
    }

    pub(super) fn find(&self, id: &Name) -> Result<Pepper, FormatFault> {
        let known = self.known();
        let mut all = known.active.iter().chain(&known.others);
        all.find(|pepper| pepper.id == *id).cloned().ok_or(FormatFault::UnknownPepper)
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Pepper({}, ..)", self.id.as_str())
    }
}

impl fmt::Debug for Peppers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known();
        write!(out, "Peppers({:?}, {:?})", known.active, known.others)
    }
}
