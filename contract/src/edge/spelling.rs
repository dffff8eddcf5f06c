//! The spellings of one path: what a chain of lenient routers may read in it. Invariant: whatever they do of `STEPS`, in
//! whichever order and however often, its outcome is among the readings; and `loose` is idempotent.

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

use crate::json::fold;
use crate::lookalike::is_ignorable;

/// What routers do to a path before they look for a handler.
const STEPS: [fn(&str) -> String; 5] =
    [decode_once, cut_parameters, cut_query, turn_slashes, resolve];

/// A path of which the steps make more texts than this was written to be misread.
const MAX_TEXTS: usize = 64;

/// Every way in which a chain of routers may read the path, loosely; `None` where there is no end of them.
pub(super) fn readings(path: &str) -> Option<Vec<String>> {
    let mut texts = Vec::from([path.to_owned()]);
    let mut seen = 0;
    while let Some(text) = texts.get(seen) {
        let made = STEPS.map(|step| step(text));
        seen += 1;
        for text in made {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        if texts.len() > MAX_TEXTS {
            return None;
        }
    }
    let mut readings: Vec<String> = texts.iter().map(|text| loose(text)).collect();
    let bare = |reading: &String| without_suffix(reading).map(ToOwned::to_owned);
    let without: Vec<String> = readings.iter().filter_map(bare).collect();
    readings.extend(without);
    Some(readings)
}

/// The path as the most lenient router would read it: percent-decoded until nothing is left to decode, `\` as `/`,
/// parameters and what follows a decoded `?`, `#` or NUL cut, empty and dot segments resolved, white space, controls and
/// invisible characters dropped, case folded.
pub fn loose(path: &str) -> String {
    let mut text = loosen(path);
    // What was dropped may have stood inside an escape. Every round is shorter than the one before.
    for _ in 0..path.len() {
        let next = loosen(&text);
        if next == text {
            break;
        }
        text = next;
    }
    text
}

fn loosen(path: &str) -> String {
    let decoded = decode(path);
    let mut segments: Vec<String> = Vec::new();
    for raw in cut_query(&decoded).split(['/', '\\']) {
        let plain = without_parameters(raw);
        let kept: String = fold(plain).filter(|c| !is_ignorable(*c)).collect();
        match (kept.as_str(), kept.trim_end_matches('.')) {
            ("..", _) => drop(segments.pop()),
            (_, "") => {}
            (_, name) => segments.push(name.to_owned()),
        }
    }
    format!("/{}", segments.join("/"))
}

/// Some routers take `/reset.json` for `/reset` with a format.
fn without_suffix(path: &str) -> Option<&str> {
    let (before, suffix) = path.rsplit_once('.')?;
    let is_format = !suffix.is_empty() && suffix.chars().all(|c| c.is_ascii_alphanumeric());
    (is_format && !before.ends_with('/')).then_some(before)
}

fn cut_parameters(path: &str) -> String {
    path.split('/').map(without_parameters).collect::<Vec<_>>().join("/")
}

fn without_parameters(segment: &str) -> &str {
    segment.split(';').next().unwrap_or_default()
}

fn cut_query(path: &str) -> String {
    path.split(['?', '#', '\0']).next().unwrap_or_default().to_owned()
}

fn turn_slashes(path: &str) -> String {
    path.replace('\\', "/")
}

/// RFC 3986, 5.2.4, with empty segments left out.
fn resolve(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            name => segments.push(name),
        }
    }
    format!("/{}", segments.join("/"))
}

/// Decodes what was decoded, too, until nothing is left.
pub(super) fn decode(path: &str) -> String {
    let mut bytes: Vec<u8> = Vec::with_capacity(path.len());
    for byte in path.bytes() {
        bytes.push(byte);
        while let Some((before, decoded)) = last_escape(&bytes) {
            bytes.truncate(before);
            bytes.push(decoded);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn decode_once(path: &str) -> String {
    let mut bytes: Vec<u8> = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escape = rest.first_chunk().and_then(unescape);
        bytes.push(escape.unwrap_or(*first));
        rest = if escape.is_some() { rest.get(3..).unwrap_or_default() } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The escape at the end: where it begins, and the byte it stands for.
fn last_escape(bytes: &[u8]) -> Option<(usize, u8)> {
    let decoded = bytes.last_chunk().and_then(unescape)?;
    Some((bytes.len().saturating_sub(3), decoded))
}

fn unescape([mark, high, low]: &[u8; 3]) -> Option<u8> {
    let digit =
        |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    (*mark == b'%').then_some(digit(high)? << 4 | digit(low)?)
}
