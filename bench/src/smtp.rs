//! The baseline of the drain: bare SMTP of the same size into the same sink, and the sink as a program of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::cpu;
use crate::fault::{Benched, fault};
use crate::sidecar::end;
use crate::sink::Sink;

const START: Duration = Duration::from_secs(10);
/// Bytes of a mail of ours, about.
const MAIL: usize = 3000;
/// As many as the sidecar uses.
const CONNECTIONS: usize = 4;

/// postfix's smtp-sink, or ours where that is not there.
#[derive(Debug)]
pub(crate) struct Outside {
    child: Child,
    address: SocketAddr,
    pub(crate) name: &'static str,
}

impl Outside {
    pub(crate) fn start(smtp_sink: Option<&Path>) -> Benched<Self> {
        // Free now; nobody else here takes it in the next moment.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = match smtp_sink {
            Some(program) => postfix(program, address),
            None => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["sink", &address.to_string()]);
                command
            }
        };
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let name = if smtp_sink.is_some() { "smtp-sink" } else { "our own sink" };
        let outside = Self { child, address, name };
        let late = Instant::now() + START;
        while TcpStream::connect(address).is_err() {
            if Instant::now() > late {
                return Err(fault(format!("{name} does not listen")));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(outside)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn cpu(&self) -> Benched<Duration> {
        cpu::of_family(self.child.id())
    }

    /// Mails a second that a bare client gets into it.
    pub(crate) fn bare_rate(&self, mails: usize) -> Benched<f64> {
        let share = mails.div_ceil(CONNECTIONS);
        let begun = Instant::now();
        let told: Vec<Benched<()>> = thread::scope(|scope| {
            let clients: Vec<_> =
                (0..CONNECTIONS).map(|_| scope.spawn(|| send(self.address, share))).collect();
            let join = |client: thread::ScopedJoinHandle<'_, Benched<()>>| {
                client.join().unwrap_or_else(|_| Err(fault("a client of the sink failed")))
            };
            clients.into_iter().map(join).collect()
        });
        told.into_iter().collect::<Benched<()>>()?;
        Ok((share * CONNECTIONS) as f64 / begun.elapsed().as_secs_f64())
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Runs our own sink alone, until it is killed.
pub(crate) fn serve(address: SocketAddr) -> Benched<()> {
    let _sink = Sink::start(address)?;
    loop {
        thread::park();
    }
}

/// Unpacked beside its libraries or installed; as root it wants to know whom to be.
fn postfix(program: &Path, address: SocketAddr) -> Command {
    let mut command = Command::new(program);
    if let Some(usr) = program.parent().and_then(Path::parent) {
        command.env("LD_LIBRARY_PATH", usr.join("lib/postfix"));
    }
    if rustix::process::getuid().is_root() {
        command.args(["-u", "nobody"]);
    }
    command.args([&address.to_string(), "128"]);
    command
}

fn send(to: SocketAddr, mails: usize) -> Benched<()> {
    let mut out = TcpStream::connect(to)?;
    out.set_nodelay(true)?;
    let mut replies = BufReader::new(out.try_clone()?);
    let body = format!(
        "{}\r\n.\r\n",
        "a line of a mail of about sixty bytes, more or less.\r\n".repeat(MAIL / 54)
    );
    let mut say = |words: &str| -> Benched<()> {
        out.write_all(words.as_bytes())?;
        read_reply(&mut replies)
    };
    say("")?;
    say("EHLO bench\r\n")?;
    for _ in 0..mails {
        say("MAIL FROM:<bench@example.com>\r\n")?;
        say("RCPT TO:<ann@example.com>\r\n")?;
        say("DATA\r\n")?;
        say(&body)?;
    }
    say("QUIT\r\n")
}

/// All lines of one reply; every one of them is good news.
fn read_reply(replies: &mut impl BufRead) -> Benched<()> {
    let mut line = String::new();
    loop {
        line.clear();
        replies.read_line(&mut line)?;
        match line.as_bytes() {
            [b'2' | b'3', _, _, b'-', ..] => {}
            [b'2' | b'3', ..] => return Ok(()),
            _ => return Err(fault(format!("the sink said: {line}"))),
        }
    }
}
