//! The map from attacks and invariants to tests. Invariant: no row of `README.md` names a test that is not there, and no
//! attack or invariant is without a row or a test.

use std::collections::HashSet;
use std::path::Path;

use rekey_tests::stage::root;

/// Attacks of the list, and invariants of the design.
const ATTACKS: u32 = 54;
const INVARIANTS: u32 = 11;

/// The text of every Rust file below.
fn sources(below: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

fn all() -> Vec<String> {
    let mut found = Vec::new();
    for room in ["contract", "filter/src", "sidecar/src", "tests/src", "tests/tests"] {
        sources(&root().join(room), &mut found);
    }
    found
}

#[test]
fn every_attack_has_a_row_and_every_named_test_exists() {
    let readme = std::fs::read_to_string(root().join("tests/README.md")).unwrap();
    let numbers: Vec<u32> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok())
        .collect();
    assert_eq!(numbers, (1..=ATTACKS).collect::<Vec<_>>());
    let sources = all();
    let functions: HashSet<&str> = sources
        .iter()
        .flat_map(|text| text.split("fn ").skip(1))
        .filter_map(|rest| rest.split('(').next())
        .collect();
    let rows =
        readme.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| attack"));
    for (row, name) in
        rows.flat_map(|row| row.split('`').skip(1).step_by(2).map(move |name| (row, name)))
    {
        let is_path = name.contains(['.', '/', '-']);
        assert!(is_path || functions.contains(name), "no test is called {name}: {row}");
    }
}

#[test]
fn every_invariant_is_named_by_a_test() {
    let sources = all();
    for number in 1..=INVARIANTS {
        let named = |text: &String| {
            text.match_indices("nvariant").chain(text.match_indices("nvariants")).any(
                |(at, word)| {
                    let rest =
                        text[at + word.len()..].split(['\n', ':']).next().unwrap_or_default();
                    rest.split(|c: char| !c.is_ascii_digit())
                        .any(|digits| digits == number.to_string())
                },
            )
        };
        assert!(sources.iter().any(named), "invariant {number} is named nowhere");
    }
}

/// Invariant 11: hostcalls are made in one file.
#[test]
fn only_the_host_module_talks_to_the_host() {
    let mut found = Vec::new();
    sources(&root().join("filter/src"), &mut found);
    let callers: Vec<&String> =
        found.iter().filter(|text| text.contains("extern \"C\" {")).collect();
    for text in &callers {
        assert!(text.contains("//!") && text.to_lowercase().contains("host"), "{text}");
    }
    assert!(callers.len() <= 1, "{} files call the host", callers.len());
}
