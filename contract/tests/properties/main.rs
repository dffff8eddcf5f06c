//! What must hold of any bytes, tried on the corpus of `fuzz/` and on what proptest makes of it. The same functions run
//! under libFuzzer: `fuzz/README.md`.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a property speaks by panicking"
)]

mod canonical;
#[path = "../../src/json/tests/cases.rs"]
mod cases;
mod edge_request;
mod json;
mod path;

use std::fs;
use std::path::PathBuf;

use contract::json::Fault;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseResult;

/// What mutations put in: the scraps of every grammar that the edge reads.
const SCRAPS: &[&str] = &[
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "0",
    "-",
    ".",
    "e",
    "E5",
    "\\u0000",
    "\\ud83d",
    "\\u0041",
    "null",
    "true",
    " ",
    "\r\n",
    "\0",
    "\u{1}",
    "\"a\":1,",
    "\"A\":1,",
    ",\"email\":2",
    "\"state\":\"reset\",",
    "\u{17f}",
    "\u{212a}",
    "\u{131}",
    "\u{feff}",
    "\u{200b}",
    "[[",
    "]]",
    "/",
    "NaN",
    "99",
    "%2f",
    "%25",
    "%5c",
    "%2e%2e",
    "..",
    ";x",
    "?",
    "#",
    "&state=reset",
    "=",
    "\r\nContent-Type: text/plain",
    "\r\nOrigin: null",
    "\r\nX-Rekey-Operation: a",
    "@",
    "+",
    "\u{e9}",
    "\u{ff0e}",
];

/// One change of a seed.
#[derive(Clone, Debug)]
enum Change {
    Byte(Index, u8),
    Cut(Index),
    Double(Index, Index),
    Remove(Index),
    Scrap(Index, &'static str),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        1 => at().prop_map(Change::Cut),
        2 => (at(), at()).prop_map(|(from, to)| Change::Double(from, to)),
        2 => at().prop_map(Change::Remove),
        5 => (at(), prop::sample::select(SCRAPS)).prop_map(|(at, scrap)| Change::Scrap(at, scrap)),
    ]
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes.iter().filter(|_| !bytes.is_empty()).cloned().collect::<Vec<_>>() {
        let length = bytes.len().max(1);
        match change {
            _ if bytes.is_empty() => {}
            Change::Byte(at, byte) => bytes[at.index(length)] = byte,
            Change::Cut(at) => bytes.truncate(at.index(length)),
            Change::Double(from, to) => {
                let (from, to) = (from.index(length), to.index(length));
                let piece = bytes[from.min(to)..from.max(to)].to_vec();
                bytes.splice(from..from, piece);
            }
            Change::Remove(at) => drop(bytes.remove(at.index(length))),
            Change::Scrap(at, scrap) => {
                drop(bytes.splice(at.index(length)..at.index(length), scrap.bytes()))
            }
        }
    }
    bytes
}

/// The corpus of a fuzz target, in the order of its names.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// The corpus as it is, then changed, then bytes of no seed at all.
fn hold(target: &str, check: fn(&[u8]), cases: u32) {
    let seeds = seeds(target);
    assert!(seeds.len() > 20, "the corpus of {target} is lost");
    seeds.iter().for_each(|seed| check(seed));
    let mutated = (prop::sample::select(seeds), prop::collection::vec(change(), 1..6))
        .prop_map(|(seed, changes)| changed(seed, &changes));
    let any_bytes = prop_oneof![9 => mutated, 1 => prop::collection::vec(any::<u8>(), 0..64)];
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) };
    let judge = |bytes: Vec<u8>| -> TestCaseResult {
        check(&bytes);
        Ok(())
    };
    let result = proptest::test_runner::TestRunner::new(config).run(&any_bytes, judge);
    result.unwrap_or_else(|fault| panic!("{target}: {fault}"));
}

#[test]
fn canonical_bytes_are_read_as_they_were_written() {
    hold("canonical", canonical::check, 4000);
}

#[test]
fn the_edge_and_the_sidecar_have_one_verdict() {
    hold("edge_request", edge_request::check, 4000);
}

#[test]
fn the_parser_and_serde_json_have_one_verdict() {
    let refused = cases::REFUSED.iter().flat_map(|(_, texts)| texts.iter());
    cases::ACCEPTED.iter().chain(refused).for_each(|text| json::check(text.as_bytes()));
    hold("json", json::check, 8000);
}

#[test]
fn what_a_router_reads_as_claimed_is_not_free() {
    hold("path", path::check, 4000);
}
