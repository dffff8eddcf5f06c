//! `serde_json` under a strict visitor as the second opinion: one verdict, one meaning, and what is accepted is written
//! back to the same meaning.

use std::fmt;

use contract::json::{
    Fault, MAX_DEPTH, MAX_MEMBERS, MAX_NUMBER, Names, Value, array, fold, parse, quote,
};
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

/// Judges any bytes under both ways of comparing names.
pub(crate) fn check(body: &[u8]) {
    for names in [Names::Exact, Names::Folded] {
        agree(body, names);
        if let Ok(value) = parse(body, names) {
            let text = written(&value);
            let bare = text.len() <= body.len().saturating_mul(6);
            assert!(bare && parse(text.as_bytes(), names) == Ok(value), "{text}");
        }
    }
}

/// A value as our writer writes it.
fn written(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(text) => text.clone(),
        Value::String(text) => quote(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(written).collect();
            array(items.iter().map(String::as_str))
        }
        Value::Object(object) => {
            let member =
                |(name, value): (&str, &Value)| format!("{}:{}", quote(name), written(value));
            format!("{{{}}}", object.iter().map(member).collect::<Vec<_>>().join(","))
        }
    }
}

/// Asserts one verdict and one meaning, apart from what we document: no NUL, and numbers by length
/// instead of by range.
fn agree(body: &[u8], names: Names) {
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
