//! A mail server of our own that does to a sender whatever a test wants: takes mails, stalls, breaks off, greylists,
//! refuses, talks nonsense. The conversation is a real one, over TCP; what was taken is kept with its envelope.

mod talk;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{DEADLINE, Mail, Staged, until};

/// Where in the conversation it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// In the place of the first line.
    Greeting,
    /// In the place of the answer to RCPT.
    Recipient,
    /// In the place of the answer to DATA.
    Data,
    /// In the place of the answer to the content. Who stalls or breaks off here has taken the mail; its sender cannot
    /// know.
    Content,
}

/// What it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    #[default]
    Accept,
    /// This reply code (4yz, 5yz); at the greeting and in any other place.
    Answer(At, u16),
    /// Closes the connection without a word.
    Drop(At),
    /// A line that is not SMTP.
    Garbage(At),
    /// 451 to a recipient that it sees for the first time; then takes his mails.
    Greylist,
    /// Says nothing and keeps the connection.
    Stall(At),
}

/// A mail that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    pub from: String,
    pub to: Vec<String>,
    pub mail: Mail,
    pub at: Instant,
}

impl Taken {
    /// What repeats of one mail have in common.
    #[must_use]
    pub fn message_id(&self) -> &str {
        self.mail.header("message-id").unwrap_or_default()
    }

    #[must_use]
    pub fn is_to(&self, to: &str) -> bool {
        self.to.iter().any(|one| one.eq_ignore_ascii_case(to))
    }
}

/// A running server. It ends, and closes every connection, when it is dropped.
#[derive(Debug)]
pub struct Relay {
    addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
    stopped: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    manner: Manner,
    /// In the place of `manner`, for one recipient.
    special: BTreeMap<String, Manner>,
    greeted: BTreeSet<String>,
    taken: Vec<Taken>,
    connections: usize,
    streams: Vec<TcpStream>,
}

