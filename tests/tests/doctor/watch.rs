//! `--watch`: what changes of an account while it is looked at, without its values.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use rekey_tests::house::{ANN, Crew, On};
use rekey_tests::stage::target;
use rustix::process::{Pid, Signal, kill_process};

use super::crew;

/// A `rekey doctor --watch` that runs.
pub(super) struct Watching {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// Watches Ann, and waits until it does.
pub(super) fn watch(crew: &Crew) -> Watching {
    let mut command = Command::new(target().join("debug/rekey"));
    command.args(["doctor", ANN, "--watch", "--config"]).arg(crew.sidecar.config());
    let mut child = command.current_dir(crew.dir.path()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut watching = Watching { child, lines };
    let first = watching.line();
    assert!(first.contains("log in to the app now") && !first.contains(ANN), "{first}");
    watching
}

impl Watching {
    pub(super) fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    /// As Ctrl-C does; what it says then.
    pub(super) fn end(mut self) -> String {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        let rest: Vec<String> = self.lines.by_ref().map(Result::unwrap).collect();
        assert!(self.child.wait().unwrap().success(), "{rest:#?}");
        rest.join("\n")
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
