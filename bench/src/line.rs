//! Kept-alive HTTP/1.1 connections to the signed listener, as lean as they can be: one write and one read a request,
//! no thread and no timer for each. Invariant: every answer is read whole, and its outcome counted.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::fault::{Benched, fault};

/// The sidecar answers with 32 KiB at most.
const BUFFER: usize = 40 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

/// One connection with at most one request on its way.
#[derive(Debug)]
pub(crate) struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What was answered how often.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) outcomes: BTreeMap<String, usize>,
    pub(crate) took: Duration,
}

impl Answers {
    /// Answers a second.
    pub(crate) fn rate(&self) -> f64 {
        let all: usize = self.outcomes.values().sum();
        all as f64 / self.took.as_secs_f64()
    }

    /// A fault when anything but this outcome was answered: the numbers would be of something else.
    pub(crate) fn all(&self, expected: &str) -> Benched<()> {
        let others: Vec<String> = self
            .outcomes
            .iter()
            .filter(|(outcome, _)| *outcome != expected)
            .map(|(outcome, count)| format!("{count} x {outcome}"))
            .collect();
        if others.is_empty() {
            Ok(())
        } else {
            Err(fault(format!("answered: {}", others.join(", "))))
        }
    }
}

/// One answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer<'b> {
    pub(crate) outcome: &'b str,
    pub(crate) body: &'b str,
}

impl Line {
    pub(crate) fn open(to: SocketAddr) -> Benched<Self> {
        let stream = TcpStream::connect(to)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, buffer: vec![0; BUFFER] })
    }

    pub(crate) fn open_many(to: SocketAddr, count: usize) -> Benched<Vec<Self>> {
        (0..count).map(|_| Self::open(to)).collect()
    }

    pub(crate) fn write(&mut self, request: &[u8]) -> Benched<()> {
        Ok(self.stream.write_all(request)?)
    }

    pub(crate) fn read(&mut self) -> Benched<Answer<'_>> {
        let mut filled = 0;
        let mut whole = None;
        while whole.is_none_or(|(_, end)| filled < end) {
            let free = self.buffer.get_mut(filled..).filter(|free| !free.is_empty());
            let free = free.ok_or_else(|| fault("an answer is too long"))?;
            match self.stream.read(free)? {
                0 => return Err(fault("the sidecar closed a connection")),
                count => filled += count,
            }
            whole = whole.or_else(|| ends(self.buffer.get(..filled)?));
        }
        let (head, end) = whole.unwrap_or_default();
        let text = |from, to| self.buffer.get(from..to).and_then(|b| std::str::from_utf8(b).ok());
        let (head, body) = text(0, head).zip(text(head, end)).ok_or_else(|| fault("no text"))?;
        let outcome = field(head, "rekey-outcome").or_else(|| head.get(9..12)).unwrap_or("none");
        Ok(Answer { outcome, body })
    }

    /// One request and its answer.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Benched<Answer<'_>> {
        self.write(request)?;
        self.read()
    }
}

/// Says all requests over all lines; each line has the next one written as soon as its answer was read.
pub(crate) fn pump(lines: &mut [Line], requests: &[Vec<u8>]) -> Benched<Answers> {
    let begun = Instant::now();
    let mut answers = Answers::default();
    let mut waiting = requests.iter();
    let mut open = 0_usize;
    for (line, request) in lines.iter_mut().zip(waiting.by_ref()) {
        line.write(request)?;
        open += 1;
    }
    while open > 0 {
        for line in lines.iter_mut().take(open.min(requests.len())) {
            let answer = line.read()?;
            if let Some(count) = answers.outcomes.get_mut(answer.outcome) {
                *count += 1;
            } else {
                answers.outcomes.insert(answer.outcome.to_owned(), 1);
            }
            match waiting.next() {
                Some(request) => line.write(request)?,
                None => open -= 1,
            }
        }
    }
    answers.took = begun.elapsed();
    Ok(answers)
}

/// Where the head ends, and where the body does.
fn ends(bytes: &[u8]) -> Option<(usize, usize)> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")?.checked_add(4)?;
    let text = std::str::from_utf8(bytes.get(..head)?).ok()?;
    let length: usize = field(text, "content-length")?.parse().ok()?;
    Some((head, head.checked_add(length)?))
}

fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.split("\r\n").find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_it_says() {
        let bytes = b"HTTP/1.1 200 OK\r\nrekey-outcome: accepted\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(ends(bytes), Some((bytes.len() - 2, bytes.len())));
        assert_eq!(ends(&bytes[..40]), None);
        let head = std::str::from_utf8(bytes).unwrap();
        assert_eq!(field(head, "rekey-outcome"), Some("accepted"));
    }
}
