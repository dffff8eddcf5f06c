//! Strict JSON (RFC 8259): what a request may hold, and how we write it back.
//! Invariant: two readers of an accepted text cannot disagree about it: no duplicate member, no NUL,
//! no lone surrogate, no trailing data; and depth, members and number length are bounded.

mod fold;
mod folding;
mod parse;
#[cfg(test)]
mod tests;
mod write;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

pub use fold::fold;
pub use parse::parse;
pub use write::{Writer, array, quote};

/// Arrays and objects inside each other; one more is [`Fault::Depth`].
pub const MAX_DEPTH: usize = 8;
/// Members or items of one container; one more is [`Fault::Size`].
pub const MAX_MEMBERS: usize = 64;
/// Bytes of one number as written; one more is [`Fault::Number`].
pub const MAX_NUMBER: usize = 64;

/// How member names are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    Exact,
    /// Names that [`fold`] alike are the same name, and twice the same name is a duplicate.
    Folded,
}

/// One JSON value. Strings are wiped when dropped; `Debug` shows the kind only, because any value
/// may be a password.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    Null,
    Bool(bool),
    /// As written, so that nothing is rounded.
    Number(String),
    String(Zeroizing<String>),
    Array(Vec<Value>),
    Object(Object),
}

/// The members of an object in the order of the text, each name once.
#[derive(Clone, PartialEq, Eq)]
pub struct Object {
    names: Names,
    members: Vec<(String, Value)>,
}

/// Why a text is not JSON to us. Carries nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("byte order mark")]
    Bom,
    #[error("raw control character in a string")]
    Control,
    #[error("nested too deep")]
    Depth,
    #[error("duplicate member")]
    Duplicate,
    #[error("empty text")]
    Empty,
    #[error("unknown escape")]
    Escape,
    #[error("NUL character")]
    Nul,
    #[error("malformed or overlong number")]
    Number,
    #[error("too many members")]
    Size,
    #[error("lone surrogate")]
    Surrogate,
    #[error("not JSON")]
    Syntax,
    #[error("data after the value")]
    Trailing,
    #[error("not UTF-8")]
    Utf8,
}

impl Value {
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The string itself; whoever takes it has to wipe it.
    #[must_use]
    pub fn into_string(self) -> Option<String> {
        match self {
            Self::String(mut text) => Some(core::mem::take(&mut *text)),
            _ => None,
        }
    }

    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// A number written without sign, fraction and exponent that fits.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    #[must_use]
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    #[must_use]
    pub fn into_object(self) -> Option<Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The kind as a word for messages: `null`, `boolean`, `number`, `string`, `array`, `object`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }
}

impl Object {
    fn new(names: Names) -> Self {
        Self { names, members: Vec::new() }
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.iter().find(|(known, _)| same(self.names, known, name)).map(|(_, value)| value)
    }

    /// Takes the member out, so that what is left are the members nobody asked for.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        let names = self.names;
        let mut taken = None;
        // `Vec::remove` could panic, as far as the compiler sees.
        self.members.retain_mut(|(known, value)| {
            let is_it = same(names, known, name);
            if is_it {
                taken = Some(core::mem::replace(value, Value::Null));
            }
            !is_it
        });
        taken
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.members.iter().map(|(name, value)| (name.as_str(), value))
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn push(&mut self, name: String, value: Value) {
        self.members.push((name, value));
    }
}

fn same(names: Names, left: &str, right: &str) -> bool {
    match names {
        Names::Exact => left == right,
        Names::Folded => fold(left).eq(fold(right)),
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("object")
    }
}
