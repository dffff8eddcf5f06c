//! The files of a server and the processes on them. Invariant: whatever ends us, a broom that waits for the end of its
//! standard input stops the server and removes the files.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process};

use super::owner::Owner;
use super::{Door, Safety, USER, inside, programs};
use crate::stage::{Fault, Running, Staged, until};

/// Small enough for many side by side; everything that makes a commit durable stays on.
const SETTINGS: &str = "listen_addresses = '127.0.0.1'\nmax_connections = 200\nshared_buffers = '16MB'\n\
     unix_socket_directories = ''\nhuge_pages = off\njit = off\nautovacuum_naptime = '10s'\nlog_checkpoints = off\n\
     max_wal_size = '256MB'\nlog_line_prefix = '%m [%p] %d '\n";

/// The first argument is the directory. Ctrl-C goes to a whole terminal, and must not end the one who cleans up after it.
const BROOM: &str = r#"trap '' INT TERM HUP
cat >/dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ] && grep -q -- "$1" "/proc/$pid/cmdline" 2>/dev/null; then
    kill -QUIT "$pid"
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        grep -q -- "$1" "/proc/$pid/cmdline" 2>/dev/null || break
        sleep 0.1
    done
fi
rm -rf -- "$1"
"#;

#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) door: Arc<Door>,
    dir: PathBuf,
    owner: Owner,
    server: Option<Running>,
    /// Dropped after the server has stopped.
    _broom: Broom,
}

/// Sweeps when it is dropped, and when we die.
#[derive(Debug)]
struct Broom(Running);

impl Drop for Broom {
    fn drop(&mut self) {
        self.0.let_go();
    }
}

impl Cluster {
    pub(super) fn start(safety: Safety) -> Staged<Self> {
        let (bin, owner) = (programs::find()?, Owner::find()?);
        // The broom removes it, also where we are killed.
        let dir = tempfile::Builder::new().prefix("rekey-postgres-").tempdir()?.keep();
        let broom = sweep_after(&dir)?;
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o711))?;
        let password = random()?;
        make_files(&dir, &bin, owner, &password)?;
        if safety == Safety::Tls {
            certify(&dir, owner)?;
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let door = Arc::new(Door { bin, port, password, safety });
        let mut cluster = Self { door, dir, owner, server: None, _broom: broom };
        cluster.run()?;
        Ok(cluster)
    }

    /// Starts the server, and waits until it lets people in.
    pub(super) fn run(&mut self) -> Staged<()> {
        let data = inside(&self.dir, "data");
        let mut command = self.owner.command(&self.door.bin.join("postgres"));
        command.arg("-D").arg(&data).arg("-p").arg(self.door.port.to_string()).current_dir("/");
        let mut server = Running::start("postgres", &self.dir, &mut command)?;
        until("PostgreSQL", || {
            server.still_runs()?;
            // Its first line says whose it is (one that was killed leaves it), its last how far he has come.
            let state = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
            let ours = state.lines().next() == Some(&server.id().to_string());
            Ok((ours && state.trim_end().ends_with("ready")).then_some(()))
        })?;
        self.server = Some(server);
        Ok(())
    }

    pub(super) fn stop(&mut self) -> Staged<()> {
        // SIGTERM would wait until the last client left.
        self.server.take().map_or(Ok(()), |mut server| server.stop_by(Signal::INT).map(drop))
    }

    pub(super) fn kill(&mut self) -> Staged<()> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        // Stopped first, so that it starts nobody while we look who is there.
        server.freeze();
        let children = children(server.id())?;
        server.kill()?;
        for child in &children {
            // An error says that it has ended by itself: they end when they notice.
            let _ended = kill_process(*child, Signal::KILL);
        }
        until("the end of PostgreSQL's processes", || {
            let there = |child: &Pid| runs(child.as_raw_nonzero().get());
            Ok((!children.iter().any(there)).then_some(()))
        })
    }

    pub(super) fn certificate(&self) -> PathBuf {
        inside(&self.dir, "server.crt")
    }

    pub(super) fn log(&self) -> String {
        let bytes = fs::read(inside(&self.dir, "postgres.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ended = self.stop();
    }
}

fn make_files(dir: &Path, bin: &Path, owner: Owner, password: &str) -> Staged<()> {
    let (data, secret) = (inside(dir, "data"), inside(dir, "password"));
    fs::create_dir(&data)?;
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700))?;
    owner.take(&data)?;
    write_private(&secret, password, owner)?;
    let mut command = owner.command(&bin.join("initdb"));
    command
        .arg("-D")
        .arg(&data)
        .args(["-U", USER, "-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "--no-sync"])
        .arg(format!("--pwfile={}", secret.display()))
        .current_dir("/");
    run(&mut command)?;
    append(&data.join("postgresql.conf"), SETTINGS)
}

/// A certificate that is its own root.
fn certify(dir: &Path, owner: Owner) -> Staged<()> {
    let (key, certificate) = (inside(dir, "server.key"), inside(dir, "server.crt"));
    let mut command = Command::new("openssl");
    command
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-nodes", "-sha256", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate);
    run(&mut command)?;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
    owner.take(&key)?;
    let settings = format!(
        "ssl = on\nssl_key_file = '{}'\nssl_cert_file = '{}'\n",
        key.display(),
        certificate.display()
    );
    append(&inside(dir, "data").join("postgresql.conf"), &settings)?;
    // Nobody comes in without it.
    let hosts = inside(dir, "data").join("pg_hba.conf");
    let text = fs::read_to_string(&hosts)?;
    Ok(fs::write(&hosts, text.replace("\nhost ", "\nhostssl "))?)
}

fn sweep_after(dir: &Path) -> Staged<Broom> {
    let mut command = Command::new("sh");
    command.args(["-c", BROOM, "broom"]).arg(dir).current_dir("/");
    Running::start("broom", dir, &mut command).map(Broom)
}

fn run(command: &mut Command) -> Staged<()> {
    let program = command.get_program().display().to_string();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Fault::new("a program did not start", format!("{program}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(Fault::new(
        "a program failed",
        format!("{program}: {}", String::from_utf8_lossy(&said).trim()),
    ))
}

fn write_private(path: &Path, text: &str, owner: Owner) -> Staged<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    owner.take(path)
}

/// Keeps the file's owner.
fn append(path: &Path, text: &str) -> Staged<()> {
    let before = fs::read_to_string(path)?;
    Ok(fs::write(path, format!("{before}\n{text}"))?)
}

fn random() -> Staged<String> {
    use std::io::Read;
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(contract::signature::hex(&bytes))
}

fn children(parent: u32) -> Staged<Vec<Pid>> {
    let text = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
    let pid = |word: &str| Pid::from_raw(word.parse().ok()?);
    Ok(text.split_whitespace().filter_map(pid).collect())
}

/// One that has ended but was not waited for has no command line any more.
fn runs(pid: i32) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}
