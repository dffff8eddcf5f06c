//! Keys of one kind, by rank.

/// The active one makes, or is published; the others are believed: they were active before, or will be.
#[derive(Clone, Debug)]
pub struct Ranked<K> {
    pub active: Option<K>,
    pub others: Vec<K>,
}

impl<K> Ranked<K> {
    /// All of them, the active one first.
    pub fn all(self) -> Vec<K> {
        self.active.into_iter().chain(self.others).collect()
    }
}

impl<K> Default for Ranked<K> {
    fn default() -> Self {
        Self { active: None, others: Vec::new() }
    }
}
