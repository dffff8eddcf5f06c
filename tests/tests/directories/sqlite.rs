//! Accounts in a SQLite file.

use std::path::{Path, PathBuf};
use std::process::Command;

use rekey_tests::house::sqlite;
use rekey_tests::stage::{Gate, Running, until, venv};
use tempfile::TempDir;

use crate::sql::Database;
use crate::team::Trouble;

pub(crate) struct SqliteTeam {
    file: PathBuf,
    /// Somebody else who does not let go of the file.
    holder: Option<(Running, TempDir)>,
}

impl SqliteTeam {
    pub(crate) fn new(dir: &Path) -> Self {
        Self { file: dir.join("app.db"), holder: None }
    }
}

impl Database for SqliteTeam {
    fn place(&self) -> String {
        format!("url = \"sqlite:{}\"\ntimeout = \"1s\"\n", self.file.display())
    }

    fn say(&self, statement: &str) -> Option<String> {
        let rows = sqlite(&self.file, statement).unwrap();
        let rows: Vec<Vec<serde_json::Value>> = serde_json::from_str(&rows).unwrap();
        rows.into_iter().flatten().next().and_then(|cell| cell.as_str().map(str::to_owned))
    }

    fn afflict(&mut self, trouble: Trouble) -> bool {
        if trouble != Trouble::Slow {
            return false;
        }
        let script = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)\n\
             c.execute('BEGIN EXCLUSIVE')\nprint('held', flush=True)\nsys.stdin.read()";
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new(venv("python"));
        command.args(["-c", script]).arg(&self.file);
        let mut holder = Running::start("holder", dir.path(), &mut command).unwrap();
        until("a lock on the file", || {
            holder.still_runs()?;
            Ok(holder.out().contains("held").then_some(()))
        })
        .unwrap();
        self.holder = Some((holder, dir));
        true
    }

    fn mend(&mut self, _: Trouble) {
        if let Some((mut holder, _dir)) = self.holder.take() {
            holder.kill().unwrap();
        }
    }

    fn gate(&self) -> Option<&Gate> {
        None
    }
}
