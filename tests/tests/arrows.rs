//! The layout's rules, held by tests: who may depend on whom, that a dialect is one file, one line and one folder, that
//! the sidecar knows no dialect by name, and how files open and how long they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use contract::dialect::DIALECTS;
use regex::Regex;
use rekey_tests::fixture::folder;
use rekey_tests::stage::root;
use serde_json::Value;

/// Direct dependencies, those of tests and builds aside. A new one is a decision: write it here with the reason in the
/// change that brings it.
const ALLOWED: [(&str, &[&str]); 5] = [
    // Both engines of argon2: the raw rates that confirms are measured against.
    (
        "bench",
        &[
            "argon2",
            "argon2-rust",
            "clap",
            "contract",
            // The plain proxy that `rekey edge` is measured against, and the bare host of the filter.
            "hyper",
            "hyper-util",
            "rusqlite",
            "rustix",
            "tempfile",
            "thiserror",
            "tokio",
            "wasmtime",
        ],
    ),
    ("contract", &["hmac", "sha2", "subtle", "thiserror", "zeroize"]),
    ("filter", &["contract", "dlmalloc"]),
    (
        "sidecar",
        &[
            "argon2",
            // `password.engine = "auto"` only.
            "argon2-rust",
            "base64ct",
            "bcrypt",
            "clap",
            "contract",
            "getrandom",
            "hkdf",
            "hmac",
            "http-body-util",
            // The clock of who answers a web hook, for `rekey doctor`.
            "httpdate",
            "hyper",
            "hyper-util",
            "idna",
            // The directory "ldap".
            "ldap3",
            "lettre",
            "md4",
            // The directory "sql".
            "mysql_async",
            "pbkdf2",
            "pinyin",
            "postgres",
            "ring",
            // PKCS#1 v1.5 with implicit rejection: ring and aws-lc decrypt with OAEP only.
            "rsa",
            "rusqlite",
            // Lowers the priority of hash threads, silences a terminal.
            "rustix",
            "rustls",
            "rustls-native-certs",
            "scrypt",
            // Answers of the directory "http": an account that holds too much is one that cannot be read.
            "serde",
            "serde_json",
            "sha-crypt",
            "sha2",
            // The curve's arithmetic; its own decryption compares C3 in variable time, so that is written here.
            "sm2",
            "sm3",
            "subtle",
            "thiserror",
            "tokio",
            // The directory "sql"; `postgres`, which is the store's, is it with threads.
            "tokio-postgres",
            "tokio-postgres-rustls",
            "tokio-rustls",
            "toml",
            "tracing",
            "tracing-subscriber",
            "unicode-normalization",
            // When our certificates end, and what names clients' have; rustls tells neither.
            "x509-cert",
            "zeroize",
            "zxcvbn",
        ],
    ),
    (
        "tests",
        &[
            "base64ct",
            "contract",
            "mail-parser",
            "ring",
            "rsa",
            "rustix",
            "serde_json",
            "sm2",
            "tempfile",
            "thiserror",
            "tokio",
            "wasmtime",
        ],
    ),
];

/// A package's dependencies: name and kind (`null`, `dev`, `build`).
type Dependencies = Vec<(String, Value)>;

fn packages() -> BTreeMap<String, Dependencies> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo metadata");
    let metadata: Value =
        serde_json::from_slice(&output.stdout).expect("cargo metadata speaks JSON");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages = metadata["packages"].as_array().expect("packages").iter();
    packages
        .map(|package| {
            let dependencies = package["dependencies"].as_array().into_iter().flatten();
            let pairs = dependencies.map(|one| (text(&one["name"]), one["kind"].clone()));
            (text(&package["name"]), pairs.collect())
        })
        .collect()
}

