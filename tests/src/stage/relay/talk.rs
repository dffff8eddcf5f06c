//! One conversation in SMTP, as RFC 5321 has it, up to the place where it goes wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::{At, Manner, Shared, Taken};
use crate::stage::{Mail, Staged};

/// Longer than any test keeps a connection.
const IDLE: Duration = Duration::from_secs(300);
const LONGEST_LINE: u64 = 4096;

/// Whether the conversation goes on.
enum Then {
    GoOn,
    End,
}

/// What was said of the mail so far.
#[derive(Default)]
struct Letter {
    from: Option<String>,
    to: Vec<String>,
    /// The last recipient's.
    manner: Manner,
}

pub(super) fn converse(stream: &TcpStream, shared: &Shared) -> Staged<()> {
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = Vec::new();
    let mut letter = Letter::default();
    let greeting = answer(stream, shared.manner(), At::Greeting, "220 relay.test ESMTP");
    if let Then::End = greeting? {
        return Ok(());
    }
    loop {
        line.clear();
        if reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        if let Then::End = obey(&text, stream, &mut reader, shared, &mut letter)? {
            return Ok(());
        }
    }
}

fn obey(
    line: &str,
    stream: &TcpStream,
    reader: &mut BufReader<TcpStream>,
    shared: &Shared,
    letter: &mut Letter,
) -> Staged<Then> {
    let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
    match verb.as_str() {
        "EHLO" => say(stream, "250-relay.test\r\n250-8BITMIME\r\n250 SMTPUTF8"),
        "HELO" | "NOOP" => say(stream, "250 OK"),
        "RSET" => {
            *letter = Letter::default();
            say(stream, "250 OK")
        }
        "QUIT" => {
            say(stream, "221 bye")?;
            Ok(Then::End)
        }
        "MAIL" => {
            *letter = Letter { from: Some(path(line)), ..Letter::default() };
            say(stream, "250 OK")
        }
        "RCPT" if letter.from.is_none() => say(stream, "503 MAIL first"),
        "RCPT" => {
            let to = path(line);
            letter.manner = shared.manner_to(&to);
            let refused = matches!(letter.manner, Manner::Answer(At::Recipient, _));
            if !refused {
                letter.to.push(to);
            }
            answer(stream, letter.manner, At::Recipient, "250 OK")
        }
        "DATA" if letter.to.is_empty() => say(stream, "503 RCPT first"),
        "DATA" => data(stream, reader, shared, std::mem::take(letter)),
        _ => say(stream, "500 what?"),
    }
}

fn data(
    stream: &TcpStream,
    reader: &mut BufReader<TcpStream>,
    shared: &Shared,
    letter: Letter,
) -> Staged<Then> {
    let manner = letter.manner;
    let Then::GoOn = answer(stream, manner, At::Data, "354 go on")? else { return Ok(Then::End) };
    if matches!(manner, Manner::Answer(At::Data, _) | Manner::Garbage(At::Data)) {
        return Ok(Then::GoOn);
    }
    let raw = content(reader)?;
    let refused = matches!(manner, Manner::Answer(At::Content, _) | Manner::Garbage(At::Content));
    if !refused {
        let from = letter.from.unwrap_or_default();
        shared.take(Taken { from, to: letter.to, mail: Mail::parse(raw)?, at: Instant::now() });
    }
    answer(stream, manner, At::Content, "250 taken")
}

/// Up to the dot that stands alone; doubled dots are made single again.
fn content(reader: &mut BufReader<TcpStream>) -> Staged<Vec<u8>> {
    let (mut raw, mut line) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Err(crate::stage::Fault::new("a mail that breaks off", ""));
        }
        if line == b".\r\n" {
            return Ok(raw);
        }
        raw.extend(line.strip_prefix(b".").unwrap_or(&line));
    }
}

/// The usual answer, or what stands in its place here.
fn answer(stream: &TcpStream, manner: Manner, here: At, usual: &str) -> Staged<Then> {
    match manner {
        Manner::Answer(at, code) if at == here => {
            say(stream, &format!("{code} as told"))?;
            Ok(after(here))
        }
        Manner::Drop(at) if at == here => Ok(Then::End),
        Manner::Garbage(at) if at == here => {
            say(stream, "\u{1}\u{2}garbage, not a reply")?;
            Ok(after(here))
        }
        Manner::Stall(at) if at == here => {
            // Until the sender gives up, or somebody closes the connection.
            let mut rest = stream;
            std::io::copy(&mut rest, &mut std::io::sink())?;
            Ok(Then::End)
        }
        _ => say(stream, usual),
    }
}

/// A bad greeting is the end; later the sender has the next word.
fn after(here: At) -> Then {
    if here == At::Greeting { Then::End } else { Then::GoOn }
}

fn say(mut stream: &TcpStream, text: &str) -> Staged<Then> {
    stream.write_all(format!("{text}\r\n").as_bytes())?;
    Ok(Then::GoOn)
}

/// What stands in angle brackets.
fn path(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map(|(path, _)| path.to_owned()).unwrap_or_default()
}
