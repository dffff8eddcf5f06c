//! What an app's own library makes of a password, or says of a hash: the scripts of `tests/formats`.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::stage::{Fault, Staged, root, venv};

/// Hashes of these passwords, by the script's own name for how.
pub(super) fn make(script: &str, how: &str, people: &[Value]) -> Staged<Vec<Value>> {
    let asked: Vec<Value> = people.iter().map(|person| json!([how, person["password"]])).collect();
    run(script, "make", &Value::from(asked))
}

/// Whether a password is the one behind a hash.
pub(super) fn check(script: &str, hash: &str, password: &str) -> Staged<bool> {
    let said = run(script, "check", &json!([[hash, password]]))?;
    said.first()
        .and_then(Value::as_bool)
        .ok_or_else(|| Fault::new("it says neither", script.to_owned()))
}

fn run(script: &str, what: &str, asked: &Value) -> Staged<Vec<Value>> {
    let mut command = Command::new(venv("python"));
    command
        .arg(root().join("tests/formats").join(script))
        .arg(what)
        .arg(root().join("target/openldap"));
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(asked.to_string().as_bytes())?;
    }
    let output = child.wait_with_output()?;
    serde_json::from_slice(&output.stdout).map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Fault::new("a library of the app's (is ./just setup done?)", said)
    })
}
