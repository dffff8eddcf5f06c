//! A real PostgreSQL, made for one test process: its files lie in a directory of its own, its port is free, and both end
//! with the process even where that is killed. Each test makes a database of its own in it.

mod cluster;
mod owner;
mod programs;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::{Fault, Staged};

use self::cluster::Cluster;

/// Who the tests are at the server.
const USER: &str = "rekey";

static DATABASES: AtomicU64 = AtomicU64::new(1);

/// How the server is talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    /// In the clear, over loopback.
    Plain,
    /// TLS, with a certificate that was made for it; [`Postgres::certificate`] is its own root.
    Tls,
}

/// A running server. The last owner of it ends it.
#[derive(Debug)]
pub struct Postgres {
    cluster: Cluster,
}

/// A database of one test's own.
#[derive(Clone, Debug)]
pub struct Database {
    name: String,
    door: Arc<Door>,
}

/// What it takes to come in; stays the same when the server starts again.
#[derive(Debug)]
struct Door {
    bin: PathBuf,
    port: u16,
    password: String,
    safety: Safety,
}

impl Postgres {
    /// The server that all tests of this process share. Who stops or kills one starts his own.
    ///
    /// # Panics
    /// As [`Self::start`] fails.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| {
            Self::start(Safety::Plain).unwrap_or_else(|fault| panic!("no PostgreSQL: {fault}"))
        })
    }

    /// Makes the files and starts a server there.
    ///
    /// # Errors
    /// PostgreSQL 15 or newer is not installed (`REKEY_POSTGRES_BIN` names the directory of its programs), or it does
    /// not start.
    pub fn start(safety: Safety) -> Staged<Self> {
        Ok(Self { cluster: Cluster::start(safety)? })
    }

    /// A new, empty database.
    ///
    /// # Errors
    /// The server refuses.
    pub fn database(&self) -> Staged<Database> {
        let count = DATABASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{count}", std::process::id());
        let door = Arc::clone(&self.cluster.door);
        let first = Database { name: "postgres".to_owned(), door: Arc::clone(&door) };
        first.run(&format!("CREATE DATABASE {name}"))?;
        Ok(Database { name, door })
    }

    /// The root that its certificate is verified with; with [`Safety::Tls`] only.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.cluster.certificate()
    }

    /// What it logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.cluster.log()
    }

    /// SIGKILL to the server and every process of its, as a power cut would; [`Self::restart`] recovers.
    ///
    /// # Errors
    /// The system would not tell how it ended.
    pub fn kill(&mut self) -> Staged<()> {
        self.cluster.kill()
    }

    /// Ends every connection, then the server.
    ///
    /// # Errors
    /// It does not end.
    pub fn stop(&mut self) -> Staged<()> {
        self.cluster.stop()
    }

    /// Starts it again on the same files and the same port.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn restart(&mut self) -> Staged<()> {
        self.cluster.run()
    }
}