/// Every file below a folder of the checkout with this extension.
fn files(below: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(below).unwrap_or_else(|error| panic!("{}: {error}", below.display()))
    {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|known| known == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<PathBuf> {
    let rooms = packages().into_keys().map(|name| root().join(name));
    rooms.flat_map(|room| files(&room, "rs")).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_crate_depends_on_what_it_may() {
    let packages = packages();
    let known: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    assert_eq!(packages.keys().map(String::as_str).collect::<BTreeSet<_>>(), known);
    for (name, allowed) in ALLOWED {
        let normal = packages[name].iter().filter(|(_, kind)| kind.is_null());
        let others: Vec<&String> =
            normal.map(|(name, _)| name).filter(|name| !allowed.contains(&name.as_str())).collect();
        assert!(others.is_empty(), "{name} may not depend on {others:?}");
    }
}

#[test]
fn filter_and_sidecar_never_know_each_other_and_nobody_knows_the_tests() {
    for (name, dependencies) in packages() {
        let forbidden: &[&str] = match name.as_str() {
            "bench" => &["filter", "sidecar", "tests"],
            "contract" => &["bench", "filter", "sidecar", "tests"],
            "filter" => &["bench", "sidecar", "tests"],
            "sidecar" => &["bench", "filter", "tests"],
            _ => &["bench", "tests"],
        };
        for (dependency, kind) in dependencies {
            // The sidecar's own tests need a real PostgreSQL, which the stage starts.
            let is_stage = name == "sidecar" && dependency == "tests" && kind == "dev";
            let is_forbidden = forbidden.contains(&dependency.as_str()) && !is_stage;
            assert!(!is_forbidden, "{name} -> {dependency}");
        }
    }
}

/// What differs between dialects is data there: `contract::profile`.
#[test]
fn the_sidecar_knows_no_dialect_by_name() {
    let is_test = |path: &PathBuf| {
        path.components().any(|part| part.as_os_str() == "tests")
            || path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests"))
    };
    // An app whose tables a recipe knows may be called like its dialect; nothing else is in there.
    let recipes = root().join("sidecar/src/config/directory/sql");
    let is_judged = |path: &PathBuf| !is_test(path) && !path.starts_with(&recipes);
    for path in files(&root().join("sidecar/src"), "rs").into_iter().filter(is_judged) {
        let text = read(&path).to_lowercase();
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        for dialect in DIALECTS {
            // `native` is an English word as well: there the quotes tell.
            let name = if dialect.name() == "native" { "\"native\"" } else { dialect.name() };
            assert!(!code.contains(name), "{} names {name}", path.display());
        }
    }
}

#[test]
fn a_dialect_is_one_file_one_line_and_one_folder() {
    let names: Vec<&str> = DIALECTS.iter().map(|dialect| dialect.name()).collect();
    assert!(names.is_sorted(), "alphabetical lists: {names:?}");
    let modules = files(&root().join("contract/src/dialect"), "rs");
    let stems =
        modules.iter().filter_map(|path| path.file_stem()).map(|stem| stem.to_string_lossy());
    let written: BTreeSet<String> = stems.filter(|stem| stem != "mod").map(String::from).collect();
    let folders = fs::read_dir(folder().join("cases")).expect("fixtures/cases");
    let folders: BTreeSet<String> = folders
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    let names: BTreeSet<String> = names.into_iter().map(str::to_owned).collect();
    assert_eq!(written, names);
    assert_eq!(folders, names);
    let registry = read(&root().join("contract/src/dialect/mod.rs"));
    for name in names {
        assert_eq!(registry.matches(&format!("    &{name}::")).count(), 1, "{name} in DIALECTS");
    }
}

#[test]
fn every_file_says_what_it_is_and_is_short() {
    for path in sources() {
        let text = read(&path);
        assert!(text.starts_with("//!"), "{} does not open with its job", path.display());
        let lines = text.lines().count();
        assert!(lines <= 400, "{} has {lines} lines", path.display());
    }
}

/// RE2 in Envoy matches the whole path, so the expression is anchored here.
#[test]
fn the_gateway_sends_every_claimed_path_through_the_filter() {
    let yaml = read(&root().join("envoy/envoy.yaml"));
    let expressions: Vec<&str> = yaml
        .lines()
        .filter_map(|line| line.trim().strip_prefix("regex: '")?.strip_suffix('\''))
        .filter(|expression| expression.starts_with("(?i)"))
        .collect();
    assert!(!expressions.is_empty(), "no route of envoy.yaml has a regex for claimed paths");
    for expression in expressions {
        let regex = Regex::new(&format!("^(?:{expression})$")).expect("a regex");
        for route in DIALECTS.iter().flat_map(|dialect| dialect.routes()) {
            let path = route.path;
            for spelling in spellings(path) {
                assert!(regex.is_match(&spelling), "{spelling} goes past the filter");
            }
        }
        for free in
            ["/", "/api", "/api/password", "/v1/confirm", "/login", "/.well-known/jwks.json"]
        {
            assert!(!regex.is_match(free), "{free} goes through the filter");
        }
    }
}

fn spellings(path: &str) -> Vec<String> {
    let last = path.chars().last().unwrap_or('t');
    vec![
        path.to_owned(),
        path.to_uppercase(),
        format!("{path}/"),
        format!("{path}//"),
        format!("{path}."),
        format!("{path};x=1"),
        format!("{path}%20"),
        format!("{path}%2f"),
        format!("{path}%252f"),
        format!("{path}%00"),
        path.replace('/', "//"),
        path.replace('/', "/./"),
        path.replacen("/", "/;x/", 1),
        format!("{}%25{:02x}", path.trim_end_matches(last), u32::from(last)),
    ]
}
