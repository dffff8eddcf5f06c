//! What a hash thread gives a job: its memory, and how new hashes are written. Invariant: a desk is used by one job at a time.

use contract::secret::Password;

use super::engine::EngineKind;
use super::format::{FormatFault, Peppers, Recipe, Salt, Stored};
use super::memory::Memory;

/// A place to hash at.
pub struct Desk {
    recipe: Recipe,
    peppers: Peppers,
    memory: Memory,
    written: u64,
}

impl Desk {
    pub(super) fn new(recipe: Recipe, peppers: Peppers, kind: EngineKind) -> Self {
        Self { recipe, peppers, memory: Memory::of(kind, recipe.argon2_kib()), written: 0 }
    }

    /// The string that goes into the directory for a new password.
    pub fn write(&mut self, password: &Password, salt: &Salt) -> Result<String, FormatFault> {
        self.write_as(self.recipe, password, salt)
    }

    /// The same by another recipe.
    pub fn write_as(
        &mut self,
        recipe: Recipe,
        password: &Password,
        salt: &Salt,
    ) -> Result<String, FormatFault> {
        self.written = self.written.saturating_add(1);
        recipe.write(password.expose(), salt, &mut self.memory, &self.peppers)
    }

    /// Whether a password is the one behind a stored hash.
    pub fn matches(&mut self, password: &Password, stored: &Stored) -> Result<bool, FormatFault> {
        stored.matches(password.expose(), &mut self.memory, &self.peppers)
    }

    /// Nobody has come for a while: the memory goes back to the system.
    pub(super) fn rest(&mut self) {
        self.memory.release();
    }

    pub(super) fn is_warm(&self) -> bool {
        self.memory.is_held()
    }

    /// New passwords written since the last time.
    pub(super) fn tidy(&mut self) -> u64 {
        self.memory.trim();
        std::mem::take(&mut self.written)
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Desk({:?}, ..)", self.recipe)
    }
}
