//! A real SMTP server on a free port; its mails lie in a Maildir that outlives it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Fault, Mail, Running, Staged, root, until, venv};

/// A running mail server.
#[derive(Debug)]
pub struct Mailbox {
    addr: SocketAddr,
    dir: PathBuf,
    running: Running,
}

impl Mailbox {
    /// Starts it; `dir` becomes the Maildir.
    ///
    /// # Errors
    /// Python or aiosmtpd is missing, or it is not up in time.
    pub fn start(dir: &Path) -> Staged<Self> {
        Self::start_on(dir, 0)
    }

    /// The same on a given port: a relay that comes back.
    ///
    /// # Errors
    /// As [`Self::start`], or the port is taken.
    pub fn start_on(dir: &Path, port: u16) -> Staged<Self> {
        std::fs::create_dir_all(dir)?;
        let python = venv("python");
        if !python.exists() {
            return Err(Fault::new(
                "no mail server",
                format!("{} is missing: run ./just setup", python.display()),
            ));
        }
        // aiosmtpd would take these for a mail, were they inside the Maildir's own folders.
        let maildir = dir.join("Maildir");
        let _none_yet = std::fs::remove_file(dir.join("mail.out"));
        let mut command = Command::new(python);
        command.arg(root().join("tests/src/stage/catcher.py")).arg(&maildir).arg(port.to_string());
        let mut running = Running::start("mail", dir, &mut command)?;
        let port = until("the mail server's port", || {
            running.still_runs()?;
            let out = running.out();
            Ok(out.ends_with('\n').then(|| out.trim().parse().ok()).flatten())
        })?;
        Ok(Self { addr: (Ipv4Addr::LOCALHOST, port).into(), dir: maildir, running })
    }

    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The Maildir.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Every mail so far, oldest first.
    ///
    /// # Errors
    /// The Maildir cannot be read.
    pub fn all(&self) -> Staged<Vec<Mail>> {
        let mut found = Vec::new();
        let new = self.dir.join("new");
        if !new.is_dir() {
            return Ok(Vec::new());
        }
        for entry in std::fs::read_dir(new)? {
            let entry = entry?;
            found.push((
                arrival(&entry.file_name().to_string_lossy()),
                std::fs::read(entry.path())?,
            ));
        }
        found.sort();
        found.into_iter().map(|(_, raw)| Mail::parse(raw)).collect()
    }

    /// The mails to one recipient so far, oldest first.
    ///
    /// # Errors
    /// As [`Self::all`].
    pub fn mails_to(&self, to: &str) -> Staged<Vec<Mail>> {
        let mut mails = self.all()?;
        mails.retain(|mail| mail.is_to(to));
        Ok(mails)
    }

    /// Waits until there are at least `count` mails to that recipient.
    ///
    /// # Errors
    /// The deadline passed.
    pub fn wait_for(&self, to: &str, count: usize) -> Staged<Vec<Mail>> {
        until("mail", || Ok(Some(self.mails_to(to)?).filter(|mails| mails.len() >= count)))
    }

    /// # Errors
    /// The system would not tell how it ended.
    pub fn stop(&mut self) -> Staged<()> {
        self.running.stop().map(drop)
    }
}

/// Seconds, microseconds and counter of a Maildir name such as `1700000000.M42P7Q3.host`, which sort as mails arrived.
fn arrival(name: &str) -> (u64, u64, u64) {
    let mut parts = name.split('.');
    let seconds = parts.next().and_then(|part| part.parse().ok()).unwrap_or_default();
    let unique = parts.next().unwrap_or_default();
    let number = |letter: char| {
        let digits = unique.split_once(letter).map(|(_, rest)| rest).unwrap_or_default();
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        digits[..end].parse().unwrap_or_default()
    };
    (seconds, number('M'), number('Q'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_arrives_over_smtp() {
        let dir = tempfile::tempdir().unwrap();
        let mailbox = Mailbox::start(dir.path()).unwrap();
        let mut line = crate::http::Line::connect(mailbox.addr()).unwrap();
        let mut say = |command: &str, answer: &str| {
            line.write(command.as_bytes()).unwrap();
            let said = line.bytes(1000).unwrap();
            assert!(
                said.starts_with(answer.as_bytes()),
                "{command}: {}",
                String::from_utf8_lossy(&said)
            );
        };
        say("", "220");
        say("HELO h\r\n", "250");
        say("MAIL FROM:<a@example.com>\r\n", "250");
        say("RCPT TO:<bounce@example.com>\r\n", "550");
        say("RCPT TO:<jo@example.com>\r\n", "250");
        say("DATA\r\n", "354");
        say("Subject: hi\r\n\r\ntext\r\n.\r\n", "250");
        let mails = mailbox.wait_for("jo@example.com", 1).unwrap();
        assert_eq!((mails[0].header("subject"), mails[0].text().trim()), (Some("hi"), "text"));
        assert!(mailbox.mails_to("bounce@example.com").unwrap().is_empty());
    }

    #[test]
    fn names_sort_by_arrival() {
        assert_eq!(arrival("1700000000.M42P7Q3.host"), (1_700_000_000, 42, 3));
        assert!(arrival("17.M9P1Q2.h") < arrival("17.M10P1Q1.h"));
    }
}
