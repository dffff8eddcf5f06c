//! `./just new-dialect`: what it makes compiles without a warning, in a copy of the core.

use std::fs;
use std::path::Path;
use std::process::Command;

use rekey_tests::new_dialect::make;
use rekey_tests::stage::{root, target};

/// The workspace with the core as its only member.
fn copy_core(to: &Path) {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let lines = manifest.lines().map(|line| {
        if line.starts_with("members = ") || line.starts_with("default-members = ") {
            let (key, _) = line.split_once('=').unwrap();
            return format!("{key}= [\"contract\"]\n");
        }
        format!("{line}\n")
    });
    fs::write(to.join("Cargo.toml"), lines.collect::<String>()).unwrap();
    fs::copy(root().join("Cargo.lock"), to.join("Cargo.lock")).unwrap();
    copy_folder(&root().join("contract"), &to.join("contract"));
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (source, place) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_folder(&source, &place);
        } else {
            fs::copy(source, place).unwrap();
        }
    }
}

#[test]
fn a_new_dialect_compiles_without_a_warning() {
    let copy = tempfile::tempdir().unwrap();
    copy_core(copy.path());
    make(copy.path(), "zz0").unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--quiet", "-p", "contract"])
        .current_dir(copy.path())
        .env("CARGO_TARGET_DIR", target().join("new-dialect"))
        .env("RUSTFLAGS", "-D warnings")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
