//! A raw HTTP/1.1 client: what a test sends is what goes over the wire, byte for byte.
//! Every read and write has a deadline, so that a hanging peer fails a test instead of stopping it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::stage::{Fault, Staged};

/// How long one read or write may take.
pub const PATIENCE: Duration = Duration::from_secs(20);
const HEAD_LIMIT: usize = 256 * 1024;

/// Header fields in the order of the wire; names keep their letter case.
pub type Fields = Vec<(String, Vec<u8>)>;

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub headers: Fields,
    /// Without transfer coding.
    pub body: Vec<u8>,
    pub trailers: Fields,
}

impl Reply {
    /// The first field of that name, as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        first(&self.headers, name).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// How many fields have that name.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).count()
    }

    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// The body is not JSON.
    pub fn json(&self) -> Staged<serde_json::Value> {
        serde_json::from_slice(&self.body)
            .map_err(|_| Fault::new("a body that is not JSON", self.text()))
    }
}

/// One request to be sent.
#[derive(Clone, Debug)]
pub struct Call {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Call {
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    #[must_use]
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    #[must_use]
    pub fn post_json(target: &str, body: impl AsRef<[u8]>) -> Self {
        Self::new("POST", target).header("content-type", "application/json").body(body)
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    #[must_use]
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// The bytes of the request. `host` and `content-length` are added unless given.
    #[must_use]
    pub fn to_bytes(&self, authority: &str) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        if first(&self.headers, "host").is_none() {
            bytes.extend(format!("host: {authority}\r\n").into_bytes());
        }
        for (name, value) in &self.headers {
            bytes.extend(name.as_bytes());
            bytes.extend(b": ");
            bytes.extend(value);
            bytes.extend(b"\r\n");
        }
        let framed = ["content-length", "transfer-encoding"]
            .iter()
            .any(|name| first(&self.headers, name).is_some());
        if !framed && (!self.body.is_empty() || self.method != "GET") {
            bytes.extend(format!("content-length: {}\r\n", self.body.len()).into_bytes());
        }
        bytes.extend(b"\r\n");
        bytes.extend(&self.body);
        bytes
    }

    /// Sends it on a connection of its own.
    ///
    /// # Errors
    /// No connection, no answer in time, or an answer that is not HTTP/1.1.
    pub fn send(&self, to: SocketAddr) -> Staged<Reply> {
        send_raw(to, &self.to_bytes(&to.to_string()))
    }
}

/// Sends these bytes and reads one answer.
///
/// # Errors
/// As [`Call::send`].
pub fn send_raw(to: SocketAddr, bytes: &[u8]) -> Staged<Reply> {
    send_pieces(to, &[bytes])
}

/// The same, one write for each piece.
///
/// # Errors
/// As [`Call::send`].
pub fn send_pieces(to: SocketAddr, pieces: &[&[u8]]) -> Staged<Reply> {
    let mut line = Line::connect(to)?;
    for piece in pieces {
        // A peer may answer and close before it has read everything: its answer counts, not our broken pipe.
        if line.write(piece).is_err() {
            break;
        }
    }
    let head = pieces.first().is_some_and(|piece| piece.starts_with(b"HEAD "));
    line.reply(head)
}

/// A connection that is kept open between requests.
#[derive(Debug)]
pub struct Line(BufReader<TcpStream>);

impl Line {
    /// # Errors
    /// Nobody listens there.
    pub fn connect(to: SocketAddr) -> Staged<Self> {
        let stream = TcpStream::connect_timeout(&to, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// # Errors
    /// The peer is gone or does not read.
    pub fn write(&mut self, bytes: &[u8]) -> Staged<()> {
        self.0.get_mut().write_all(bytes)?;
        Ok(())
    }

    /// Reads one answer; interim answers are skipped. `to_head` says that a HEAD request was sent.
    ///
    /// # Errors
    /// The connection ends before, or the bytes are not HTTP/1.1.
    pub fn reply(&mut self, to_head: bool) -> Staged<Reply> {
        loop {
            let head = read_head(&mut self.0)?
                .ok_or_else(|| Fault::new("no answer", "the connection was closed"))?;
            let status = status_of(&head.line)?;
            if (100..200).contains(&status) && status != 101 {
                continue;
            }
            let empty = to_head || status < 200 || status == 204 || status == 304;
            let length = if empty {
                Length::Known(0)
            } else {
                Length::of(&head.headers, Length::UntilClose)?
            };
            let (body, trailers) = read_body(&mut self.0, length)?;
            return Ok(Reply { status, headers: head.headers, body, trailers });
        }
    }

    /// Reads whatever bytes come next, at most `limit`.
    ///
    /// # Errors
    /// The deadline passed.
    pub fn bytes(&mut self, limit: usize) -> Staged<Vec<u8>> {
        let mut bytes = vec![0; limit];
        let count = self.0.read(&mut bytes)?;
        bytes.truncate(count);
        Ok(bytes)
    }
}

/// A message up to its empty line.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) line: String,
    pub(crate) headers: Fields,
    /// As read, the empty line included.
    pub(crate) raw: Vec<u8>,
}

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    Chunked,
    Known(usize),
    UntilClose,
}

impl Length {
    pub(crate) fn of(headers: &Fields, otherwise: Self) -> Staged<Self> {
        if first(headers, "transfer-encoding").is_some() {
            return Ok(Self::Chunked);
        }
        first(headers, "content-length").map_or(Ok(otherwise), |value| {
            let text = String::from_utf8_lossy(value);
            text.trim()
                .parse()
                .map(Self::Known)
                .map_err(|_| Fault::new("a bad content-length", text.as_ref()))
        })
    }
}

/// The value of the first field of that name.
pub(crate) fn first<'a>(fields: &'a [(String, Vec<u8>)], name: &str) -> Option<&'a [u8]> {
    fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_slice())
}

