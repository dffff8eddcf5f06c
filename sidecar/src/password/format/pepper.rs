//! Peppers: keys that argon2 takes beside the password, so that a stolen table alone can't be guessed at.
//! Invariant: a hash says which key it was made with, and a key that is not here is a fault, never a wrong password.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use contract::name::Name;
use zeroize::Zeroizing;

use super::FormatFault;
use crate::password::Ranked;

/// One key.
#[derive(Clone)]
pub struct Pepper {
    pub id: Name,
    pub key: Zeroizing<[u8; 32]>,
}

/// The keys of the moment: the active one is in new hashes, all of them check old ones. Every clone is a handle on the same
/// keys, so that they can be exchanged while hashes are made.
#[derive(Clone, Default)]
pub struct Peppers(Arc<RwLock<Arc<Known>>>);

#[derive(Default)]
struct Known {
    keys: Ranked<Pepper>,
    /// Ids of those that nothing is believed of any more.
    retired: Vec<Name>,
}

impl Peppers {
    pub fn new(keys: Ranked<Pepper>, retired: Vec<Name>) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(Known { keys, retired }))))
    }

    /// Takes up other keys, in every clone.
    pub fn change(&self, keys: Ranked<Pepper>, retired: Vec<Name>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Known { keys, retired });
    }

    /// What is in new hashes.
    ///
    /// # Errors
    /// No pepper is active.
    pub fn active(&self) -> Result<Pepper, FormatFault> {
        self.known().keys.active.clone().ok_or(FormatFault::NoPepper)
    }

    pub(super) fn find(&self, id: &Name) -> Result<Pepper, FormatFault> {
        let known = self.known();
        let mut all = known.keys.active.iter().chain(&known.keys.others);
        all.find(|pepper| pepper.id == *id).cloned().ok_or(match known.retired.contains(id) {
            true => FormatFault::RetiredPepper,
            false => FormatFault::UnknownPepper,
        })
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
        write!(out, "Peppers({:?}, {:?})", known.keys.active, known.keys.others)
    }
}
