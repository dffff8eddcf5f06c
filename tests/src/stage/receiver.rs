//! The reference receiver of web hooks, as a team would run it: users in a SQLite file, which outlives it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Running, Staged, root, until, venv};
use crate::house::sqlite;

/// What calls are signed with here.
pub const HOOK_KEY: &str = "whsec_cmVrZXkgdGVzdHMgc2lnbiB3aXRoIHRoaXMgb25lISE=";

const TABLES: [&str; 3] = [
    "CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT, email TEXT, phone TEXT, \
     status TEXT NOT NULL DEFAULT 'active', second_factor INTEGER NOT NULL DEFAULT 0, hash TEXT, wrote TEXT)",
    "CREATE TABLE sessions (id TEXT PRIMARY KEY, user TEXT NOT NULL)",
    "CREATE TABLE told (id TEXT PRIMARY KEY, body TEXT NOT NULL)",
];

/// A receiver that runs, or is to run again.
#[derive(Debug)]
pub struct Receiver {
    dir: PathBuf,
    addr: SocketAddr,
    running: Option<Running>,
}

impl Receiver {
    /// Makes its tables and its key below `dir`, starts it, and waits until it takes connections.
    ///
    /// # Errors
    /// Python is missing, or it is not up in time.
    pub fn start(dir: &Path) -> Staged<Self> {
        std::fs::create_dir_all(dir)?;
        // It must come back at the same place, so that place is looked for first.
        let addr = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut receiver = Self { dir: dir.to_owned(), addr, running: None };
        std::fs::write(receiver.key(), format!("{HOOK_KEY}\n"))?;
        std::fs::set_permissions(receiver.key(), std::fs::Permissions::from_mode(0o600))?;
        receiver.sql("PRAGMA journal_mode = WAL")?;
        for table in TABLES {
            receiver.sql(table)?;
        }
        receiver.resume()?;
        Ok(receiver)
    }

    /// Starts it again where it was.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn resume(&mut self) -> Staged<()> {
        let mut command = Command::new(venv("python"));
        command.arg(root().join("tests/receiver/receiver.py"));
        command.arg(self.file()).arg(self.key()).arg(self.addr.port().to_string());
        let mut running = Running::start("receiver", &self.dir, &mut command)?;
        until("the receiver", || {
            running.still_runs()?;
            Ok(TcpStream::connect(self.addr).ok().map(drop))
        })?;
        self.running = Some(running);
        Ok(())
    }

    /// SIGKILL; its table stays.
    ///
    /// # Errors
    /// The system would not tell how it ended.
    pub fn kill(&mut self) -> Staged<()> {
        if let Some(mut running) = self.running.take() {
            running.kill()?;
        }
        Ok(())
    }

    /// Keeps its connections and answers nothing.
    pub fn freeze(&self) {
        self.running.iter().for_each(Running::freeze);
    }

    pub fn thaw(&self) {
        self.running.iter().for_each(Running::thaw);
    }

    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The file of its key.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.dir.join("hook.secret")
    }

    /// Rows of a statement on its file, as JSON.
    ///
    /// # Errors
    /// The statement fails.
    pub fn sql(&self, statement: &str) -> Staged<String> {
        sqlite(&self.file(), statement)
    }

    fn file(&self) -> PathBuf {
        self.dir.join("users.db")
    }
}
