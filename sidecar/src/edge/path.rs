//! One spelling of every path, before anybody judges it; app and claims see the same. Invariant: what is given is `*`, or
//! begins with `/` and holds no empty or dot segment, no backslash and no escape of a character that needs none.

use std::borrow::Cow;

/// A path that has no single meaning: a malformed escape, an escaped separator or NUL, a byte beyond ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ambiguous;

/// Decodes what is unreserved (RFC 3986, 2.3), takes `\` for `/`, and resolves empty and dot segments.
pub(super) fn normalize(path: &str) -> Result<Cow<'_, str>, Ambiguous> {
    if path == "*" || is_plain(path) {
        return Ok(Cow::Borrowed(path));
    }
    if !path.starts_with(['/', '\\']) {
        return Err(Ambiguous);
    }
    let decoded = decode(path)?;
    let mut segments: Vec<&str> = Vec::new();
    for segment in decoded.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    let is_folder = matches!(decoded.rsplit('/').next(), Some("" | "." | ".."));
    let end = if is_folder && !segments.is_empty() { "/" } else { "" };
    Ok(Cow::Owned(format!("/{}{end}", segments.join("/"))))
}

/// Whether there is nothing to do; true for almost every path.
fn is_plain(path: &str) -> bool {
    let mut before = 0;
    for byte in path.bytes() {
        let moves = before == b'/' && matches!(byte, b'/' | b'.');
        if moves || matches!(byte, b'%' | b'\\' | 0..=b' ' | 0x7F..) {
            return false;
        }
        before = byte;
    }
    path.starts_with('/')
}

/// A malformed escape is refused, because decoding what stands behind it could make it a good one.
fn decode(path: &str) -> Result<String, Ambiguous> {
    let mut text = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '%' => {
                let (escape, after) = rest.split_at_checked(3).ok_or(Ambiguous)?;
                match value(escape).ok_or(Ambiguous)? {
                    b'/' | b'\\' | 0 => return Err(Ambiguous),
                    byte if is_unreserved(byte) => text.push(char::from(byte)),
                    _ => text.push_str(escape),
                }
                after
            }
            '!'..='~' => {
                text.push(if first == '\\' { '/' } else { first });
                rest.get(1..).unwrap_or_default()
            }
            _ => return Err(Ambiguous),
        };
    }
    Ok(text)
}

fn value(escape: &str) -> Option<u8> {
    let digits = escape.strip_prefix('%')?;
    let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    hexadecimal.then(|| u8::from_str_radix(digits, 16).ok())?
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_one_spelling() {
        for (path, one) in [
            ("/", "/"),
            ("*", "*"),
            ("/a/b", "/a/b"),
            ("/a/b/", "/a/b/"),
            ("//a///b", "/a/b"),
            ("/a/./b", "/a/b"),
            ("/a/../b", "/b"),
            ("/../../b", "/b"),
            ("/a/b/..", "/a/"),
            ("/a/b/.", "/a/b/"),
            ("/..", "/"),
            ("/%61/%62", "/a/b"),
            ("/a/%2e%2e/b", "/b"),
            ("/a\\b\\..\\c", "/a/c"),
            ("/a%20b%C3%A9", "/a%20b%C3%A9"),
            ("/a/.hidden", "/a/.hidden"),
            ("/a;x=1/b", "/a;x=1/b"),
            ("/a%2541", "/a%2541"),
        ] {
            assert_eq!(normalize(path).as_deref(), Ok(one), "{path}");
        }
    }

    #[test]
    fn what_has_no_single_meaning_is_refused() {
        for path in [
            "", "a", "/a%2fb", "/a%2Fb", "/a%5cb", "/a%00", "/%", "/%4", "/%zz", "/%2%65", "/é",
            "/a b", "/%+1", "/%é",
        ] {
            assert_eq!(normalize(path), Err(Ambiguous), "{path}");
        }
    }

    #[test]
    fn a_second_look_changes_nothing() {
        for path in ["//a/%2e%2e/b", "/%25%32%65", "/a/%2E/", "/\\x\\..", "/a%252fb"] {
            let once = normalize(path).unwrap().into_owned();
            assert_eq!(normalize(&once).as_deref(), Ok(once.as_str()), "{path}");
        }
    }
}
