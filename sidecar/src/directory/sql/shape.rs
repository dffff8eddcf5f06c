//! How accounts stand in a database: which table and columns, or which statements of the team's own. Invariant: names are of
//! the closed grammar, and values are never part of what is said.

use super::{Column, PhoneForm, Salted, Setting, TableName, Template};

/// How accounts stand there.
#[derive(Clone, Debug)]
pub struct Shape {
    pub source: Source,
    /// Ends the sessions of an account, in the transaction that writes its password.
    pub sessions: Option<Template>,
    /// Values of the status that mean active; `None` where there is no status: all are.
    pub active: Option<Vec<String>>,
    pub phone_form: PhoneForm,
    /// How hashes are put together, where their salt has a column of its own.
    pub salted: Option<Salted>,
}

/// Where accounts are read from and written to.
#[derive(Clone, Debug)]
pub enum Source {
    Table(Box<Table>),
    Own(Box<Own>),
}

/// A table by its columns.
#[derive(Clone, Debug)]
pub struct Table {
    pub name: TableName,
    pub id: Column,
    pub emails: Vec<Column>,
    pub phones: Vec<Column>,
    pub user_name: Option<Column>,
    pub display_name: Option<Column>,
    pub language: Option<Column>,
    pub status: Option<Column>,
    pub deleted: Option<Column>,
    pub second_factor: Option<Column>,
    pub password_hash: Column,
    /// The salt of that hash, where it is not in it.
    pub salt: Option<Column>,
    /// How e-mail addresses are compared.
    pub matching: Matching,
    /// What else a write sets.
    pub set: Vec<Setting>,
    /// What counts for the revision; one at least.
    pub revision: Vec<Column>,
}

/// The team's own statements. What the columns of their results are called says what they are.
#[derive(Clone, Debug)]
pub struct Own {
    /// By `:email`, or by `:phone`; the other is NULL.
    pub find: Template,
    /// By `:id`.
    pub get: Template,
    /// Sets `:hash` where nothing has changed.
    pub write: Template,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matching {
    /// As the column compares.
    Exact,
    /// Through `lower(..)`.
    Lower,
}
