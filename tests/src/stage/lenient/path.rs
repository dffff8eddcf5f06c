//! A path as the most forgiving router would read it. Total: every byte string has a folded form.

/// Path and query of a request target; scheme and host are dropped.
pub(super) fn split(target: &str) -> (&str, &str) {
    let local = target.split_once("://").map_or(target, |(scheme, rest)| {
        if scheme.contains('/') { target } else { rest.find('/').map_or("/", |at| &rest[at..]) }
    });
    local.split_once('?').unwrap_or((local, ""))
}

/// Decoded twice, folded, cut, collapsed.
pub(super) fn fold(path: &str) -> String {
    let decoded = String::from_utf8_lossy(&decode(&decode(path.as_bytes()))).into_owned();
    let cut = decoded.split(['?', '#', '\0']).next().unwrap_or_default().replace('\\', "/");
    let mut segments: Vec<String> = Vec::new();
    for segment in cut.split('/') {
        let name = segment.split(';').next().unwrap_or_default().trim();
        match name {
            "" | "." => {}
            ".." => drop(segments.pop()),
            name => segments.push(name.trim_end_matches(['.', ' ']).chars().map(letter).collect()),
        }
    }
    format!("/{}", segments.join("/"))
}

/// As servlet containers cut it: parameters go before anything is decoded.
pub(super) fn without_parameters(path: &str) -> String {
    let segments = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default());
    segments.collect::<Vec<_>>().join("/")
}

/// Percent-decoding that leaves what it does not understand.
pub(super) fn decode(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = (byte == b'%').then(|| tail.get(..2).and_then(hex)).flatten();
        decoded.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    decoded
}

/// Letter case by simple folding, the two letters outside ASCII that fold into it included.
pub(super) fn letter(c: char) -> char {
    match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    }
}

fn hex(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits)
        .ok()
        .filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u8::from_str_radix(text, 16).ok()
}
