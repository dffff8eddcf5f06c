//! A PostgreSQL as a user would start it: initdb's defaults, durable, in a directory of its own, with a password.
//! Invariant: it never runs as root, and ends with the value that started it.

use std::fs::{self, Permissions};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::cpu;
use crate::fault::{Benched, fault};
use crate::sidecar::send;

const USER: &str = "rekey";
const PASSWORD: &str = "bench";
const START: Duration = Duration::from_secs(60);
/// As many as the sidecar has.
const CONNECTIONS: &str = "8";

const TABLE: &str =
    "CREATE TABLE one (id BIGSERIAL PRIMARY KEY, at BIGINT NOT NULL, body BYTEA NOT NULL)";
const ROW: &str = "INSERT INTO one (at, body) VALUES (1, decode(repeat('07', 100), 'hex'));\n";

#[derive(Debug)]
pub(crate) struct Postgres {
    child: Child,
    bin: PathBuf,
    dir: PathBuf,
    address: SocketAddr,
}

impl Postgres {
    pub(crate) fn start(bin: &Path, dir: &Path) -> Benched<Self> {
        fs::create_dir_all(dir)?;
        let owner = owner()?;
        let password = dir.join("password");
        fs::write(&password, PASSWORD)?;
        fs::set_permissions(&password, Permissions::from_mode(0o600))?;
        for path in [dir, &password] {
            if let Some((user, group)) = owner {
                chown(path, Some(user), Some(group))?;
            }
        }
        let at = |program: &str| {
            let mut command = Command::new(bin.join(program));
            if let Some((user, group)) = owner {
                command.uid(user).gid(group);
            }
            command.current_dir(dir).stdin(Stdio::null());
            command
        };
        let made = at("initdb")
            .args([
                "-D",
                "data",
                "-U",
                USER,
                "-A",
                "scram-sha-256",
                "--pwfile=password",
                "-E",
                "UTF8",
            ])
            .output()?;
        if !made.status.success() {
            return Err(fault(format!("initdb: {}", String::from_utf8_lossy(&made.stderr))));
        }
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = fs::File::create(dir.join("log"))?;
        let child = at("postgres")
            .args(["-D", "data", "-p", &address.port().to_string()])
            .args(["-c", "unix_socket_directories=", "-c", "listen_addresses=127.0.0.1"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let server = Self { child, bin: bin.to_owned(), dir: dir.to_owned(), address };
        server.wait()?;
        server.run("psql", &["-c", TABLE])?;
        fs::write(dir.join("row.sql"), ROW)?;
        Ok(server)
    }

    /// The sidecar's configuration of it.
    pub(crate) fn section(&self) -> String {
        format!(
            "[store]\nurl = \"postgres://{USER}@{}/postgres\"\npassword = \"file:{}\"\ntls = \"off\"\n",
            self.address,
            self.dir.join("password").display()
        )
    }

    pub(crate) fn cpu(&self) -> Benched<Duration> {
        cpu::of_family(self.child.id())
    }

    /// Rows a second, one a commit.
    pub(crate) fn rate(&self) -> Benched<f64> {
        let script = self.dir.join("row.sql").display().to_string();
        let told = self.run("pgbench", &["-n", "-c", CONNECTIONS, "-T", "2", "-f", &script])?;
        let tps = told.lines().find_map(|line| line.strip_prefix("tps = "));
        let rate = tps.and_then(|rest| rest.split(' ').next()).and_then(|rate| rate.parse().ok());
        rate.ok_or_else(|| fault(format!("pgbench said: {told}")))
    }

    fn wait(&self) -> Benched<()> {
        let end = Instant::now() + START;
        while Instant::now() < end {
            if TcpStream::connect(self.address).is_ok()
                && self.run("psql", &["-c", "SELECT 1"]).is_ok()
            {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let log = fs::read_to_string(self.dir.join("log"))?;
        Err(fault(format!("PostgreSQL did not start:\n{log}")))
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Benched<String> {
        let output = Command::new(self.bin.join(program))
            .args(["-h", "127.0.0.1", "-p", &self.address.port().to_string(), "-U", USER])
            .args(arguments)
            .env("PGPASSWORD", PASSWORD)
            .env("PGDATABASE", "postgres")
            .output()?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(fault(format!("{program}: {}", String::from_utf8_lossy(&output.stderr))))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Fast shutdown: it ends its own processes.
        send(&self.child, Signal::INT);
        let _status = self.child.wait();
    }
}

/// Whom to run it as: root may not, so then Debian's `postgres`.
fn owner() -> Benched<Option<(u32, u32)>> {
    if !rustix::process::getuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let ids = users.lines().find(|line| line.starts_with("postgres:")).and_then(|line| {
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    ids.map(Some).ok_or_else(|| fault("root cannot run PostgreSQL, and there is no user postgres"))
}
