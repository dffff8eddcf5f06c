//! The steps of the schema, and which programs may use it. Invariant: a step only adds, so that the program before it
//! goes on; what it leaves behind is dropped by a contraction, which is a command.

use super::tx::{Broken, Tx, values};
use crate::store::{Standing, Store, StoreError};

/// One step, as each engine spells it.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Step {
    pub(in crate::store) sqlite: &'static str,
    pub(in crate::store) postgres: &'static str,
    /// What only the programs before this step needed; empty when that is nothing.
    pub(in crate::store) contraction: &'static str,
}

/// Schema n is what the first n steps make.
pub(in crate::store) const STEPS: &[Step] = &[
    Step {
        sqlite: include_str!("../sqlite/migrations/0001_begin.sql"),
        postgres: include_str!("../postgres/migrations/0001_begin.sql"),
        contraction: "",
    },
    Step {
        sqlite: include_str!("../sqlite/migrations/0002_instances.sql"),
        postgres: include_str!("../postgres/migrations/0002_instances.sql"),
        contraction: "DROP INDEX IF EXISTS ask_queue",
    },
    Step {
        sqlite: include_str!("../sqlite/migrations/0003_passwords.sql"),
        postgres: include_str!("../postgres/migrations/0003_passwords.sql"),
        contraction: "",
    },
    Step {
        sqlite: include_str!("../sqlite/migrations/0004_sites.sql"),
        postgres: include_str!("../postgres/migrations/0004_sites.sql"),
        contraction: "",
    },
    Step {
        sqlite: include_str!("../sqlite/migrations/0005_directories.sql"),
        postgres: include_str!("../postgres/migrations/0005_directories.sql"),
        contraction: "",
    },
];

/// The table that says which schema it is; the same in both engines.
pub(in crate::store) const META: &str =
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BIGINT NOT NULL)";

/// What was found, and what is to be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Found {
    /// These many steps are done; the rest is to do.
    Older(usize),
    Ours,
    /// A newer program made it, and still serves ours.
    NewerButOurs,
}

/// Looks at `meta`; the caller holds whatever keeps other programs from migrating now.
pub(in crate::store) fn look(tx: &mut Tx<'_>, program: usize) -> Result<Found, Broken> {
    let done = number(tx, "schema")?.unwrap_or(0);
    if done < program {
        return Ok(Found::Older(done));
    }
    let serves = number(tx, "works_with")?.unwrap_or(done);
    match done {
        done if done == program => Ok(Found::Ours),
        _ if serves <= program => Ok(Found::NewerButOurs),
        _ => Err(Broken::Store(StoreError::Newer)),
    }
}

/// The same for who only wants to know; the table is there.
pub(in crate::store) fn standing(tx: &mut Tx<'_>) -> Result<Standing, Broken> {
    Ok(match look(tx, STEPS.len())? {
        Found::Older(0) => Standing::Empty,
        Found::Older(done) => Standing::Older { done, ours: STEPS.len() },
        Found::Ours | Found::NewerButOurs => Standing::Ready,
    })
}

/// Notes that `steps` are done, and that the program before the last one may go on; on a new store there was none.
pub(in crate::store) fn note(tx: &mut Tx<'_>, done: usize, steps: usize) -> Result<(), Broken> {
    set(tx, "schema", steps)?;
    set(tx, "works_with", if done == 0 { steps } else { steps.saturating_sub(1).max(1) })
}

impl Store {
    /// Drops what only programs before this one needed; how many steps were contracted. Those programs do not start on
    /// the store afterwards.
    pub async fn contract(&self) -> Result<usize, StoreError> {
        self.write(|tx| {
            let done = number(tx, "schema")?.unwrap_or(0);
            let serves = number(tx, "works_with")?.unwrap_or(done);
            if done > STEPS.len() {
                // Its contraction is a newer program's to know.
                return Err(Broken::Store(StoreError::Newer));
            }
            let mut contracted = 0_usize;
            for step in STEPS.iter().take(done).skip(serves) {
                if !step.contraction.is_empty() {
                    tx.run(step.contraction, &[])?;
                }
                contracted = contracted.saturating_add(1);
            }
            set(tx, "works_with", done)?;
            Ok(contracted)
        })
        .await
    }
}

fn number(tx: &mut Tx<'_>, name: &str) -> Result<Option<usize>, Broken> {
    let found =
        tx.one("SELECT value FROM meta WHERE name = ?1", values![name], |row| row.get::<i64>(0))?;
    found.map(|value| usize::try_from(value).map_err(|_| Broken::Row)).transpose()
}

fn set(tx: &mut Tx<'_>, name: &str, value: usize) -> Result<(), Broken> {
    let write = "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    let value = i64::try_from(value).map_err(|_| Broken::Row)?;
    tx.run(write, values![name, value]).map(drop)
}
