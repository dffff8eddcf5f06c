//! The real sidecar, `rekey serve`, with a configuration of the test's own. Its addresses are read from its log, so every
//! port may be 0; its log is kept, so that a test can look for secrets in it.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};

use super::{Fault, Running, Staged, target, until};

/// A running sidecar.
#[derive(Debug)]
pub struct Sidecar {
    running: Running,
    config: PathBuf,
}

/// What a command of `rekey` said.
#[derive(Clone, Debug)]
pub struct Told {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
}

impl Sidecar {
    /// Writes the configuration into `dir` and starts there; waits until all three listeners are open.
    ///
    /// # Errors
    /// The binary is not built, refuses the configuration (the fault carries its last log lines), or is not up in time.
    pub fn start(config: &str, dir: &Path) -> Staged<Self> {
        let file = dir.join("rekey.toml");
        std::fs::write(&file, config)?;
        // The addresses of an earlier run in the same place are not ours.
        let _none_yet = std::fs::rename(dir.join("rekey.log"), dir.join("rekey.log.1"));
        let mut command = Command::new(binary()?);
        command.arg("serve").arg("--config").arg(&file).current_dir(dir);
        let mut running = Running::start("rekey", dir, &mut command)?;
        until("the sidecar's listeners", || {
            running.still_runs()?;
            let log = running.log();
            let open =
                ["signed", "public", "admin"].iter().all(|name| address(&log, name).is_some());
            Ok(open.then_some(()))
        })?;
        Ok(Self { running, config: file })
    }

    /// Where the listener `signed`, `public` or `admin` is bound.
    ///
    /// # Errors
    /// It is not a TCP listener.
    pub fn addr(&self, listener: &str) -> Staged<SocketAddr> {
        let text = address(&self.running.log(), listener).unwrap_or_default();
        text.parse().map_err(|_| Fault::new("not a TCP listener", format!("{listener} {text}")))
    }

    /// The configuration file it runs with.
    #[must_use]
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// Its log of this run, one JSON object a line.
    #[must_use]
    pub fn log(&self) -> String {
        self.running.log()
    }

    #[must_use]
    pub fn id(&self) -> u32 {
        self.running.id()
    }

    /// Whether it has ended, by itself or by our hand.
    pub fn has_ended(&mut self) -> bool {
        self.running.still_runs().is_err()
    }

    /// Stops answering without closing a connection.
    pub fn freeze(&self) {
        self.running.freeze();
    }

    pub fn thaw(&self) {
        self.running.thaw();
    }

    /// SIGTERM, and how it ended.
    ///
    /// # Errors
    /// The system would not tell how it ended.
    pub fn stop(&mut self) -> Staged<ExitStatus> {
        self.running.stop()
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// The system would not tell how it ended.
    pub fn kill(&mut self) -> Staged<ExitStatus> {
        self.running.kill()
    }

    /// Runs `rekey <arguments> --config <our file>`.
    ///
    /// # Errors
    /// As [`rekey`].
    pub fn rekey(&self, arguments: &[&str], input: &str) -> Staged<Told> {
        let config = self.config.display().to_string();
        let dir = self.config.parent().unwrap_or(Path::new("."));
        rekey(&[arguments, &["--config", &config]].concat(), input, dir)
    }
}

/// Runs `rekey` in `dir` with this standard input.
///
/// # Errors
/// The binary is not built.
pub fn rekey(arguments: &[&str], input: &str, dir: &Path) -> Staged<Told> {
    let mut command = Command::new(binary()?);
    command.args(arguments).current_dir(dir);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read its input may have closed it.
        let _closed = stdin.write_all(input.as_bytes());
    }
    let Output { status, stdout, stderr } = child.wait_with_output()?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Told { status, out: text(stdout), err: text(stderr) })
}

pub(super) fn binary() -> Staged<PathBuf> {
    let binary = target().join("debug/rekey");
    if binary.exists() {
        return Ok(binary);
    }
    Err(Fault::new(
        "no sidecar",
        format!("{} is missing: cargo build -p sidecar", binary.display()),
    ))
}

/// The address in the log line that says a listener is open.
pub(super) fn address(log: &str, listener: &str) -> Option<String> {
    log.lines().find_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        let is = |key: &str, value: &str| line.get(key).and_then(|v| v.as_str()) == Some(value);
        let address = line.get("address")?.as_str()?;
        (is("event", "listening") && is("listener", listener)).then(|| address.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_from_the_log() {
        let log = "starting\n{\"event\":\"listening\",\"listener\":\"public\",\"address\":\"127.0.0.1:9\"}\n{\"event\":";
        assert_eq!(address(log, "public").as_deref(), Some("127.0.0.1:9"));
        assert_eq!(address(log, "signed"), None);
    }
}