impl Relay {
    /// On a free port of the loopback address; it takes everything until told otherwise.
    ///
    /// # Errors
    /// No port is free.
    pub fn start() -> Staged<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let addr = listener.local_addr()?;
        let shared = Arc::<Shared>::default();
        let ours = Arc::clone(&shared);
        let accepting = std::thread::spawn(move || accept(&listener, &ours));
        Ok(Self { addr, shared, accepting: Some(accepting) })
    }

    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// From now on. Connections that stall are closed, so that their senders come again.
    pub fn set(&self, manner: Manner) {
        let mut state = self.shared.lock();
        state.manner = manner;
        close(&mut state);
    }

    /// For this recipient, from now on; not at the greeting, where no recipient is known.
    pub fn set_for(&self, recipient: &str, manner: Manner) {
        self.shared.lock().special.insert(recipient.to_ascii_lowercase(), manner);
    }

    /// Every mail so far, oldest first.
    #[must_use]
    pub fn taken(&self) -> Vec<Taken> {
        self.shared.lock().taken.clone()
    }

    /// How many mails so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.lock().taken.len()
    }

    /// The mails to one recipient, oldest first.
    #[must_use]
    pub fn to(&self, to: &str) -> Vec<Taken> {
        self.shared.lock().taken.iter().filter(|taken| taken.is_to(to)).cloned().collect()
    }

    /// Connections that were ever made.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.lock().connections
    }

    /// Waits until there are at least `count` mails to this recipient.
    ///
    /// # Errors
    /// The deadline passed.
    pub fn wait_for(&self, to: &str, count: usize) -> Staged<Vec<Taken>> {
        let found = self.wait_within(DEADLINE, to, |taken| {
            (taken.len() >= count).then(|| taken.iter().copied().cloned().collect())
        });
        found.ok_or_else(|| {
            super::Fault::new("mail", format!("{} of {count} to {to}", self.to(to).len()))
        })
    }

    /// Waits until `pick` finds what it wants among the mails to this recipient, oldest first; `None` when the time is over.
    pub fn wait_within<T>(
        &self,
        patience: Duration,
        to: &str,
        mut pick: impl FnMut(&[&Taken]) -> Option<T>,
    ) -> Option<T> {
        let end = Instant::now() + patience;
        let mut state = self.shared.lock();
        loop {
            let mails: Vec<&Taken> = state.taken.iter().filter(|taken| taken.is_to(to)).collect();
            let (found, left) = (pick(&mails), end.saturating_duration_since(Instant::now()));
            if found.is_some() || left.is_zero() {
                return found;
            }
            let waited = self.shared.arrived.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until that many connections were made.
    ///
    /// # Errors
    /// The deadline passed.
    pub fn wait_for_connections(&self, count: usize) -> Staged<()> {
        until("connections at a mail server", || Ok((self.connections() >= count).then_some(())))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, which then sees the flag.
        let _woken = TcpStream::connect(self.addr);
        if let Some(thread) = self.accepting.take() {
            let _ended = thread.join();
        }
        close(&mut self.shared.lock());
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn manner(&self) -> Manner {
        self.lock().manner
    }

    /// What is done to a mail to this recipient.
    fn manner_to(&self, recipient: &str) -> Manner {
        let mut state = self.lock();
        let key = recipient.to_ascii_lowercase();
        let manner = state.special.get(&key).copied().unwrap_or(state.manner);
        match manner {
            Manner::Greylist if state.greeted.insert(key) => Manner::Answer(At::Recipient, 451),
            Manner::Greylist => Manner::Accept,
            other => other,
        }
    }

    fn take(&self, taken: Taken) {
        self.lock().taken.push(taken);
        self.arrived.notify_all();
    }
}

fn close(state: &mut State) {
    for stream in state.streams.drain(..) {
        let _closed = stream.shutdown(Shutdown::Both);
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(twin) = stream.try_clone() else { continue };
        let mut state = shared.lock();
        state.connections += 1;
        state.streams.push(twin);
        drop(state);
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            // A fault here is the peer's: a connection that broke off.
            let _fault = talk::converse(&stream, &shared);
            let _closed = stream.shutdown(Shutdown::Both);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Line;

    /// Says these lines, and gives the code of each answer; ends where the server ends.
    fn say(relay: &Relay, lines: &[&str]) -> Vec<String> {
        let mut line = Line::connect(relay.addr()).unwrap();
        let mut codes = Vec::new();
        for (at, words) in [""].iter().chain(lines).enumerate() {
            if at > 0 && line.write(format!("{words}\r\n").as_bytes()).is_err() {
                break;
            }
            let answer = String::from_utf8(line.bytes(1000).unwrap_or_default()).unwrap();
            if answer.is_empty() {
                break;
            }
            codes.push(answer.chars().take(3).collect());
        }
        codes
    }

    const MAIL: [&str; 6] = [
        "EHLO h",
        "MAIL FROM:<a@example.com> BODY=8BITMIME",
        "RCPT TO:<Jo@example.com>",
        "DATA",
        "Subject: s\r\nMessage-ID: <1@h>\r\n\r\n..dot\r\n.",
        "QUIT",
    ];

    #[test]
    fn a_mail_is_kept_with_its_envelope() {
        let relay = Relay::start().unwrap();
        assert_eq!(say(&relay, &MAIL), ["220", "250", "250", "250", "354", "250", "221"]);
        let [taken] = relay.wait_for("jo@example.com", 1).unwrap().try_into().unwrap();
        assert_eq!(
            (taken.from.as_str(), taken.to.as_slice()),
            ("a@example.com", &["Jo@example.com".to_owned()][..])
        );
        assert_eq!((taken.message_id(), taken.mail.text().trim()), ("1@h", ".dot"));
        assert_eq!(
            say(&relay, &["RCPT TO:<a@b.c>", "DATA", "NOOP", "what"]),
            ["220", "503", "503", "250", "500"]
        );
        assert_eq!((relay.count(), relay.connections()), (1, 2));
    }

    #[test]
    fn it_misbehaves_as_told() {
        let table: [(Manner, &[&str], usize); 11] = [
            (Manner::Answer(At::Greeting, 421), &["421"], 0),
            (Manner::Answer(At::Recipient, 550), &["220", "250", "250", "550", "503"], 0),
            (Manner::Answer(At::Data, 451), &["220", "250", "250", "250", "451"], 0),
            (
                Manner::Answer(At::Content, 554),
                &["220", "250", "250", "250", "354", "554", "221"],
                0,
            ),
            (Manner::Drop(At::Greeting), &[], 0),
            (Manner::Drop(At::Recipient), &["220", "250", "250"], 0),
            (Manner::Drop(At::Data), &["220", "250", "250", "250"], 0),
            (Manner::Drop(At::Content), &["220", "250", "250", "250", "354"], 1),
            (Manner::Garbage(At::Greeting), &["\u{1}\u{2}g"], 0),
            (
                Manner::Garbage(At::Content),
                &["220", "250", "250", "250", "354", "\u{1}\u{2}g", "221"],
                0,
            ),
            (Manner::Accept, &["220", "250", "250", "250", "354", "250", "221"], 1),
        ];
        for (manner, codes, taken) in table {
            let relay = Relay::start().unwrap();
            relay.set(manner);
            let said = say(&relay, &MAIL);
            assert_eq!(
                said.iter().take(codes.len()).collect::<Vec<_>>(),
                codes.iter().collect::<Vec<_>>(),
                "{manner:?}"
            );
            assert_eq!(relay.count(), taken, "{manner:?}");
        }
    }

    #[test]
    fn a_greylisted_recipient_comes_through_the_second_time() {
        let relay = Relay::start().unwrap();
        relay.set_for("jo@EXAMPLE.com", Manner::Greylist);
        assert_eq!(say(&relay, &MAIL[..3]), ["220", "250", "250", "451"]);
        assert_eq!(say(&relay, &MAIL[..3]), ["220", "250", "250", "250"]);
        assert_eq!(say(&relay, &["EHLO h", "MAIL FROM:<>", "RCPT TO:<b@example.com>"])[3], "250");
    }

    #[test]
    fn who_is_kept_waiting_is_let_go_by_the_next_order() {
        let relay = Relay::start().unwrap();
        relay.set(Manner::Stall(At::Recipient));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| say(&relay, &MAIL));
            relay.wait_for_connections(1).unwrap();
            // It has come as far as it can once it has been answered twice; closing sooner only shortens what it saw.
            relay.set(Manner::Accept);
            let codes = waiting.join().unwrap();
            assert!(codes.len() <= 3 && relay.count() == 0, "{codes:?}");
        });
    }
}
