//! `rekey-stage new-dialect NAME`: one file, one `mod`, one line in the registry, one folder of fixtures. What it makes
//! compiles and works; whoever called it puts the vendor's words in. It writes nothing unless it can write everything.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::http::Call;
use crate::stage::{Fault, Staged, root};

const TEMPLATE: &str = include_str!("dialect.rs.template");
/// The fixtures: folder, path and body of each.
const CASES: [(&str, &str, &str); 2] = [
    ("initiate", "forgot", r#"{"email":"ann@example.org"}"#),
    ("confirm", "reset", r#"{"email":"ann@example.org","code":"123456","password":"P@ssw0rd1"}"#),
];
/// Words that cannot name a module, or would be mistaken for something else.
const TAKEN: &[&str] = &[
    "as", "async", "await", "break", "const", "continue", "crate", "dialect", "dyn", "else",
    "enum", "extern", "false", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "match",
    "mod", "move", "mut", "pub", "ref", "return", "self", "static", "struct", "super", "trait",
    "true", "try", "type", "unsafe", "use", "where", "while", "yield",
];

/// Makes the dialect in this checkout and says what comes next.
#[must_use]
pub fn new_dialect(name: &str) -> ExitCode {
    match make(&root(), name) {
        Ok(made) => {
            println!("{}", next(name, &made));
            ExitCode::SUCCESS
        }
        Err(fault) => crate::refused(&fault),
    }
}

/// Writes the dialect into this checkout; gives what was written.
///
/// # Errors
/// The name is bad or taken, or the registry is not as we know it.
pub fn make(checkout: &Path, name: &str) -> Staged<Vec<PathBuf>> {
    check_name(name)?;
    let rooms = checkout.join("contract/src/dialect");
    let (file, registry) = (rooms.join(format!("{name}.rs")), rooms.join("mod.rs"));
    let fixtures = checkout.join("tests/fixtures/cases").join(name);
    let text = fs::read_to_string(&registry)?;
    let listed = registered(&text, name)?;
    if file.exists() || fixtures.exists() {
        return Err(taken(name));
    }
    let mut made = vec![file.clone(), registry.clone()];
    for (case, path, body) in CASES {
        let request = fixtures.join(case).join("request.http");
        // `bless` fills the folder with every answer that can come back.
        fs::create_dir_all(fixtures.join(case).join("answers"))?;
        fs::write(&request, raw(name, path, body))?;
        made.push(request);
    }
    fs::write(&file, TEMPLATE.replace("{name}", name).replace("{Name}", &type_name(name)))?;
    fs::write(&registry, listed)?;
    Ok(made)
}

fn check_name(name: &str) -> Staged<()> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let good = (2..=20).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(plain)
        && !TAKEN.contains(&name);
    if good {
        return Ok(());
    }
    let rule = "2 to 20 of a-z and 0-9, a letter first, no keyword of Rust";
    Err(Fault::new("a dialect cannot be called so", format!("`{name}`: {rule}")))
}

fn taken(name: &str) -> Fault {
    Fault::new("this dialect exists already", format!("`{name}`: choose another name"))
}

/// The registry with the new dialect in both of its lists, at its place in the alphabet.
fn registered(registry: &str, name: &str) -> Staged<String> {
    let module = format!("mod {name};");
    if registry.lines().any(|line| line == module) {
        return Err(taken(name));
    }
    let entry = format!("    &{name}::{},", type_name(name));
    let text = inserted(registry, &module, |line| line.starts_with("mod ") && line.ends_with(';'))?;
    inserted(&text, &entry, |line| line.starts_with("    &") && line.contains("::"))
}

/// The text with a line more among its first run of lines of that kind, which are sorted.
fn inserted(text: &str, new: &str, kind: impl Fn(&str) -> bool) -> Staged<String> {
    let lines: Vec<&str> = text.lines().collect();
    let lost = || Fault::new("the registry", "contract/src/dialect/mod.rs has another shape");
    let start = lines.iter().position(|line| kind(line)).ok_or_else(lost)?;
    let run = lines.iter().skip(start).take_while(|line| kind(line));
    let before = run.take_while(|line| **line < new).count();
    let (head, tail) = lines.split_at(start + before);
    Ok(format!("{}\n", [head, &[new], tail].concat().join("\n")))
}

fn type_name(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!("{}{rest}", first.to_ascii_uppercase())
}

fn raw(name: &str, path: &str, body: &str) -> Vec<u8> {
    Call::post_json(&format!("/api/{name}/{path}"), body).to_bytes("id.example.org")
}

fn next(name: &str, made: &[PathBuf]) -> String {
    let list: Vec<String> = made
        .iter()
        .map(|path| format!("  {}", path.strip_prefix(root()).unwrap_or(path).display()))
        .collect();
    format!(
        "made the dialect `{name}`:\n{}\n\nnext:\n  \
         1. contract/src/dialect/{name}.rs: put the vendor's paths, members, texts and lives in\n  \
         2. tests/fixtures/cases/{name}/: one folder with a request.http for everything the vendor documents\n  \
         3. ./just bless    writes the verdicts, the tables and the gateway's regex; read the diff\n  \
         4. envoy/envoy.yaml: \"{name}\": {{}} under \"dialects\" switches it on\n  \
         5. ./just test",
        list.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy_of_registry() -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        let rooms = copy.path().join("contract/src/dialect");
        fs::create_dir_all(&rooms).unwrap();
        fs::copy(root().join("contract/src/dialect/mod.rs"), rooms.join("mod.rs")).unwrap();
        copy
    }

    /// The lines of the registry's two lists, each as a list.
    fn lists(checkout: &Path) -> [Vec<String>; 2] {
        let text = fs::read_to_string(checkout.join("contract/src/dialect/mod.rs")).unwrap();
        ["mod ", "    &"].map(|start| {
            let lines = text.lines().skip_while(|line| !line.starts_with(start));
            lines.take_while(|line| line.starts_with(start)).map(str::to_owned).collect()
        })
    }

    #[test]
    fn a_dialect_is_one_file_two_lines_and_one_folder() {
        let copy = copy_of_registry();
        // First, somewhere between, and last.
        for name in ["aa0", "mm0", "zz0"] {
            let before = lists(copy.path());
            let made = make(copy.path(), name).unwrap();
            assert!(made.iter().all(|path| path.exists()));
            let entry = format!("    &{name}::{},", type_name(name));
            let after = lists(copy.path());
            for ((before, after), new) in
                before.iter().zip(&after).zip([format!("mod {name};"), entry])
            {
                assert!(after.is_sorted() && after.contains(&new), "{after:?}");
                assert_eq!(after.len(), before.len() + 1);
            }
            assert!(make(copy.path(), name).is_err());
        }
    }

    #[test]
    fn bad_and_existing_names_write_nothing() {
        let copy = copy_of_registry();
        for name in
            ["", "x", "Acme", "2fa", "a-b", "a_b", "self", "../x", "mod", "native", "ümlaut"]
        {
            assert!(make(copy.path(), name).is_err(), "{name}");
        }
        assert!(!copy.path().join("tests").exists());
        let rooms = copy.path().join("contract/src/dialect");
        assert_eq!(fs::read_dir(rooms).unwrap().count(), 1);
    }
}
