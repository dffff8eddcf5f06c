//! A statement with named parameters, as `:id`: ours and the team's own. Invariant: a value is never part of the text; what
//! stands in quotes and comments is left alone.

mod scan;

use super::Engine;

use scan::TemplateFault;

/// What stands in for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    Email,
    Phone,
    Id,
    /// The new hash.
    Hash,
    /// Its salt, where that has a column of its own.
    Salt,
    /// The hash that was read.
    PasswordHash,
    /// A column that counts for the revision, as it was read; from 0.
    Revision(usize),
    /// One of the addresses that are looked for; from 0.
    Candidate(usize),
}

/// A statement before it is spelled for an engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Slot(Slot),
}

/// A statement in the engine's words: each place takes the value of the slot of the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) text: String,
    pub(super) slots: Vec<Slot>,
}

impl Slot {
    /// Those that the team's own statements may name.
    const NAMED: [(&'static str, Self); 7] = [
        ("email", Self::Email),
        ("phone", Self::Phone),
        ("id", Self::Id),
        ("hash", Self::Hash),
        ("salt", Self::Salt),
        ("password_hash", Self::PasswordHash),
        ("revision", Self::Revision(0)),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::NAMED.into_iter().find(|(known, _)| *known == name).map(|(_, slot)| slot)
    }

    pub fn name(self) -> &'static str {
        let named = Self::NAMED.into_iter().find(|(_, slot)| *slot == self);
        named.map_or("..", |(name, _)| name)
    }
}

impl Template {
    /// Reads a statement of the team's own.
    pub fn parse(text: &str, engine: Engine) -> Result<Self, TemplateFault> {
        scan::scan(text, engine).map(|pieces| Self { pieces })
    }

    pub fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Slot(slot) => Some(*slot),
            Piece::Text(_) => None,
        })
    }

    pub(super) fn text(mut self, text: &str) -> Self {
        self.pieces.push(Piece::Text(text.to_owned()));
        self
    }

    pub(super) fn slot(mut self, slot: Slot) -> Self {
        self.pieces.push(Piece::Slot(slot));
        self
    }

    /// Each occurrence is a place of its own, so that each can have the type that the server finds for it.
    pub(super) fn statement(&self, engine: Engine) -> Statement {
        let (mut text, mut slots) = (String::new(), Vec::new());
        for piece in &self.pieces {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Slot(slot) => {
                    slots.push(*slot);
                    match engine {
                        Engine::Postgres => text.push_str(&format!("${}", slots.len())),
                        Engine::Mysql | Engine::Sqlite => text.push('?'),
                    }
                }
            }
        }
        Statement { text, slots }
    }
}

impl Statement {
    /// What goes into its places.
    pub(super) fn given<'v>(
        &self,
        value: impl Fn(Slot) -> Option<&'v str>,
    ) -> Vec<Option<&'v str>> {
        self.slots.iter().map(|slot| value(*slot)).collect()
    }

    pub(super) fn limited(&self, most: u32) -> Self {
        Self { text: format!("{} LIMIT {most}", self.text), slots: self.slots.clone() }
    }
}
