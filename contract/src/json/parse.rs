//! The parser: bytes to [`Value`] or [`Fault`], in one pass and with bounded recursion.
//! Invariant: total; no input makes it panic, and it recurses [`MAX_DEPTH`] deep at most.

use alloc::string::String;
use alloc::vec::Vec;
use core::str;

use zeroize::Zeroizing;

use super::{Fault, MAX_DEPTH, MAX_MEMBERS, MAX_NUMBER, Names, Object, Value};

/// Reads exactly one value with white space around it.
///
/// The caller bounds the length of `bytes`; time is linear in it, but for names, which are compared
/// pairwise within one object.
pub fn parse(bytes: &[u8], names: Names) -> Result<Value, Fault> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(Fault::Bom);
    }
    let text = str::from_utf8(bytes).map_err(|_| Fault::Utf8)?;
    let mut parser = Parser { rest: text, names };
    if parser.skip_space().is_empty() {
        return Err(Fault::Empty);
    }
    let value = parser.value(0)?;
    if parser.skip_space().is_empty() { Ok(value) } else { Err(Fault::Trailing) }
}

struct Parser<'a> {
    rest: &'a str,
    names: Names,
}

impl<'a> Parser<'a> {
    fn value(&mut self, depth: usize) -> Result<Value, Fault> {
        match self.skip_space().as_bytes().first() {
            Some(b'{') => self.object(deeper(depth)?),
            Some(b'[') => self.array(deeper(depth)?),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'\0') => Err(Fault::Nul),
            _ => self.literal(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Fault> {
        let mut object = Object::new(self.names);
        self.expect("{")?;
        if self.eat("}") {
            return Ok(Value::Object(object));
        }
        loop {
            if object.len() == MAX_MEMBERS {
                return Err(Fault::Size);
            }
            let name = core::mem::take(&mut *self.string()?);
            if object.get(&name).is_some() {
                return Err(Fault::Duplicate);
            }
            self.expect(":")?;
            object.push(name, self.value(depth)?);
            if self.eat("}") {
                return Ok(Value::Object(object));
            }
            self.expect(",")?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Fault> {
        let mut items = Vec::new();
        self.expect("[")?;
        if self.eat("]") {
            return Ok(Value::Array(items));
        }
        loop {
            if items.len() == MAX_MEMBERS {
                return Err(Fault::Size);
            }
            items.push(self.value(depth)?);
            if self.eat("]") {
                return Ok(Value::Array(items));
            }
            self.expect(",")?;
        }
    }

    fn string(&mut self) -> Result<Zeroizing<String>, Fault> {
        self.expect("\"")?;
        // Room for all of it at once: a growing string would leave pieces of a password behind.
        let room = self.length_to_quote().ok_or(Fault::Syntax)?;
        let mut text = Zeroizing::new(String::with_capacity(room));
        loop {
            let end =
                self.rest.find(|c| matches!(c, '"' | '\\' | '\0'..='\x1f')).ok_or(Fault::Syntax)?;
            text.push_str(self.split(end).ok_or(Fault::Syntax)?);
            match self.next().ok_or(Fault::Syntax)? {
                '"' => return Ok(text),
                '\\' => text.push(self.escape()?),
                '\0' => return Err(Fault::Nul),
                _ => return Err(Fault::Control),
            }
        }
    }

    /// Bytes up to the closing quote: an upper bound, because every escape is longer than what it stands for.
    fn length_to_quote(&self) -> Option<usize> {
        let mut escaped = false;
        self.rest.bytes().position(|byte| {
            let end = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            end
        })
    }

    fn escape(&mut self) -> Result<char, Fault> {
        match self.next().ok_or(Fault::Syntax)? {
            c @ ('"' | '\\' | '/') => Ok(c),
            'b' => Ok('\u{8}'),
            'f' => Ok('\u{c}'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            'u' => self.code_point(),
            _ => Err(Fault::Escape),
        }
    }

    fn code_point(&mut self) -> Result<char, Fault> {
        let unit = self.code_unit()?;
        match unit {
            0 => Err(Fault::Nul),
            0xd800..=0xdbff => {
                self.rest = self.rest.strip_prefix("\\u").ok_or(Fault::Surrogate)?;
                let low = self.code_unit()?;
                if !(0xdc00..=0xdfff).contains(&low) {
                    return Err(Fault::Surrogate);
                }
                let code = 0x1_0000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
                char::from_u32(code).ok_or(Fault::Surrogate)
            }
            _ => char::from_u32(unit).ok_or(Fault::Surrogate),
        }
    }

    fn code_unit(&mut self) -> Result<u32, Fault> {
        let digits = self.split(4).ok_or(Fault::Escape)?;
        // The standard parser would take a sign.
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Fault::Escape);
        }
        u32::from_str_radix(digits, 16).map_err(|_| Fault::Escape)
    }

    fn number(&mut self) -> Result<Value, Fault> {
        let end = self.rest.find(|c| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'));
        let text = self.split(end.unwrap_or(self.rest.len())).ok_or(Fault::Number)?;
        if text.len() > MAX_NUMBER || !is_number(text) {
            return Err(Fault::Number);
        }
        Ok(Value::Number(text.into()))
    }

    fn literal(&mut self) -> Result<Value, Fault> {
        if self.eat("null") {
            Ok(Value::Null)
        } else if self.eat("true") {
            Ok(Value::Bool(true))
        } else if self.eat("false") {
            Ok(Value::Bool(false))
        } else {
            Err(Fault::Syntax)
        }
    }

    fn expect(&mut self, token: &str) -> Result<(), Fault> {
        if self.eat(token) { Ok(()) } else { Err(Fault::Syntax) }
    }

    fn eat(&mut self, token: &str) -> bool {
        match self.skip_space().strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn split(&mut self, length: usize) -> Option<&'a str> {
        let (head, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(head)
    }

    fn skip_space(&mut self) -> &'a str {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
        self.rest
    }
}

fn deeper(depth: usize) -> Result<usize, Fault> {
    if depth < MAX_DEPTH { Ok(depth + 1) } else { Err(Fault::Depth) }
}

fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (text, exponent) = split_off(text, &['e', 'E']);
    let (whole, fraction) = split_off(text, &['.']);
    is_digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(is_digits)
        && exponent.is_none_or(|text| is_digits(text.strip_prefix(['+', '-']).unwrap_or(text)))
}

fn split_off<'a>(text: &'a str, mark: &[char]) -> (&'a str, Option<&'a str>) {
    match text.split_once(mark) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
