//! `--watch`: what changes of an account while it is looked at, without its values.

use std::process::Command;

use rekey_tests::house::{ANN, Crew, On};
use rekey_tests::stage::{Running, target, until};
use rustix::process::Signal;

use super::crew;

/// A `rekey doctor --watch` that runs.
pub(super) struct Watching {
    running: Running,
    /// How many of its lines were read.
    read: usize,
}

/// Watches Ann, and waits until it does.
pub(super) fn watch(crew: &Crew) -> Watching {
    let mut command = Command::new(target().join("debug/rekey"));
    command.args(["doctor", ANN, "--watch", "--config"]).arg(crew.sidecar.config());
    command.current_dir(crew.dir.path());
    let running = Running::start("watch", crew.dir.path(), &mut command).unwrap();
    let mut watching = Watching { running, read: 0 };
    let first = watching.line();
    assert!(first.contains("log in to the app now") && !first.contains(ANN), "{first}");
    watching
}

impl Watching {
    pub(super) fn line(&mut self) -> String {
        let whole = until("a line of the watch", || {
            self.running.still_runs()?;
            let out = self.running.out();
            Ok(out
                .split_inclusive('\n')
                .nth(self.read)
                .filter(|line| line.ends_with('\n'))
                .map(str::to_owned))
        });
        self.read += 1;
        whole.unwrap()
    }

    /// As Ctrl-C does; what it says then.
    pub(super) fn end(mut self) -> String {
        let status = self.running.stop_by(Signal::INT).unwrap();
        let out = self.running.out();
        assert!(status.success(), "{status}\n{out}");
        out.lines().skip(self.read).collect::<Vec<&str>>().join("\n")
    }
}

#[test]
fn what_changes_without_the_password_is_told() {
    let (crew, _relay) = crew(On::Sqlite);
    let mut watching = watch(&crew);
    let set = crew.sidecar.rekey(&["account", "set", "a1", "--status", "disabled"], "").unwrap();
    assert!(set.status.success(), "{}", set.err);
    let seen = watching.line();
    assert!(
        seen.contains("active changed; the password did not; links sent before are dead"),
        "{seen}"
    );
    let rest = watching.end();
    assert!(rest.contains("active changes without a password change"), "{rest}");
}
