//! The real sidecar: the `rekey` beside this program, in a directory of its own, on ports that the system chooses.
//! Invariant: it ends with the value that started it.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::cpu;
use crate::fault::{Benched, fault};
use crate::line::Line;
use crate::pen::{AUDIENCE, Pen};

const START: Duration = Duration::from_secs(60);
const REST: Duration = Duration::from_secs(300);
/// Starts are timed, too.
const LOOK: Duration = Duration::from_millis(1);
const READY: &[u8] = b"GET /readyz HTTP/1.1\r\nhost: bench\r\n\r\n";

/// The limits of everybody together are as wide as they can be. Those of a sender and of an address stay: no sender and
/// no address is met often enough to notice.
const LIMITS: &str = "backlog = 1000000\nclient = \"60000000/1m\"\ninstallation = \"60000000/1m\"\n\
     wrong_codes = \"60000000/1m\"\n";

#[derive(Debug)]
pub(crate) struct Sidecar {
    child: Child,
    dir: PathBuf,
    signed: SocketAddr,
    ready: Duration,
}

/// What differs between the sidecars of a run.
#[derive(Debug)]
pub(crate) struct Plan<'p> {
    /// Where its mails go.
    pub(crate) relay: SocketAddr,
    /// TOML of further sections.
    pub(crate) sections: &'p str,
}

impl Plan<'_> {
    pub(crate) fn with_relay(relay: SocketAddr) -> Self {
        Self { relay, sections: "" }
    }
}

impl Sidecar {
    /// Starts one in `dir`, with what an earlier one left there.
    pub(crate) fn start(dir: &Path, plan: &Plan<'_>) -> Benched<Self> {
        fs::create_dir_all(dir)?;
        fs::write(dir.join("rekey.toml"), config(plan))?;
        let log = File::create(dir.join("rekey.log"))?;
        let begun = Instant::now();
        let mut child = rekey(dir)?
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        match open(&mut child, &dir.join("rekey.log")) {
            Ok(signed) => Ok(Self { child, dir: dir.to_owned(), signed, ready: begun.elapsed() }),
            Err(error) => {
                end(&mut child);
                Err(error)
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// From its start until it was ready to serve.
    pub(crate) fn ready(&self) -> Duration {
        self.ready
    }

    pub(crate) fn lines(&self, count: usize) -> Benched<Vec<Line>> {
        Line::open_many(self.signed, count)
    }

    pub(crate) fn pen(&self) -> Benched<Pen> {
        Pen::of(&self.dir.join("data/keys/edge"))
    }

    /// CPU time so far.
    pub(crate) fn cpu(&self) -> Benched<Duration> {
        cpu::of(self.id())
    }

    /// Waits until it has decided and sent everything.
    pub(crate) fn rest(&self) -> Benched<()> {
        cpu::wait_until_quiet(self.id(), REST)
    }

    /// SIGTERM, and its end.
    pub(crate) fn stop(mut self) -> Benched<()> {
        send(&self.child, Signal::TERM);
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Draws all keys: with a shared store no start does it.
pub(crate) fn draw_keys(dir: &Path, plan: &Plan<'_>) -> Benched<()> {
    fs::write(dir.join("rekey.toml"), config(plan))?;
    let output = rekey(dir)?.args(["keys", "add", "--first"]).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(fault(format!("rekey keys add: {}", String::from_utf8_lossy(&output.stderr))))
}

/// Imports accounts, one JSON object a line, into the directory of a sidecar, running or not.
pub(crate) fn import(dir: &Path, lines: &str) -> Benched<()> {
    let mut child = rekey(dir)?
        .args(["account", "import", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(lines.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(fault(format!("rekey account import: {}", String::from_utf8_lossy(&output.stderr))))
}

/// A signal to a program of ours.
pub(crate) fn send(child: &Child, signal: Signal) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // One that has ended needs no signal.
        let _ended = kill_process(pid, signal);
    }
}

/// SIGKILL, and its end.
pub(crate) fn end(child: &mut Child) {
    let _ended = child.kill();
    let _status = child.wait();
}

fn config(plan: &Plan<'_>) -> String {
    format!(
        "data = \"data\"\naudience = \"{AUDIENCE}\"\n[listen]\nsigned = \"127.0.0.1:0\"\n\
         public = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\nidle = \"1h\"\n[mail]\nrelay = \"smtp://{}\"\n\
         [limits]\n{LIMITS}{}\n",
        plan.relay, plan.sections
    )
}

pub(crate) fn rekey(dir: &Path) -> Benched<Command> {
    let program = std::env::current_exe()?.with_file_name("rekey");
    if !program.exists() {
        let remedy = "build both: cargo build --release -p sidecar -p bench";
        return Err(fault(format!("{} is missing; {remedy}", program.display())));
    }
    let mut command = Command::new(program);
    command.current_dir(dir).arg("--config").arg("rekey.toml");
    Ok(command)
}

/// Where the signed listener is, when all are open and it says that it is ready.
fn open(child: &mut Child, log: &Path) -> Benched<SocketAddr> {
    let end = Instant::now() + START;
    while Instant::now() < end {
        let text = fs::read_to_string(log)?;
        if child.try_wait()?.is_some() {
            return Err(fault(format!("the sidecar did not start:\n{text}")));
        }
        let open = ["signed", "public", "admin"].map(|name| address(&text, name));
        if let [Some(signed), Some(_), Some(admin)] = open
            && Line::open(admin)?.ask(READY)?.body == "ready\n"
        {
            return Ok(signed);
        }
        std::thread::sleep(LOOK);
    }
    Err(fault("the sidecar was not ready in time"))
}

fn address(log: &str, listener: &str) -> Option<SocketAddr> {
    let is_ours = |line: &&str| {
        line.contains("\"event\":\"listening\"") && line.contains(&format!("\"{listener}\""))
    };
    let (_, rest) = log.lines().find(is_ours)?.split_once("\"address\":\"")?;
    rest.split_once('"')?.0.parse().ok()
}
