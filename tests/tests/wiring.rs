//! The gateways of `envoy/` repeat what `minimal.yaml` marks as shared, word for word, and all regular expressions of claimed
//! paths come from the dialects. Without REKEY_BLESS a difference fails; with it the files are written anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use contract::edge::route_regex;
use rekey_tests::stage::root;

const SOURCE: &str = "minimal.yaml";
const OPEN: &str = "# shared: ";
const CLOSE: &str = "# /shared";
const REGEX: &str = "regex: '(?i)";

/// Lines without the indentation of their marker.
type Block = Vec<String>;

fn files(below: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The regex of claimed paths, in the lines that have one.
fn with_regex(text: &str) -> String {
    let regex = route_regex();
    let line = |line: &str| match line.find(REGEX) {
        Some(at) => format!("{}regex: '{regex}'\n", &line[..at]),
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

fn blocks(text: &str) -> BTreeMap<String, Block> {
    let mut found: BTreeMap<String, Block> = BTreeMap::new();
    let mut open: Option<(String, usize)> = None;
    for line in text.lines() {
        match (&open, line.trim().strip_prefix(OPEN)) {
            (None, Some(name)) => open = Some((name.to_owned(), indentation(line))),
            (Some(_), _) if line.trim() == CLOSE => open = None,
            (Some((name, depth)), _) => {
                let line = line.get(*depth..).unwrap_or_default().to_owned();
                found.entry(name.clone()).or_default().push(line);
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{SOURCE}: a block without an end");
    found
}

/// One name of a second filter in the same file: its anchors and its app are its own.
fn renamed(line: &str, filter: &str) -> String {
    let mut line = line.replace("{ rekey: {", &format!("{{ {filter}: {{"));
    line = line.replace("cluster: app,", &format!("cluster: {filter}_app,"));
    for anchor in ["claimed", "reset", "retry"] {
        for sigil in ['&', '*'] {
            line = line.replace(&format!("{sigil}{anchor}"), &format!("{sigil}{filter}_{anchor}"));
        }
    }
    line.replace("- name: rekey_", &format!("- name: {filter}_"))
}

fn filled(name: &str, text: &str, blocks: &BTreeMap<String, Block>) -> String {
    let mut out = String::new();
    let mut inside = false;
    for line in text.lines() {
        inside &= line.trim() != CLOSE;
        if !inside {
            out.push_str(line);
            out.push('\n');
        }
        let Some(wanted) = line.trim().strip_prefix(OPEN) else { continue };
        let (block, filter) = wanted.split_once(" for ").unwrap_or((wanted, "rekey"));
        let block = blocks.get(block).unwrap_or_else(|| panic!("{name}: no block {block}"));
        for line in block {
            let line = if filter == "rekey" { line.clone() } else { renamed(line, filter) };
            let depth = if line.is_empty() { 0 } else { indentation_of(text, wanted) };
            out.push_str(&format!("{}{line}\n", " ".repeat(depth)));
        }
        inside = true;
    }
    out
}

fn indentation_of(text: &str, wanted: &str) -> usize {
    let marker = format!("{OPEN}{wanted}");
    text.lines().find(|line| line.trim() == marker).map(indentation).unwrap_or_default()
}

/// Holds a file against what it should be, or writes it.
fn settle(path: &Path, is: &str, should: &str) {
    if std::env::var_os("REKEY_BLESS").is_some() {
        fs::write(path, should).unwrap();
        return;
    }
    let differs = is.lines().zip(should.lines()).find(|(is, should)| is != should);
    let name = path.display();
    assert!(
        is == should,
        "{name} is not what {SOURCE} and the code say: ./just bless\n{differs:#?}"
    );
}

#[test]
fn gateways_share_their_wiring() {
    let folder = root().join("envoy");
    let source = with_regex(&fs::read_to_string(folder.join(SOURCE)).unwrap());
    let blocks = blocks(&source);
    for path in files(&folder) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is = fs::read_to_string(&path).unwrap();
        let should = match name.as_str() {
            SOURCE => source.clone(),
            _ => filled(&name, &with_regex(&is), &blocks),
        };
        settle(&path, &is, &should);
        assert!(should.starts_with("# "), "{name} does not say what it shows");
    }
}
