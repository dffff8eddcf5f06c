//! A real Envoy with the shipped configuration. It listens on a port the system chose unless one is asked for, shares
//! nothing with another Envoy on the machine, and sees no environment but the one it is given.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use tempfile::TempDir;

use super::template::{self, Limits, Places};
use super::{Fault, Running, Staged, root, target, until, venv};
use crate::http::Call;

/// What an Envoy is started with.
#[derive(Clone, Debug)]
pub struct EnvoyOptions {
    pub app: SocketAddr,
    /// Its whole environment, `PATH` aside.
    pub env: Vec<(String, String)>,
    pub limits: Limits,
    /// Takes the place of the file's plugin configuration.
    pub plugin_config: Option<String>,
    pub port: Option<u16>,
    pub public: SocketAddr,
    pub sidecar: SocketAddr,
    /// Other texts in the place of the file's: more addresses, files below `/etc/rekey`.
    pub swaps: Vec<(String, String)>,
    pub template: PathBuf,
    pub wasm: PathBuf,
}

impl EnvoyOptions {
    /// The shipped file and filter, a free port, no limits that a test could meet.
    #[must_use]
    pub fn new(sidecar: SocketAddr, public: SocketAddr, app: SocketAddr) -> Self {
        Self {
            app,
            env: Vec::new(),
            limits: Limits::Loose,
            plugin_config: None,
            port: None,
            public,
            sidecar,
            swaps: Vec::new(),
            template: root().join("envoy/envoy.yaml"),
            wasm: target().join("wasm32-wasip1/wasm/filter.wasm"),
        }
    }

    /// The shipped file for portable mode in its place.
    #[must_use]
    pub fn portable(mut self) -> Self {
        self.template = root().join("envoy/portable.yaml");
        self
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn swap(mut self, old: &str, new: impl Into<String>) -> Self {
        self.swaps.push((old.to_owned(), new.into()));
        self
    }

    /// Another file of `envoy/`.
    #[must_use]
    pub fn file(mut self, name: &str) -> Self {
        self.template = root().join("envoy").join(name);
        self
    }

    /// The configuration Envoy gets.
    ///
    /// # Errors
    /// The template cannot be read or has another shape.
    pub fn render(&self) -> Staged<String> {
        self.fill(&std::fs::read_to_string(&self.template)?)
    }

    /// What of a shipped file becomes of this text: one that Envoy reads besides.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn fill(&self, text: &str) -> Staged<String> {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port.unwrap_or(0)));
        let places = Places {
            admin: free,
            app: self.app,
            listener,
            public: self.public,
            sidecar: self.sidecar,
        };
        let text = template::place(&template::swap(text, &self.swaps), &places)?;
        let text = template::limit(&template::load(&text, &self.wasm), self.limits)?;
        let text = template::whole(text)?;
        match &self.plugin_config {
            Some(json) if text.contains("value: |") => template::configure(&text, json),
            _ => Ok(text),
        }
    }

    /// The plugin configuration as the file has it.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn shipped_config(&self) -> Staged<String> {
        template::configuration(&std::fs::read_to_string(&self.template)?)
    }

    fn command(&self, dir: &TempDir) -> Staged<Command> {
        let file = dir.path().join("envoy.yaml");
        std::fs::write(&file, self.render()?)?;
        let mut command = Command::new(program()?);
        command.arg("-c").arg(file).args(["--disable-hot-restart", "--concurrency", "2"]);
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }
}

/// A running Envoy.
#[derive(Debug)]
pub struct Envoy {
    running: Running,
    addr: SocketAddr,
    admin: SocketAddr,
    _dir: TempDir,
}

impl Envoy {
    /// Starts it and waits until it takes requests.
    ///
    /// # Errors
    /// Envoy is not installed, refuses the configuration (the fault carries its last log lines), or is not ready in time.
    pub fn start(options: &EnvoyOptions) -> Staged<Self> {
        let dir = tempfile::tempdir()?;
        let admin_file = dir.path().join("admin");
        let mut command = options.command(&dir)?;
        command.arg("--admin-address-path").arg(&admin_file);
        let mut running = Running::start("envoy", dir.path(), &mut command)?;
        let admin = until("Envoy's admin address", || {
            running.still_runs()?;
            Ok(std::fs::read_to_string(&admin_file).ok().and_then(|text| text.trim().parse().ok()))
        })?;
        let addr = until("Envoy's listener", || {
            running.still_runs()?;
            Ok(if ready(admin) { listener(admin, "gateway") } else { None })
        })?;
        Ok(Self { running, addr, admin, _dir: dir })
    }

    /// What `envoy --mode validate` says: its exit and its log.
    ///
    /// # Errors
    /// Envoy is not installed or the template has another shape.
    pub fn validate(options: &EnvoyOptions) -> Staged<(ExitStatus, String)> {
        let dir = tempfile::tempdir()?;
        let output = options.command(&dir)?.args(["--mode", "validate"]).output()?;
        Ok((output.status, String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    /// Where clients connect.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where another listener of the file takes connections, or packets.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn listener(&self, name: &str) -> Staged<SocketAddr> {
        listener(self.admin, name).ok_or_else(|| Fault::new("no listener", name))
    }

    /// Envoy's own administration.
    #[must_use]
    pub const fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Its log, the filter's lines among it.
    #[must_use]
    pub fn log(&self) -> String {
        self.running.log()
    }

    /// The access log, one JSON object a line. Envoy writes it in batches of about a second.
    #[must_use]
    pub fn access_log(&self) -> String {
        self.running.out()
    }

    /// The value of one counter or gauge.
    ///
    /// # Errors
    /// The administration does not answer.
    pub fn stat(&self, name: &str) -> Staged<Option<u64>> {
        let text = Call::get("/stats").send(self.admin)?.text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        Ok(line.and_then(|value| value.trim().parse().ok()))
    }

    /// # Errors
    /// The system would not tell how it ended.
    pub fn stop(&mut self) -> Staged<ExitStatus> {
        self.running.stop()
    }

    /// # Errors
    /// The system would not tell how it ended.
    pub fn kill(&mut self) -> Staged<ExitStatus> {
        self.running.kill()
    }
}

fn program() -> Staged<PathBuf> {
    let named = std::env::var_os("REKEY_ENVOY").filter(|name| !name.is_empty()).map(PathBuf::from);
    // A bare name is looked up on PATH, as a shell would.
    let program = named.map_or_else(
        || venv("envoy"),
        |name| if name.components().count() > 1 { root().join(name) } else { name },
    );
    if program.components().count() == 1 || program.exists() {
        return Ok(program);
    }
    Err(Fault::new(
        "no Envoy",
        format!("{} is missing: run ./just setup or set REKEY_ENVOY", program.display()),
    ))
}

fn ready(admin: SocketAddr) -> bool {
    Call::get("/ready").send(admin).is_ok_and(|reply| reply.status == 200)
}

fn listener(admin: SocketAddr, name: &str) -> Option<SocketAddr> {
    let json = Call::get("/listeners?format=json").send(admin).ok()?.json().ok()?;
    let all = json.get("listener_statuses")?.as_array()?;
    let found = all.iter().find(|one| one.get("name").and_then(|n| n.as_str()) == Some(name))?;
    let place = found.pointer("/local_address/socket_address")?;
    let port = u16::try_from(place.get("port_value")?.as_u64()?).ok().filter(|port| *port != 0)?;
    Some(SocketAddr::new(place.get("address")?.as_str()?.parse().ok()?, port))
}
