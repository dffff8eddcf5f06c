//! What the demo says: requests, answers, letters and claims. Silent for tests, which only count what held.
//! Invariant: long secrets are never printed whole.

use std::io::{IsTerminal, Write};

use crate::http::{Call, Reply};
use crate::signals::Stop;
use crate::stage::{Fault, Staged};

/// The words of one run, and how many claims held.
#[derive(Debug)]
pub struct Transcript {
    voice: Voice,
    act: String,
    held: usize,
    failed: Vec<String>,
    stop: Stop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voice {
    Silent,
    Plain,
    Coloured,
}

#[derive(Clone, Copy)]
enum Ink {
    Bold,
    Cyan,
    Dim,
    Green,
    Red,
    Yellow,
}

impl Transcript {
    /// Says nothing, counts everything.
    #[must_use]
    pub fn silent() -> Self {
        Self::new(Voice::Silent, Stop::default())
    }

    /// Speaks on standard output, in colour where that is a terminal.
    #[must_use]
    pub fn spoken(stop: Stop) -> Self {
        let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self::new(if coloured { Voice::Coloured } else { Voice::Plain }, stop)
    }

    fn new(voice: Voice, stop: Stop) -> Self {
        Self { voice, act: String::new(), held: 0, failed: Vec::new(), stop }
    }

    #[must_use]
    pub const fn held(&self) -> usize {
        self.held
    }

    /// The claims that did not hold, each with its act and what was seen.
    #[must_use]
    pub fn failed(&self) -> &[String] {
        &self.failed
    }

    /// # Errors
    /// Somebody wants us to stop.
    pub fn go_on(&self) -> Staged<()> {
        if self.stop.is_set() {
            return Err(Fault::new("stopped", "by a signal"));
        }
        Ok(())
    }

    pub fn progress(&self, text: &str) {
        self.line(&self.ink(Ink::Dim, &format!("… {text}")));
    }

    pub fn act(&mut self, title: &str) {
        title.clone_into(&mut self.act);
        let rule = "─".repeat(90_usize.saturating_sub(title.chars().count() + 4));
        self.line(&format!("\n{}", self.ink(Ink::Bold, &format!("── {title} {rule}"))));
    }

    /// One request and its answer.
    pub fn exchange(&self, call: &Call, reply: &Reply) {
        self.question(call);
        let said = reply.text();
        let kind = if said.is_empty() { " (no body)" } else { "" };
        self.line(&format!("  {} {}{kind}", self.ink(Ink::Yellow, "←"), reply.status));
        self.body(&said);
    }

    /// One request.
    pub fn question(&self, call: &Call) {
        self.line("");
        let bytes = call.to_bytes("");
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let first = lines.next().unwrap_or_default().trim_end_matches(" HTTP/1.1");
        self.line(&format!("  {} {}", self.ink(Ink::Cyan, "→"), self.ink(Ink::Cyan, first)));
        let shown = |line: &&str| {
            let name = line.split(':').next().unwrap_or_default();
            !["host", "content-length", "content-type"].contains(&name)
        };
        for line in lines.filter(shown) {
            self.line(&self.ink(Ink::Dim, &format!("    {}", shortened(line))));
        }
        self.body(body);
    }

    fn body(&self, text: &str) {
        if text.contains(char::REPLACEMENT_CHARACTER) {
            return self.line(&self.ink(Ink::Dim, "    (bytes that are no text)"));
        }
        for line in text.lines() {
            self.line(&format!("    {}", shortened(line)));
        }
    }

    /// Something that arrived by another way than the gateway.
    pub fn letter(&self, text: &str) {
        self.line(&format!("\n  {} {}", self.ink(Ink::Yellow, "✉"), shortened(text)));
    }

    pub fn note(&self, text: &str) {
        self.line(&format!("  {}", shortened(text)));
    }

    /// Takes a claim down: held, or what was seen instead.
    pub fn claim(&mut self, text: &str, seen: Result<(), String>) {
        match seen {
            Ok(()) => {
                self.held += 1;
                self.line(&format!("  {} {text}", self.ink(Ink::Green, "✓")));
            }
            Err(seen) => {
                self.failed.push(format!("{}: {text}: {}", self.act, seen.trim_end()));
                self.line(&format!("  {} {text}", self.ink(Ink::Red, "✗")));
                self.line(&self.ink(Ink::Red, &format!("    {}", shortened(&seen))));
            }
        }
    }

    /// An act that could not go on.
    pub fn broke_off(&mut self, fault: &Fault) {
        self.claim("the act could be played to its end", Err(fault.to_string()));
    }

    /// The last words: what failed, then one line that sums up.
    pub fn close(&self) {
        let failed = self.failed.len();
        if failed > 0 {
            self.line(&self.ink(Ink::Red, "\nwhat failed:"));
            for claim in &self.failed {
                self.line(&format!("  - {}", shortened(claim)));
            }
        }
        let ink = if failed == 0 { Ink::Green } else { Ink::Red };
        self.line(&format!(
            "\n{}",
            self.ink(ink, &format!("{} claims held, {failed} failed", self.held))
        ));
    }

    /// The end of a log.
    pub fn tail(&self, name: &str, log: &str) {
        let lines: Vec<&str> = log.lines().collect();
        self.line(&format!("\n{}", self.ink(Ink::Bold, &format!("the end of {name}:"))));
        for line in &lines[lines.len().saturating_sub(20)..] {
            self.line(&format!("  {line}"));
        }
    }

    fn ink(&self, ink: Ink, text: &str) -> String {
        let code = match ink {
            Ink::Bold => "1",
            Ink::Cyan => "36",
            Ink::Dim => "2",
            Ink::Green => "32",
            Ink::Red => "31",
            Ink::Yellow => "33",
        };
        match self.voice {
            Voice::Coloured => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }

    fn line(&self, text: &str) {
        if self.voice != Voice::Silent {
            // Whoever closed our output has read enough; the claims count all the same.
            let _closed = writeln!(std::io::stdout().lock(), "{text}");
        }
    }
}

/// Cuts what looks like a token out of the middle: `3f9a41…c07e`.
#[must_use]
pub fn shortened(text: &str) -> String {
    let mut shown = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\0']) {
        if c.is_ascii_alphanumeric() || "-_.".contains(c) {
            word.push(c);
            continue;
        }
        if word.len() >= 40 {
            shown.push_str(&format!("{}…{}", &word[..8], &word[word.len() - 4..]));
        } else {
            shown.push_str(&word);
        }
        word.clear();
        shown.push(c);
    }
    shown.trim_end_matches('\0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_shortened_and_words_are_not() {
        let token = "0123456789abcdef".repeat(4);
        let text = format!("{{\"token\":\"{token}\",\"email\":\"someone@demo.example\"}}");
        assert_eq!(
            shortened(&text),
            "{\"token\":\"01234567…cdef\",\"email\":\"someone@demo.example\"}"
        );
    }

    #[test]
    fn claims_are_counted() {
        let mut transcript = Transcript::silent();
        transcript.act("x");
        transcript.claim("a", Ok(()));
        transcript.claim("b", Err("c".to_owned()));
        assert_eq!((transcript.held(), transcript.failed()), (1, &["x: b: c".to_owned()][..]));
    }
}