/// Reads a head; `None` when the peer closed before its first byte.
pub(crate) fn read_head(reader: &mut impl BufRead) -> Staged<Option<Head>> {
    let mut raw = Vec::new();
    let mut lines = Vec::new();
    loop {
        let line = read_line(reader, &mut raw)?;
        match line {
            None if raw.is_empty() => return Ok(None),
            None => {
                return Err(Fault::new("a head that breaks off", String::from_utf8_lossy(&raw)));
            }
            Some(line) if line.is_empty() => break,
            Some(line) => lines.push(line),
        }
    }
    let line =
        lines.first().map(|line| String::from_utf8_lossy(line).into_owned()).unwrap_or_default();
    Ok(Some(Head { line, headers: lines.iter().skip(1).map(|line| field(line)).collect(), raw }))
}

/// Reads a body and the trailers behind it.
pub(crate) fn read_body(reader: &mut impl BufRead, length: Length) -> Staged<(Vec<u8>, Fields)> {
    let mut body = Vec::new();
    match length {
        Length::Known(count) => {
            body.resize(count, 0);
            reader.read_exact(&mut body)?;
        }
        Length::UntilClose => {
            reader.read_to_end(&mut body)?;
        }
        Length::Chunked => return read_chunks(reader),
    }
    Ok((body, Vec::new()))
}

fn read_chunks(reader: &mut impl BufRead) -> Staged<(Vec<u8>, Fields)> {
    let mut body = Vec::new();
    loop {
        let line = need_line(reader)?;
        let text = String::from_utf8_lossy(&line);
        let digits = text.split(';').next().unwrap_or_default().trim();
        let count = usize::from_str_radix(digits, 16)
            .map_err(|_| Fault::new("a bad chunk size", text.as_ref()))?;
        if count == 0 {
            break;
        }
        let start = body.len();
        body.resize(start + count, 0);
        reader.read_exact(&mut body[start..])?;
        need_line(reader)?;
    }
    let mut trailers = Vec::new();
    loop {
        let line = need_line(reader)?;
        if line.is_empty() {
            return Ok((body, trailers));
        }
        trailers.push(field(&line));
    }
}

fn need_line(reader: &mut impl BufRead) -> Staged<Vec<u8>> {
    read_line(reader, &mut Vec::new())?.ok_or_else(|| Fault::new("a body that breaks off", ""))
}

/// One line without its end; `raw` collects what was read.
fn read_line(reader: &mut impl BufRead, raw: &mut Vec<u8>) -> Staged<Option<Vec<u8>>> {
    let start = raw.len();
    reader.by_ref().take(HEAD_LIMIT as u64).read_until(b'\n', raw)?;
    let line = &raw[start..];
    if !line.ends_with(b"\n") {
        return Ok(None);
    }
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    Ok(Some(line.strip_suffix(b"\r").unwrap_or(line).to_vec()))
}

fn field(line: &[u8]) -> (String, Vec<u8>) {
    let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
    let value = line.get(colon + 1..).unwrap_or_default().trim_ascii();
    (String::from_utf8_lossy(&line[..colon]).into_owned(), value.to_vec())
}

fn status_of(line: &str) -> Staged<u16> {
    let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
    status
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| Fault::new("not an HTTP/1.1 answer", line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_and_trailers_are_read() {
        let mut bytes: &[u8] = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nsum: 1\r\n\r\nrest";
        let (body, trailers) = read_body(&mut bytes, Length::Chunked).unwrap();
        assert_eq!(
            (body.as_slice(), trailers),
            (&b"abcde"[..], vec![("sum".to_owned(), b"1".to_vec())])
        );
        assert_eq!(bytes, b"rest");
    }

    #[test]
    fn a_call_says_its_length_once() {
        let text = String::from_utf8(Call::post_json("/x", "{}").to_bytes("h")).unwrap();
        assert_eq!(
            text,
            "POST /x HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
        );
        let own = Call::post_json("/x", "{}").header("content-length", "7").to_bytes("h");
        assert_eq!(String::from_utf8(own).unwrap().matches("content-length").count(), 1);
    }
}
