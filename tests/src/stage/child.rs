//! One program that we started. Its output goes to a file; it is asked to stop (SIGTERM), then made to (SIGKILL), and
//! only ever by its own handle, so nothing else on the machine is touched.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::{Fault, Staged, poll, until};

const GRACE: Duration = Duration::from_secs(10);

/// A running program.
#[derive(Debug)]
pub struct Running {
    child: Child,
    name: &'static str,
    log: PathBuf,
}

impl Running {
    /// Starts it with standard output in `<dir>/<name>.out` and standard error in `<dir>/<name>.log`.
    /// Its standard input is a pipe that closes when this value is dropped or we die.
    ///
    /// # Errors
    /// The program is not there or the files cannot be made.
    pub fn start(name: &'static str, dir: &Path, command: &mut Command) -> Staged<Self> {
        let log = dir.join(format!("{name}.log"));
        let out = File::options().create(true).append(true).open(log.with_extension("out"))?;
        let err = File::options().create(true).append(true).open(&log)?;
        let child =
            command.stdin(Stdio::piped()).stdout(out).stderr(err).spawn().map_err(|error| {
                Fault::new(
                    "a program did not start",
                    format!("{}: {error}", command.get_program().display()),
                )
            })?;
        Ok(Self { child, name, log })
    }

    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to standard error so far.
    #[must_use]
    pub fn log(&self) -> String {
        read(&self.log)
    }

    /// What it wrote to standard output so far.
    #[must_use]
    pub fn out(&self) -> String {
        read(&self.log.with_extension("out"))
    }

    /// A fault when it has ended by itself; its last lines say why.
    ///
    /// # Errors
    /// It has ended.
    pub fn still_runs(&mut self) -> Staged<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(Fault::new(
                "a program ended",
                format!("{} ({status})\n{}", self.name, self.tail()),
            )),
        }
    }

    /// The end of its log, for a message.
    #[must_use]
    pub fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// SIGTERM; SIGKILL when that was not enough.
    ///
    /// # Errors
    /// The system would not tell how it ended.
    pub fn stop(&mut self) -> Staged<ExitStatus> {
        self.stop_by(Signal::TERM)
    }

    /// The same with another signal than SIGTERM.
    ///
    /// # Errors
    /// As [`Running::stop`].
    pub fn stop_by(&mut self, signal: Signal) -> Staged<ExitStatus> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(status);
        }
        self.signal(signal);
        match poll(GRACE, || self.child.try_wait())? {
            Some(status) => Ok(status),
            None => self.kill(),
        }
    }

    /// SIGKILL at once.
    ///
    /// # Errors
    /// The system would not tell how it ended.
    pub fn kill(&mut self) -> Staged<ExitStatus> {
        // An error here says that it has ended already.
        let _ended = self.child.kill();
        Ok(self.child.wait()?)
    }

    /// Ends its standard input and waits: for a program that ends with that.
    pub(super) fn let_go(&mut self) {
        drop(self.child.stdin.take());
        let _ended = self.child.wait();
    }

    /// Freezes it (SIGSTOP), every thread of it: it keeps its connections and answers nothing.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
        let tasks = PathBuf::from(format!("/proc/{}/task", self.id()));
        let _stands = until("a standstill", || {
            for task in std::fs::read_dir(&tasks)? {
                let stat = std::fs::read_to_string(task?.path().join("stat"))?;
                if !stat.rsplit(") ").next().is_some_and(|state| state.starts_with('T')) {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        });
    }

    /// Lets it go on (SIGCONT).
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        // The child is not reaped before `try_wait` or `wait`, so its id is still its own.
        let _ended = kill_process(Pid::from_child(&self.child), signal);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.stop();
    }
}

fn read(path: &Path) -> String {
    std::fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}
