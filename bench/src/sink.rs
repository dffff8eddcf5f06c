//! A mail server that takes everything. Here it runs in our own process and notes when a mail came and what it carried;
//! `rekey-bench sink` runs it alone, so that its CPU can be told apart.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::fault::{Benched, fault};

#[derive(Clone, Debug)]
pub(crate) struct Sink {
    address: SocketAddr,
    taken: Arc<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    mails: Mutex<HashMap<String, Mail>>,
    more: Condvar,
}

/// A mail, by its recipient; the last one of each counts.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    /// When the sink had all of it.
    pub(crate) at: Instant,
    /// Six digits; empty where it has none.
    pub(crate) code: String,
    /// Behind `token=` in its link; empty where it has none.
    pub(crate) token: String,
}

impl Sink {
    pub(crate) fn start(address: SocketAddr) -> Benched<Self> {
        let listener = TcpListener::bind(address)?;
        let sink = Self { address: listener.local_addr()?, taken: Arc::default() };
        let taken = Arc::clone(&sink.taken);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let taken = Arc::clone(&taken);
                // A connection that breaks is the sidecar's affair.
                thread::spawn(move || drop(talk(stream, &taken)));
            }
        });
        Ok(sink)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Forgets what came, and waits for mails to this many others.
    pub(crate) fn forget(&self) {
        self.taken.mails().clear();
    }

    /// Waits until mails to this many recipients came; gives all.
    pub(crate) fn wait_for(
        &self,
        count: usize,
        patience: Duration,
    ) -> Benched<HashMap<String, Mail>> {
        let few = |mails: &mut HashMap<String, Mail>| mails.len() < count;
        let waited = self.taken.more.wait_timeout_while(self.taken.mails(), patience, few);
        let (mails, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match mails.len() {
            enough if enough >= count => Ok(mails.clone()),
            few => Err(fault(format!("{few} of {count} mails came in {patience:?}"))),
        }
    }
}

impl Taken {
    fn mails(&self) -> MutexGuard<'_, HashMap<String, Mail>> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// SMTP, as much of it as a relay's client needs (RFC 5321).
fn talk(stream: TcpStream, taken: &Taken) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    out.write_all(b"220 sink\r\n")?;
    let (mut line, mut to) = (String::new(), String::new());
    loop {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" | "HELO" => out.write_all(b"250 sink\r\n")?,
            "RCPT" => {
                to = recipient(&line);
                out.write_all(b"250 ok\r\n")?;
            }
            "DATA" => {
                out.write_all(b"354 go on\r\n")?;
                let text = read_mail(&mut lines)?;
                let at = Instant::now();
                taken
                    .mails()
                    .insert(to.clone(), Mail { at, code: code(&text), token: token(&text) });
                taken.more.notify_all();
                out.write_all(b"250 taken\r\n")?;
            }
            "QUIT" => return out.write_all(b"221 bye\r\n"),
            _ => out.write_all(b"250 ok\r\n")?,
        }
    }
}

fn read_mail(lines: &mut impl BufRead) -> std::io::Result<String> {
    let (mut text, mut line) = (String::new(), String::new());
    while lines.read_line(&mut line)? > 0 && line != ".\r\n" {
        text.push_str(&line);
        line.clear();
    }
    Ok(text)
}

fn recipient(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or("", |(address, _)| address).to_owned()
}

/// The six digits that stand alone on a line.
fn code(text: &str) -> String {
    let digits = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
    text.lines().find(digits).unwrap_or_default().to_owned()
}

/// Quoted-printable breaks long lines with `=` and writes `=` as `=3D`.
fn token(text: &str) -> String {
    let joined = text.replace("=\r\n", "").replace("=3D", "=");
    let found = joined.split_once("token=").map(|(_, rest)| rest);
    found.unwrap_or_default().chars().take_while(char::is_ascii_hexdigit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_token_are_found() {
        let text =
            "To: x\r\n\r\n123456 words\r\nhttp://h/reset#token=3Dab12=\r\n34 end\r\n654321\r\n";
        assert_eq!(code(text), "654321");
        assert_eq!(token(text), "ab1234");
        assert_eq!(recipient("RCPT TO:<a@example.com>\r\n"), "a@example.com");
    }
}
