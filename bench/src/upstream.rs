//! What stands behind a gateway that is measured: the same answer to everything, as lean as can be, so that the cores
//! are the gateway's. Its own CPU is in no number.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use contract::outcome::Outcome;

use crate::fault::Benched;

const BUFFER: usize = 64 * 1024;

#[derive(Debug)]
pub(crate) struct Upstream {
    address: SocketAddr,
}

impl Upstream {
    /// Answers as the sidecar does to an ask that it took.
    pub(crate) fn sidecar() -> Benched<Self> {
        let outcome = Outcome::Accepted;
        let body = outcome.encode("-");
        Self::start(format!(
            "HTTP/1.1 {} Accepted\r\ncontent-type: {}\r\nrekey-outcome: {}\r\ncache-control: no-store\r\n\
             x-content-type-options: nosniff\r\ncontent-length: {}\r\n\r\n{body}",
            outcome.status(),
            outcome.content_type(),
            outcome.code(),
            body.len()
        ))
    }

    /// Answers as some app.
    pub(crate) fn app() -> Benched<Self> {
        Self::start(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 3\r\n\r\napp".into(),
        )
    }

    fn start(answer: String) -> Benched<Self> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let address = listener.local_addr()?;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answer = answer.clone();
                // A connection that breaks is the gateway's affair.
                thread::spawn(move || drop(talk(stream, answer.as_bytes())));
            }
        });
        Ok(Self { address })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

fn talk(mut stream: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; BUFFER];
    let mut filled = 0;
    loop {
        let free = buffer.get_mut(filled..).unwrap_or_default();
        let count = stream.read(free)?;
        if count == 0 {
            return Ok(());
        }
        filled += count;
        if let Some(end) = end_of_request(buffer.get(..filled).unwrap_or_default()) {
            buffer.copy_within(end..filled, 0);
            filled -= end;
            stream.write_all(answer)?;
        }
    }
}

/// Where the first request ends; gateways that are measured send a length, or no body.
fn end_of_request(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")?.checked_add(4)?;
    let text = std::str::from_utf8(bytes.get(..head)?).ok()?;
    let length = text.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    });
    let end = head.checked_add(length.and_then(Result::ok).unwrap_or(0))?;
    (bytes.len() >= end).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_ends_behind_its_body() {
        let bytes = b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}GET";
        assert_eq!(end_of_request(bytes), Some(bytes.len() - 3));
        assert_eq!(end_of_request(&bytes[..38]), None);
        assert_eq!(end_of_request(b"GET / HTTP/1.1\r\n\r\n"), Some(18));
    }
}
