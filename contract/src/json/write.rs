//! The writer: compact JSON, members in the order of the calls, characters beyond ASCII as they are.
//! Invariant: whatever the strings hold, the result is one well-formed object, provided that what
//! [`Writer::raw`] is given is JSON. A buffer that was outgrown is wiped.
//! A NUL is written as `\u0000`, which our own parser refuses; no value that it read holds one.

use alloc::string::{String, ToString};
use core::fmt;

use zeroize::Zeroizing;

/// Writes one object.
pub struct Writer {
    text: Zeroizing<String>,
}

impl Writer {
    #[must_use]
    pub fn object() -> Self {
        let mut writer = Self { text: Zeroizing::new(String::new()) };
        writer.push("{");
        writer
    }

    #[must_use]
    pub fn string(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        self.push_quoted(value);
        self
    }

    #[must_use]
    pub fn number(self, name: &str, value: u64) -> Self {
        self.raw(name, &value.to_string())
    }

    #[must_use]
    pub fn signed(self, name: &str, value: i64) -> Self {
        self.raw(name, &value.to_string())
    }

    #[must_use]
    pub fn bool(self, name: &str, value: bool) -> Self {
        self.raw(name, if value { "true" } else { "false" })
    }

    #[must_use]
    pub fn null(self, name: &str) -> Self {
        self.raw(name, "null")
    }

    /// `json` must be JSON already.
    #[must_use]
    pub fn raw(mut self, name: &str, json: &str) -> Self {
        self.name(name);
        self.push(json);
        self
    }

    #[must_use]
    pub fn finish(mut self) -> String {
        self.push("}");
        core::mem::take(&mut *self.text)
    }

    fn name(&mut self, name: &str) {
        if self.text.len() > 1 {
            self.push(",");
        }
        self.push_quoted(name);
        self.push(":");
    }

    fn push(&mut self, text: &str) {
        self.make_room(text.len());
        self.text.push_str(text);
    }

    fn push_quoted(&mut self, text: &str) {
        self.make_room(quoted_length(text));
        push_quoted(&mut self.text, text);
    }

    fn make_room(&mut self, more: usize) {
        let needed = self.text.len().saturating_add(more);
        if needed > self.text.capacity() {
            let mut grown = String::with_capacity(needed.saturating_mul(2).max(256));
            grown.push_str(&self.text);
            self.text = Zeroizing::new(grown);
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

/// An array of `items`, which must be JSON already.
pub fn array<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::from("[");
    for item in items {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(item);
    }
    text.push(']');
    text
}

/// `text` as a JSON string.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(quoted_length(text));
    push_quoted(&mut quoted, text);
    quoted
}

/// An upper bound: no escape is longer than `\u001f`.
fn quoted_length(text: &str) -> usize {
    let escapes = text.bytes().filter(|byte| is_escaped(*byte)).count();
    text.len() + 5 * escapes + 2
}

fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    // Most texts need no escape at all.
    while let Some(at) = rest.bytes().position(is_escaped) {
        let (plain, escaped) = rest.split_at_checked(at).unwrap_or_default();
        out.push_str(plain);
        let mut chars = escaped.chars();
        chars.next().into_iter().for_each(|c| push_escaped(out, c));
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

fn is_escaped(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..=0x1f)
}

fn push_escaped(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\0'..='\x1f' => {
            out.push_str("\\u00");
            out.extend(
                [u32::from(c) >> 4, u32::from(c) & 0xf]
                    .into_iter()
                    .filter_map(|digit| char::from_digit(digit, 16)),
            );
        }
        _ => out.push(c),
    }
}
