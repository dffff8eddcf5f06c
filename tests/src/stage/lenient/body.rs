//! The members of a body as the most forgiving reader would find them: JSON with anything around and inside it, in any
//! Unicode encoding, or a form; several values under one name all count. Total: any bytes give some list.

use super::path::{decode, letter};

/// Name (folded) and value of every member, those of the query included.
pub(super) fn members(body: &[u8], query: &str) -> Vec<(String, String)> {
    let mut found = form(query.as_bytes());
    found.extend(form(body));
    for text in texts(body) {
        let tokens = tokens(&text);
        found.extend(pairs(&tokens));
    }
    found
}

/// The body as UTF-8 and, where it has zero bytes, without them: UTF-16 and UTF-32 of ASCII text.
fn texts(body: &[u8]) -> Vec<String> {
    let mut texts = vec![String::from_utf8_lossy(body).into_owned()];
    if body.contains(&0) {
        let rest: Vec<u8> = body.iter().copied().filter(|byte| *byte != 0).collect();
        texts.push(String::from_utf8_lossy(&rest).into_owned());
    }
    texts
}

fn form(bytes: &[u8]) -> Vec<(String, String)> {
    let plain = |part: &[u8]| {
        let spaced: Vec<u8> =
            part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        String::from_utf8_lossy(&decode(&spaced)).into_owned()
    };
    bytes
        .split(|byte| matches!(byte, b'&' | b';'))
        .filter_map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=')?;
            Some((fold(&plain(&pair[..at])), plain(&pair[at + 1..])))
        })
        .collect()
}

#[derive(Debug, PartialEq)]
enum Token {
    Colon,
    Open,
    Other,
    Text(String),
}

/// Every `text : text` and every `text : [ text`.
fn pairs(tokens: &[Token]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (at, window) in tokens.windows(2).enumerate() {
        let [Token::Text(name), Token::Colon] = window else { continue };
        let mut values = tokens[at + 2..].iter();
        match values.next() {
            Some(Token::Text(value)) => found.push((fold(name), value.clone())),
            Some(Token::Open) => found.extend(values.map_while(|token| match token {
                Token::Text(value) => Some((fold(name), value.clone())),
                _ => None,
            })),
            _ => {}
        }
    }
    found
}

fn fold(name: &str) -> String {
    name.trim().chars().map(letter).collect()
}

fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let tail = &rest[c.len_utf8()..];
        let (token, after) = match c {
            '"' | '\'' => {
                let (value, after) = quoted(tail, c);
                (Some(Token::Text(value)), after)
            }
            ':' | '=' => (Some(Token::Colon), tail),
            '[' => (Some(Token::Open), tail),
            '{' | '}' | ']' => (Some(Token::Other), tail),
            '/' | '#' => (None, comment(rest)),
            c if c.is_whitespace() || matches!(c, ',' | '\u{feff}' | '\0') => (None, tail),
            _ => {
                let end = rest
                    .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))
                    .unwrap_or(rest.len());
                let end = end.max(c.len_utf8());
                (Some(Token::Text(rest[..end].to_owned())), &rest[end..])
            }
        };
        found.extend(token);
        rest = after;
    }
    found
}

/// What follows a comment, or one character that only looked like one.
fn comment(text: &str) -> &str {
    if let Some(block) = text.strip_prefix("/*") {
        return block.split_once("*/").map_or("", |(_, after)| after);
    }
    if text.starts_with("//") || text.starts_with('#') {
        return text.split_once('\n').map_or("", |(_, after)| after);
    }
    text.get(1..).unwrap_or_default()
}

/// A string up to its quote or the end of the text; what cannot be unescaped is kept.
fn quoted(text: &str, quote: char) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return (value, &text[at + 1..]);
        }
        if c != '\\' {
            value.push(c);
            continue;
        }
        match chars.next() {
            Some((at, 'u')) => {
                let code = text
                    .get(at + 1..at + 5)
                    .and_then(|digits| u32::from_str_radix(digits, 16).ok());
                value.push(code.and_then(char::from_u32).unwrap_or('\u{fffd}'));
                for _ in 0..if code.is_some() { 4 } else { 0 } {
                    chars.next();
                }
            }
            Some((_, 'n')) => value.push('\n'),
            Some((_, 't')) => value.push('\t'),
            Some((_, other)) => value.push(other),
            None => {}
        }
    }
    (value, "")
}
