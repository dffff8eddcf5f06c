//! A real MariaDB, made for one test process: its files lie in a directory of its own, its port is free, and both end with the
//! process even where that is killed. Each test makes a database of its own in it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::{Fault, Running, Staged, root, until};

/// Who the tests are at the server.
const USER: &str = "rekey";
const PASSWORD: &str = "of-the-stage";

static SCHEMAS: AtomicU64 = AtomicU64::new(1);

/// Runs the server until its own standard input ends, then removes the files. The first argument is the directory.
const KEEPER: &str = r#"trap '' INT TERM HUP
dir=$1
shift
"$@" </dev/null &
pid=$!
cat >/dev/null
kill -KILL "$pid"
wait "$pid"
rm -rf -- "$dir"
"#;

/// A running server.
#[derive(Debug)]
pub struct MariaDb {
    door: Arc<Door>,
    keeper: Running,
}

/// A database of one test's own.
#[derive(Clone, Debug)]
pub struct Schema {
    name: String,
    door: Arc<Door>,
}

#[derive(Debug)]
struct Door {
    usr: PathBuf,
    dir: PathBuf,
    port: u16,
}

impl MariaDb {
    /// The server that all tests of this process share.
    ///
    /// # Panics
    /// As [`Self::start`] fails.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<MariaDb> = OnceLock::new();
        SHARED.get_or_init(|| Self::start().unwrap_or_else(|fault| panic!("no MariaDB: {fault}")))
    }

    /// Makes the files and starts a server there; it speaks TLS with whoever wants it.
    ///
    /// # Errors
    /// MariaDB is not installed (`./just setup` unpacks it), or it does not start.
    pub fn start() -> Staged<Self> {
        let usr = find()?;
        let dir = tempfile::Builder::new().prefix("rekey-mariadb-").tempdir()?.keep();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let door = Arc::new(Door { usr, dir, port });
        door.make_files()?;
        let mut keeper = Running::start("mariadb", &door.dir, &mut door.server())?;
        until("MariaDB", || {
            keeper.still_runs()?;
            Ok(door.say("root", "mysql", "SELECT 1").is_ok().then_some(()))
        })?;
        let user = format!(
            "CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION"
        );
        door.say("root", "mysql", &user)?;
        Ok(Self { door, keeper })
    }

    /// A new, empty database.
    ///
    /// # Errors
    /// The server refuses.
    pub fn schema(&self) -> Staged<Schema> {
        let name = format!("test_{}", SCHEMAS.fetch_add(1, Ordering::Relaxed));
        let text = format!("CREATE DATABASE {name} CHARACTER SET utf8mb4");
        self.door.say(USER, "mysql", &text)?;
        Ok(Schema { name, door: Arc::clone(&self.door) })
    }

    /// The root that its certificate is verified with.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.door.dir.join("server.crt")
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        self.keeper.let_go();
    }
}

impl Schema {
    /// For `sql.url`: user, host, port and database.
    #[must_use]
    pub fn url(&self) -> String {
        format!("mysql://{USER}@127.0.0.1:{}/{}", self.door.port, self.name)
    }

    /// For the file that `sql.password` names.
    #[must_use]
    pub fn password(&self) -> &str {
        PASSWORD
    }

    /// Where the server listens, and the name of the database.
    #[must_use]
    pub fn door(&self) -> (SocketAddr, &str) {
        (SocketAddr::from((Ipv4Addr::LOCALHOST, self.door.port)), &self.name)
    }

    /// The rows of a query, as text; `None` for NULL.
    ///
    /// # Errors
    /// The server is not there, or refuses the query.
    pub fn rows(&self, query: &str) -> Staged<Vec<Vec<Option<String>>>> {
        let out = self.door.say(USER, &self.name, query)?;
        let cell = |cell: &str| (cell != "NULL").then(|| cell.to_owned());
        Ok(out.lines().map(|row| row.split('\t').map(cell).collect()).collect())
    }
}

