//! The request's head as the host gives it: bytes, in order, possibly doubled or not text.

use alloc::string::String;

use crate::edge::Headers;
use crate::outcome::Refusal;

/// Method, path and headers of a request.
#[derive(Clone, Debug, Default)]
pub struct Head {
    method: String,
    path: String,
    query: Option<String>,
    headers: Headers,
}

/// Headers by which it is judged whose a request is.
const JUDGED: [&[u8]; 5] =
    [b"authorization", b"content-encoding", b"content-type", b"cookie", b"host"];

impl Head {
    /// Reads a header map with HTTP/2 pseudo headers, as proxies keep it. What is not UTF-8 in method or path becomes
    /// U+FFFD, which no claimed path holds.
    pub fn new(headers: Headers) -> Self {
        let mut head = Self::default();
        for (name, value) in headers.iter() {
            match name {
                b":method" => head.method = String::from_utf8_lossy(value).into_owned(),
                b":path" => head.set_target(&String::from_utf8_lossy(value)),
                _ => {}
            }
        }
        head.headers = headers;
        head
    }

    fn set_target(&mut self, target: &str) {
        match target.split_once('?') {
            Some((path, query)) => {
                self.path = path.into();
                self.query = Some(query.into());
            }
            None => self.path = target.into(),
        }
    }

    /// All of it, as the host gave it.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path without its query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What follows the first `?`; `Some("")` for a bare one.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// The host that the request is for, as the gateway understood it; empty when it named none, or two.
    pub fn authority(&self) -> &str {
        self.text(":authority").or_else(|| self.text("host")).unwrap_or_default()
    }

    /// Whether `connection` names a header that was judged. Proxies take what it names away (RFC 9110, 7.6.1), and the app
    /// would read another request than we did.
    pub fn hides_what_was_judged(&self) -> bool {
        let judged = |name: &[u8]| JUDGED.iter().any(|judged| name.eq_ignore_ascii_case(judged));
        let mut names =
            self.values("connection").flat_map(|value| value.split(|byte| *byte == b','));
        names.any(|name| judged(name.trim_ascii()))
    }

    pub fn has(&self, name: &'static str) -> bool {
        self.values(name).next().is_some()
    }

    /// The one value of a header, trimmed. Doubled, or holding anything but printable ASCII and tabs: malformed.
    pub fn only(&self, name: &'static str) -> Result<Option<&str>, Refusal> {
        let mut values = self.values(name);
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(Refusal::Malformed);
        }
        let printable = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~');
        match core::str::from_utf8(value) {
            Ok(text) if value.iter().all(printable) => Ok(Some(text.trim())),
            _ => Err(Refusal::Malformed),
        }
    }

    /// The one value of a header; absent, doubled, empty or unreadable ones are `None`.
    pub fn text(&self, name: &'static str) -> Option<&str> {
        self.only(name).ok().flatten().filter(|text| !text.is_empty())
    }

    /// The value of the one cookie of this name.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let mut found = None;
        for line in self.values("cookie") {
            let text = core::str::from_utf8(line).ok()?;
            for pair in text.split(';') {
                match pair.trim().split_once('=') {
                    Some((key, value)) if key == name => match found {
                        None => found = Some(value),
                        Some(_) => return None,
                    },
                    _ => {}
                }
            }
        }
        found
    }

    fn values(&self, name: &'static str) -> impl Iterator<Item = &[u8]> {
        self.headers.iter().filter(move |(key, _)| *key == name.as_bytes()).map(|(_, value)| value)
    }
}
