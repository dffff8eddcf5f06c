//! A real `rekey edge` with a configuration of the test's own, on ports that the system chose.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use tempfile::TempDir;

use super::sidecar::{address, binary};
use super::{EnvoyOptions, Fault, Running, Staged, until};

/// What an edge is started with.
#[derive(Clone, Debug)]
pub struct EdgeOptions {
    pub app: SocketAddr,
    /// The filter's JSON object.
    pub filter: String,
    /// Id and digits of the key that signs.
    pub key: (String, String),
    /// More lines of `[edge]`.
    pub lines: String,
    /// An address, or `unix:` and a name in its directory.
    pub listen: String,
    pub public: Option<SocketAddr>,
    /// As URLs.
    pub sidecars: Vec<String>,
}

impl EdgeOptions {
    /// The shipped filter configuration, one sidecar, a free port.
    ///
    /// # Errors
    /// The shipped file has another shape.
    pub fn new(sidecar: SocketAddr, app: SocketAddr, key: &str) -> Staged<Self> {
        Ok(Self {
            app,
            filter: EnvoyOptions::new(sidecar, sidecar, app).shipped_config()?,
            key: ("edge1".to_owned(), key.to_owned()),
            lines: String::new(),
            listen: "127.0.0.1:0".to_owned(),
            public: None,
            sidecars: vec![format!("http://{sidecar}")],
        })
    }

    fn toml(&self) -> String {
        let sidecars: Vec<String> =
            self.sidecars.iter().map(|sidecar| format!("\"{sidecar}\"")).collect();
        let public = self.public.map(|at| format!("public = \"http://{at}\"\n"));
        format!(
            "[edge]\nlisten = \"{}\"\nadmin = \"127.0.0.1:0\"\napp = \"http://{}\"\nsidecar = [{}]\nkey = \"file:edge.key\"\nfilter = \"file:edge.json\"\n{}{}\n",
            self.listen,
            self.app,
            sidecars.join(", "),
            public.unwrap_or_default(),
            self.lines
        )
    }
}

/// A running edge.
#[derive(Debug)]
pub struct Edge {
    running: Running,
    listen: String,
    dir: TempDir,
}

impl Edge {
    /// Starts it and waits until it listens.
    ///
    /// # Errors
    /// The binary is not built, refuses the configuration (the fault carries its last log lines), or is not up in time.
    pub fn start(options: &EdgeOptions) -> Staged<Self> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("edge.toml");
        fs::write(&file, options.toml())?;
        fs::write(dir.path().join("edge.json"), &options.filter)?;
        write_key(dir.path(), &options.key)?;
        let mut command = Command::new(binary()?);
        command.arg("edge").arg("--config").arg(&file).current_dir(dir.path());
        let mut running = Running::start("edge", dir.path(), &mut command)?;
        let listen = until("the edge's listeners", || {
            running.still_runs()?;
            let log = running.log();
            Ok(address(&log, "admin").and(address(&log, "edge")))
        })?;
        Ok(Self { running, listen, dir })
    }

    /// Where clients connect.
    ///
    /// # Panics
    /// It listens on a Unix socket.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.listen.parse().expect("a TCP listener")
    }

    /// The socket file, where it listens on one.
    #[must_use]
    pub fn socket(&self) -> Option<PathBuf> {
        self.listen.strip_prefix("unix:").map(PathBuf::from)
    }

    /// Where operators look.
    ///
    /// # Errors
    /// It is not known.
    pub fn admin(&self) -> Staged<SocketAddr> {
        let text = address(&self.running.log(), "admin").unwrap_or_default();
        text.parse().map_err(|_| Fault::new("not a TCP listener", text))
    }

    #[must_use]
    pub fn log(&self) -> String {
        self.running.log()
    }

    /// Puts another key in the place of the one that signs, whole.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn exchange_key(&self, id: &str, digits: &str) -> Staged<()> {
        let beside = self.dir.path().join("next");
        fs::create_dir(&beside)?;
        write_key(&beside, &(id.to_owned(), digits.to_owned()))?;
        fs::rename(beside.join("edge.key"), self.dir.path().join("edge.key"))?;
        fs::remove_dir(&beside)?;
        Ok(())
    }

    /// # Errors
    /// The system would not tell how it ended.
    pub fn kill(&mut self) -> Staged<ExitStatus> {
        self.running.kill()
    }

    /// # Errors
    /// The system would not tell how it ended.
    pub fn stop(&mut self) -> Staged<ExitStatus> {
        self.running.stop()
    }
}

fn write_key(dir: &Path, (id, digits): &(String, String)) -> Staged<()> {
    let path = dir.join("edge.key");
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "rekey-edge {id} {digits}")?;
    Ok(())
}
