//! One operation's way to the database, the same for both engines: statements in the SQL that they share, values in, rows
//! out. Invariant: a statement is text of ours, a value is never part of it.
//!
//! The shared SQL: `?1` for the first value, flags as 0 and 1, `IS NOT DISTINCT FROM`, `COUNT(*) FILTER (WHERE ..)`,
//! `RETURNING`, `ON CONFLICT`. The marks `/* for update */` and `/* skip locked */` are comments to SQLite, whose writer is
//! alone; PostgreSQL gets the lock.

use std::fmt;

use crate::clock::Millis;
use crate::store::StoreError;
use crate::store::postgres::Lane;

/// What goes wrong inside one operation: it is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Broken {
    /// Another operation was faster; the same again can succeed.
    Again,
    /// A unique key is taken.
    Conflict,
    /// The connection is gone; nothing was committed.
    Lost,
    /// A column holds what we never write.
    Row,
    Store(StoreError),
}

/// A transaction, or a connection that only reads.
pub(in crate::store) struct Tx<'t> {
    engine: Engine<'t>,
    undone: bool,
}

enum Engine<'t> {
    Sqlite(&'t rusqlite::Connection),
    Postgres(&'t mut Lane),
}

/// One value of a statement.
#[derive(Clone, Copy)]
pub(in crate::store) enum Value<'v> {
    Null,
    Int(i64),
    Text(&'v str),
    Bytes(&'v [u8]),
}

/// One row of an answer.
pub(in crate::store) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r postgres::Row),
}

/// What a column holds.
pub(in crate::store) enum Cell {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// The values of a statement, in order.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        &[$($crate::store::sql::tx::Value::from($value)),*]
    };
}
pub(in crate::store) use values;

impl<'t> Tx<'t> {
    pub(in crate::store) fn sqlite(connection: &'t rusqlite::Connection) -> Self {
        Self { engine: Engine::Sqlite(connection), undone: false }
    }

    pub(in crate::store) fn postgres(lane: &'t mut Lane) -> Self {
        Self { engine: Engine::Postgres(lane), undone: false }
    }

    /// What this operation did is not to last; its answer stays.
    pub(in crate::store) fn undo(&mut self) {
        self.undone = true;
    }

    pub(in crate::store) fn is_undone(&self) -> bool {
        self.undone
    }

    /// Several programs may be using the tables.
    pub(in crate::store) fn is_shared(&self) -> bool {
        matches!(self.engine, Engine::Postgres(_))
    }

    /// Keeps other operations on the same subject waiting until this one has ended.
    pub(in crate::store) fn alone(&mut self, subject: &str) -> Result<(), Broken> {
        if self.is_shared() {
            let lock =
                "SELECT 1 FROM (SELECT pg_advisory_xact_lock(hashtextextended(?1, 0))) AS held";
            self.run(lock, values![subject])?;
        }
        Ok(())
    }

    /// Runs a statement; how many rows it touched.
    pub(in crate::store) fn run(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, Broken> {
        #[cfg(test)]
        super::trace::note(sql);
        match &mut self.engine {
            Engine::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(sql)?;
                let touched = statement.execute(rusqlite::params_from_iter(values))?;
                Ok(u64::try_from(touched).unwrap_or(0))
            }
            Engine::Postgres(lane) => lane.run(sql, values),
        }
    }

    /// All rows of an answer.
    pub(in crate::store) fn all<T>(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, Broken>,
    ) -> Result<Vec<T>, Broken> {
        #[cfg(test)]
        super::trace::note(sql);
        match &mut self.engine {
            Engine::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(sql)?;
                let mut rows = statement.query(rusqlite::params_from_iter(values))?;
                let mut found = Vec::new();
                while let Some(row) = rows.next()? {
                    found.push(read(&Row::Sqlite(row))?);
                }
                Ok(found)
            }
            Engine::Postgres(lane) => {
                lane.all(sql, values)?.iter().map(|row| read(&Row::Postgres(row))).collect()
            }
        }
    }

    /// The first row of an answer.
    pub(in crate::store) fn one<T>(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T, Broken>,
    ) -> Result<Option<T>, Broken> {
        Ok(self.all(sql, values, read)?.into_iter().next())
    }

    /// The first column of the only row.
    pub(in crate::store) fn only<T: Column>(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<T, Broken> {
        self.one(sql, values, |row| row.get(0))?.ok_or(Broken::Row)
    }
}

impl Row<'_> {
    /// A column, by its place from 0.
    pub(in crate::store) fn get<T: Column>(&self, at: usize) -> Result<T, Broken> {
        let cell = match self {
            Self::Sqlite(row) => super::super::sqlite::cell(row, at)?,
            Self::Postgres(row) => super::super::postgres::cell(row, at)?,
        };
        T::read(cell).ok_or(Broken::Row)
    }
}

/// What a cell can be read as; `None` where it holds something else.
pub(in crate::store) trait Column: Sized {
    fn read(cell: Cell) -> Option<Self>;
}

impl Column for i64 {
    fn read(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Int(number) => Some(number),
            _ => None,
        }
    }
}

impl Column for u32 {
    fn read(cell: Cell) -> Option<Self> {
        i64::read(cell)?.try_into().ok()
    }
}

impl Column for u8 {
    fn read(cell: Cell) -> Option<Self> {
        i64::read(cell)?.try_into().ok()
    }
}

impl Column for bool {
    fn read(cell: Cell) -> Option<Self> {
        i64::read(cell).map(|number| number != 0)
    }
}

impl Column for Millis {
    fn read(cell: Cell) -> Option<Self> {
        i64::read(cell).map(Millis)
    }
}

impl Column for String {
    fn read(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl Column for Vec<u8> {
    fn read(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl<const N: usize> Column for [u8; N] {
    fn read(cell: Cell) -> Option<Self> {
        Vec::read(cell)?.try_into().ok()
    }
}

impl<T: Column> Column for Option<T> {
    fn read(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            cell => T::read(cell).map(Some),
        }
    }
}

macro_rules! numbers {
    ($($kind:ty),*) => {
        $(impl From<$kind> for Value<'_> {
            fn from(number: $kind) -> Self {
                Self::Int(number.into())
            }
        })*
    };
}
numbers!(i64, u32, u8, bool);

impl From<Millis> for Value<'_> {
    fn from(at: Millis) -> Self {
        Self::Int(at.0)
    }
}

impl<'v> From<&'v str> for Value<'v> {
    fn from(text: &'v str) -> Self {
        Self::Text(text)
    }
}

impl<'v> From<&'v String> for Value<'v> {
    fn from(text: &'v String) -> Self {
        Self::Text(text)
    }
}

impl<'v> From<&'v [u8]> for Value<'v> {
    fn from(bytes: &'v [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'v, const N: usize> From<&'v [u8; N]> for Value<'v> {
    fn from(bytes: &'v [u8; N]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'v, T: Into<Value<'v>>> From<Option<T>> for Value<'v> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Value(..)")
    }
}

impl From<Broken> for StoreError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Again | Broken::Lost => Self::Busy,
            Broken::Conflict => Self::Failed,
            Broken::Row => Self::Row,
            Broken::Store(error) => error,
        }
    }
}
