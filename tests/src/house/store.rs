//! The store that a crew stands on, looked at from outside: what the tests count is what lies on the disk.

use std::path::Path;
use std::process::Command;

use crate::stage::{Database, Fault, Postgres, Staged, venv};

/// Which store.
#[derive(Clone, Debug, Default)]
pub enum On {
    /// A file in the first sidecar's directory. For one sidecar.
    #[default]
    Sqlite,
    Postgres(Database),
}

impl On {
    /// A database of its own in the server that this process shares.
    ///
    /// # Panics
    /// The server does not run.
    #[must_use]
    pub fn postgres() -> Self {
        Self::Postgres(Postgres::shared().database().unwrap())
    }

    /// For messages of tests.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// The section of the configuration.
    pub(super) fn section(&self, dir: &Path) -> Staged<String> {
        let Self::Postgres(database) = self else { return Ok(String::new()) };
        let file = dir.join("store.password");
        write_private(&file, database.password())?;
        Ok(format!(
            "[store]\nurl = \"{}\"\npassword = \"file:{}\"\ntls = \"off\"\n",
            database.url(),
            file.display()
        ))
    }

    /// Rows of a query, as a JSON array of arrays; bytes as hex digits.
    pub(super) fn sql(&self, dir: &Path, query: &str) -> Staged<String> {
        let database = match self {
            Self::Sqlite => return sqlite(&dir.join("data/rekey.db"), query),
            Self::Postgres(database) => database,
        };
        let cell = |cell: Option<String>| match cell {
            None => serde_json::Value::Null,
            // The hex digits of an id may all be decimal ones.
            Some(text) => match text.parse::<i64>() {
                Ok(number) if number.to_string() == text => number.into(),
                _ => text.into(),
            },
        };
        let rows = database.rows(query)?.into_iter();
        let rows: Vec<serde_json::Value> =
            rows.map(|row| row.into_iter().map(cell).collect()).collect();
        Ok(serde_json::Value::from(rows).to_string())
    }

    /// The query that lists our tables.
    pub(super) fn tables(&self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
            Self::Postgres(_) => {
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"
            }
        }
    }

    /// Bytes on the disk.
    pub(super) fn size(&self, dir: &Path) -> Staged<u64> {
        let Self::Postgres(database) = self else {
            let files = ["rekey.db", "rekey.db-wal"].map(|name| dir.join("data").join(name));
            let size = |file| std::fs::metadata(file).map_or(0, |meta| meta.len());
            return Ok(files.iter().map(size).sum());
        };
        database.size()
    }
}

/// Rows of a query on a file, as a JSON array of arrays; bytes as hex digits.
///
/// # Errors
/// The query fails.
pub fn sqlite(file: &Path, query: &str) -> Staged<String> {
    let script = "import json,sqlite3,sys\nc=sqlite3.connect(sys.argv[1],timeout=30)\n\
        rows=c.execute(sys.argv[2]).fetchall()\nc.commit()\n\
        print(json.dumps(rows,default=lambda b:b.hex()))";
    let output = Command::new(venv("python")).args(["-c", script]).arg(file).arg(query).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Fault::new("a query failed", format!("{query}: {said}")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

pub(super) fn write_private(file: &Path, text: &str) -> Staged<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(file, text)?;
    Ok(std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))?)
}
