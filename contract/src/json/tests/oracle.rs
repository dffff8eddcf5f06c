//! `serde_json` under a strict visitor as the second opinion, on the tables and on mutated bodies.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

use super::cases::{ACCEPTED, REFUSED};
use super::{Fault, MAX_DEPTH, MAX_MEMBERS, MAX_NUMBER, Names, Value, fold, parse};

#[test]
fn agrees_with_serde_json_on_mutated_bodies() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut accepted = 0;
    for round in 0..20_000 {
        let mut body = SEEDS[round % SEEDS.len()].as_bytes().to_vec();
        for _ in 0..next(&mut random) % 3 {
            mutate(&mut body, &mut random);
        }
        for names in [Names::Exact, Names::Folded] {
            accepted += usize::from(agree(&body, names));
        }
    }
    assert!(accepted > 5_000, "the mutations leave too little: {accepted}");
}

#[test]
fn agrees_with_serde_json_on_the_tables() {
    let refused = REFUSED.iter().flat_map(|(_, texts)| texts.iter());
    for text in ACCEPTED.iter().chain(refused) {
        agree(text.as_bytes(), Names::Exact);
        agree(text.as_bytes(), Names::Folded);
    }
}

const SEEDS: &[&str] = &[
    r#"{"email":"ann@example.org","state":"reset","n":[1,-2.5e3,true,false,null]}"#,
    r#"{"token":"\u0061\ud83d\ude00\n","pass\\word":"pa\"ss","a":{"b":{"c":[[],{}]}}}"#,
    r#"{"A":1,"B":"é😀","C":[[[[[[0]]]]]]}"#,
    r#" [ "x" , { "Email" : 1 , "state" : "" } , 0.125 ] "#,
    r#"{"verifyMethod":"EMAIL_PASSCODE","emailPassCodePayload":{"email":"a@b.cn","passCode":"123456"}}"#,
];

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
    "\n",
    "\0",
    "\u{1}",
    "\"a\":1,",
    "\"A\":1,",
    ",\"email\":2",
    "\"EMAIL\":2,",
    "\u{17f}",
    "\u{feff}",
    "[[",
    "]]",
    "/",
    "NaN",
    "99",
];

/// Mutates like a fuzzer without coverage: bytes, scraps of grammar, repetition, truncation.
fn mutate(body: &mut Vec<u8>, random: &mut u64) {
    let at = next(random) % (body.len() + 1);
    match next(random) % 6 {
        0 if at < body.len() => body[at] = u8::try_from(next(random) % 256).unwrap(),
        1 if at < body.len() => drop(body.remove(at)),
        2 if next(random).is_multiple_of(4) => body.truncate(at),
        3 => {
            let end = (at + next(random) % 20).min(body.len());
            let piece = body[at..end].to_vec();
            body.splice(at..at, piece);
        }
        _ => drop(body.splice(at..at, SCRAPS[next(random) % SCRAPS.len()].bytes())),
    }
}

fn next(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state >> 33).unwrap()
}

/// Asserts one verdict and one meaning, apart from what we document: no NUL, and numbers by length
/// instead of by range.
fn agree(body: &[u8], names: Names) -> bool {
    let ours = parse(body, names);
    let mut reader = serde_json::Deserializer::from_slice(body);
    let theirs = Strict { depth: 0, names }
        .deserialize(&mut reader)
        .and_then(|tree| reader.end().map(|()| tree));
    match (&ours, &theirs) {
        (Ok(value), Ok(tree)) => assert!(same(value, tree), "{}", String::from_utf8_lossy(body)),
        (Ok(_), Err(error)) => assert!(
            error.to_string().contains("number out of range"),
            "{error}: {}",
            String::from_utf8_lossy(body)
        ),
        (Err(fault), Ok(_)) => {
            let long = body
                .split(|byte| !b"0123456789+-.eE".contains(byte))
                .any(|run| run.len() > MAX_NUMBER);
            assert!(*fault == Fault::Number && long, "{fault}: {}", String::from_utf8_lossy(body));
        }
        (Err(_), Err(_)) => {}
    }
    ours.is_ok()
}

enum Tree {
    Null,
    Bool(bool),
    Number(f64),
    String(String),
    Array(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

fn same(value: &Value, tree: &Tree) -> bool {
    match (value, tree) {
        (Value::Null, Tree::Null) => true,
        (Value::Bool(left), Tree::Bool(right)) => left == right,
        (Value::Number(left), Tree::Number(right)) => {
            let left: f64 = left.parse().unwrap();
            (left - right).abs() <= left.abs() * 1e-15
        }
        (Value::String(left), Tree::String(right)) => **left == *right,
        (Value::Array(left), Tree::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| same(l, r))
        }
        (Value::Object(left), Tree::Object(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|((l, left), (r, right))| l == r && same(left, right))
        }
        _ => false,
    }
}

struct Strict {
    depth: usize,
    names: Names,
}

impl Strict {
    fn deeper<E: Error>(&self) -> Result<Self, E> {
        if self.depth < MAX_DEPTH {
            Ok(Self { depth: self.depth + 1, names: self.names })
        } else {
            Err(E::custom("depth"))
        }
    }

    fn alike(&self, left: &str, right: &str) -> bool {
        left == right || (self.names == Names::Folded && fold(left).eq(fold(right)))
    }
}

fn checked<E: Error>(text: &str) -> Result<String, E> {
    if text.contains('\0') { Err(E::custom("NUL")) } else { Ok(text.to_string()) }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Tree;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value as f64))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value as f64))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Number(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Tree, E> {
        checked(text).map(Tree::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self.deeper()?)? {
            items.push(item);
        }
        self.deeper()?;
        if items.len() > MAX_MEMBERS {
            Err(A::Error::custom("size"))
        } else {
            Ok(Tree::Array(items))
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let inner = self.deeper()?;
        let mut members: Vec<(String, Tree)> = Vec::new();
        while let Some(name) = access.next_key::<String>()? {
            let name = checked(&name)?;
            if members.len() == MAX_MEMBERS
                || members.iter().any(|(known, _)| self.alike(known, &name))
            {
                return Err(A::Error::custom("size or duplicate"));
            }
            members.push((name, access.next_value_seed(Self { ..inner })?));
        }
        Ok(Tree::Object(members))
    }
}