impl Database {
    /// For `store.url`: user, host, port and database.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://{USER}@{}:{}/{}", self.host(), self.door.port, self.name)
    }

    /// Where the server listens, and what this database is called there.
    #[must_use]
    pub fn door(&self) -> (SocketAddr, &str) {
        (SocketAddr::from((Ipv4Addr::LOCALHOST, self.door.port)), &self.name)
    }

    /// For the file that `store.password` names.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.door.password
    }

    /// The rows of a query: values as text, bytes as hex digits, `None` for NULL.
    ///
    /// # Errors
    /// The server is not there, or refuses the query.
    pub fn rows(&self, query: &str) -> Staged<Vec<Vec<Option<String>>>> {
        let out = self.run(query)?;
        let cell = |cell: &str| match cell {
            NULL => None,
            text => Some(text.strip_prefix("\\x").unwrap_or(text).to_owned()),
        };
        let row = |row: &str| row.split(CELL).map(cell).collect();
        Ok(out.split_terminator(ROW).map(row).collect())
    }

    /// Ends every connection to this database but the one that asks; how many there were.
    ///
    /// # Errors
    /// The server is not there.
    pub fn drop_connections(&self) -> Staged<usize> {
        let query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()";
        self.rows(query).map(|rows| rows.len())
    }

    /// Bytes on its disk.
    ///
    /// # Errors
    /// The server is not there.
    pub fn size(&self) -> Staged<u64> {
        let rows = self.rows("SELECT pg_database_size(current_database())")?;
        let size = rows.into_iter().flatten().flatten().next();
        size.and_then(|size| size.parse().ok())
            .ok_or_else(|| Fault::new("no size", self.name.clone()))
    }

    fn run(&self, query: &str) -> Staged<String> {
        let mode = if self.door.safety == Safety::Tls { "require" } else { "disable" };
        let options = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-P", NULL_IS];
        let output = Command::new(self.door.bin.join("psql"))
            .args(options)
            .args(["-F", CELL, "-R", ROW, "-U", USER, "-h", self.host()])
            .args(["-p", &self.door.port.to_string(), "-d", &self.name, "-c", query])
            .env("PGPASSWORD", &self.door.password)
            .env("PGSSLMODE", mode)
            .env("PGCONNECT_TIMEOUT", "20")
            .current_dir("/")
            .stdin(Stdio::null())
            .output()?;
        if output.status.success() {
            let out = String::from_utf8_lossy(&output.stdout).into_owned();
            // psql ends its last line, whatever stands between rows.
            return Ok(out.strip_suffix('\n').map(str::to_owned).unwrap_or(out));
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(Fault::new("a query failed", format!("{query}: {said}")))
    }

    /// The certificate names it, so that it can be verified.
    fn host(&self) -> &'static str {
        if self.door.safety == Safety::Tls { "localhost" } else { "127.0.0.1" }
    }
}

/// Between cells, between rows, and what stands for NULL: no value of ours has control characters.
const CELL: &str = "\u{1f}";
const ROW: &str = "\u{1e}";
const NULL: &str = "\u{1d}";
const NULL_IS: &str = "null=\u{1d}";

/// Where a file of a cluster lies.
fn inside(dir: &Path, name: &str) -> PathBuf {
    dir.join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_has_a_database_of_its_own() {
        let (left, right) =
            (Postgres::shared().database().unwrap(), Postgres::shared().database().unwrap());
        left.rows("CREATE TABLE t (n BIGINT, b BYTEA, e TEXT)").unwrap();
        left.rows(r"INSERT INTO t VALUES (1, '\x00ff', NULL), (-2, NULL, 'a b')").unwrap();
        let text = |text: &str| Some(text.to_owned());
        let rows = left.rows("SELECT * FROM t ORDER BY n DESC").unwrap();
        assert_eq!(
            rows,
            [vec![text("1"), text("00ff"), None], vec![text("-2"), None, text("a b")]]
        );
        assert!(left.rows("SELECT 1 WHERE FALSE").unwrap().is_empty());
        assert!(right.rows("SELECT * FROM t").is_err());
        assert!(left.size().unwrap() > 1_000_000);
    }

    #[test]
    fn what_was_committed_survives_a_kill_and_a_stop() {
        let mut server = Postgres::start(Safety::Plain).unwrap();
        let database = server.database().unwrap();
        database.rows("CREATE TABLE t (n BIGINT)").unwrap();
        for round in 1..=2_usize {
            database.rows("INSERT INTO t VALUES (1)").unwrap();
            if round == 1 { server.kill() } else { server.stop() }.unwrap();
            assert!(database.rows("SELECT 1").is_err(), "round {round}: it is gone");
            server.restart().unwrap();
            assert_eq!(database.rows("SELECT n FROM t").unwrap().len(), round);
        }
        assert_eq!(database.drop_connections().unwrap(), 0);
    }

    #[test]
    fn tls_is_spoken_with_a_certificate_of_the_moment() {
        let server = Postgres::start(Safety::Tls).unwrap();
        let database = server.database().unwrap();
        let query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        assert_eq!(database.rows(query).unwrap(), [vec![Some("t".to_owned())]]);
        let pem = std::fs::read_to_string(server.certificate()).unwrap();
        assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"));
    }
}