impl Door {
    fn make_files(&self) -> Staged<()> {
        let (data, usr) = (self.dir.join("data"), &self.usr);
        let mut install = Command::new("sh");
        install
            .env("LD_LIBRARY_PATH", libraries(usr))
            .arg(usr.join("bin/mariadb-install-db"))
            .args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"])
            .arg(format!("--basedir={}", usr.display()))
            .arg(format!("--datadir={}", data.display()));
        if rustix::process::geteuid().is_root() {
            install.arg("--user=root");
        }
        run(&mut install)?;
        let mut certify = Command::new("openssl");
        certify
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "2"])
            .args([
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1",
            ])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-keyout")
            .arg(self.dir.join("server.key"))
            .arg("-out")
            .arg(self.dir.join("server.crt"));
        run(&mut certify).map(drop)
    }

    /// Small, and not made to outlive a power cut.
    fn server(&self) -> Command {
        let path = |name: &str| self.dir.join(name).display().to_string();
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper"]).arg(&self.dir).arg(self.usr.join("sbin/mariadbd"));
        command
            .env("LD_LIBRARY_PATH", libraries(&self.usr))
            .args([
                "--no-defaults",
                "--skip-log-bin",
                "--skip-name-resolve",
                "--innodb-flush-log-at-trx-commit=0",
            ])
            .args([
                "--innodb-buffer-pool-size=64M",
                "--max-connections=200",
                "--bind-address=127.0.0.1",
            ])
            .arg(format!("--basedir={}", self.usr.display()))
            .arg(format!("--datadir={}", path("data")))
            .arg(format!("--tmpdir={}", self.dir.display()))
            .arg(format!("--socket={}", path("socket")))
            .arg(format!("--pid-file={}", path("pid")))
            .arg(format!("--port={}", self.port))
            .arg(format!("--ssl-cert={}", path("server.crt")))
            .arg(format!("--ssl-key={}", path("server.key")))
            .current_dir("/");
        if rustix::process::geteuid().is_root() {
            command.arg("--user=root");
        }
        command
    }

    fn say(&self, user: &str, database: &str, text: &str) -> Staged<String> {
        let mut client = Command::new(self.usr.join("bin/mariadb"));
        client
            .args(["--no-defaults", "--batch", "--skip-column-names", "--raw"])
            .arg(format!("--socket={}", self.dir.join("socket").display()))
            .args([
                &format!("--user={user}"),
                "--default-character-set=utf8mb4",
                "-e",
                text,
                database,
            ])
            .env("LD_LIBRARY_PATH", libraries(&self.usr))
            .env("MYSQL_PWD", if user == "root" { "" } else { PASSWORD });
        run(&mut client)
    }
}

/// Debian's, installed or unpacked in target/mariadb.
fn find() -> Staged<PathBuf> {
    let places = [PathBuf::from("/usr"), root().join("target/mariadb/usr")];
    let has = |usr: &PathBuf| {
        ["sbin/mariadbd", "bin/mariadb", "bin/mariadb-install-db"]
            .iter()
            .all(|program| usr.join(program).exists())
    };
    let found = places.into_iter().find(has);
    found.ok_or_else(|| Fault::new("no MariaDB", "run ./just setup, which unpacks Debian's"))
}

/// Where the libraries lie that were unpacked beside the programs.
fn libraries(usr: &Path) -> String {
    ["x86_64", "aarch64"].map(|kind| format!("{}/lib/{kind}-linux-gnu", usr.display())).join(":")
}

fn run(command: &mut Command) -> Staged<String> {
    let output = command.stdin(Stdio::null()).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(Fault::new(
            "a program of MariaDB's failed",
            text(&[output.stdout, output.stderr].concat()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_has_a_database_of_its_own() {
        let server = MariaDb::start().unwrap();
        let (left, right) = (server.schema().unwrap(), server.schema().unwrap());
        left.rows("CREATE TABLE t (n BIGINT, e TEXT); INSERT INTO t VALUES (1, NULL), (2, 'a b')")
            .unwrap();
        let text = |text: &str| Some(text.to_owned());
        let rows = left.rows("SELECT * FROM t ORDER BY n").unwrap();
        assert_eq!(rows, [vec![text("1"), None], vec![text("2"), text("a b")]]);
        assert!(right.rows("SELECT * FROM t").is_err());
        let dir = server.door.dir.clone();
        drop(server);
        assert!(!std::fs::exists(dir).unwrap());
    }
}
