//! The description, held to what is said: every call is signed and formed as it says, and so is what the receiver answers.

use std::io::Write;
use std::process::{Command, Stdio};

use rekey_tests::stage::{HOOK_KEY, root, venv};
use serde_json::Value;
use sidecar::directory::Written;

use crate::rig::{ANN, OLD, Rig, email, write};

/// What was held: operations with the status of their answers.
pub(crate) fn hold(said: &[Value]) -> Result<String, String> {
    let mut child = Command::new(venv("python"))
        .arg(root().join("tests/receiver/hold.py"))
        .arg(HOOK_KEY)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: String = said.iter().map(|one| format!("{one}\n")).collect();
    // It ends at the first fault, and reads no more.
    let _closed = child.stdin.take().unwrap().write_all(lines.as_bytes());
    let output = child.wait_with_output().unwrap();
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).unwrap()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

#[tokio::test]
async fn the_directory_speaks_as_described() {
    let rig = Rig::new();
    rig.add("u1", ANN, OLD);
    rig.directory.find(&[email(ANN), email("nobody@example.com")]).await.unwrap();
    let account = rig.get("u1").await;
    assert!(rig.directory.get("nobody").await.unwrap().is_none());
    assert_eq!(write(&rig.directory, &account, "new one").await, Ok(Written::Done));
    assert_eq!(write(&rig.directory, &account, "another").await, Ok(Written::Changed));
    let mut said = rig.said.lock().unwrap().clone();
    assert_eq!(hold(&said).unwrap(), "find 200\nget 200\nwrite 200\nwrite 409\n");
    for (at, path, value) in [
        ("request", "/addresses", Value::Null),
        ("response", "/accounts/0/etag", Value::from(7)),
        ("headers", "/webhook-timestamp", Value::from("1614265330")),
    ] {
        let mut broken = said[0].clone();
        *broken[at].pointer_mut(path).unwrap() = value;
        assert!(hold(&[broken]).is_err(), "{at} {path} is not held");
    }
    said[0]["raw"] = Value::from("{}");
    assert!(hold(&said).unwrap_err().contains("No matching signature"));
}
