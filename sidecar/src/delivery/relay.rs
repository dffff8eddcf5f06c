//! SMTP to one relay, over a few connections that are used again. Invariants: the content never leaves in clear except
//! to loopback; each mail is one write, because lettre's own two meet Nagle and a delayed ACK (43 ms a mail); a connection
//! that showed any fault is not used again.

use std::error::Error;
use std::fmt::{self, Display};
use std::future::Future;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Severity;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

use crate::config::{MailConfig, Relay, Tls};

use super::mime::Sealed;
use super::{CourierFault, Reason};

/// Below what relays grant an idle client.
const IDLE: Duration = Duration::from_secs(20);
/// For each answer of the relay.
const PATIENCE: Duration = Duration::from_secs(10);
/// Replies that tell about our log-in, not about the letter (RFC 4954).
const LOGIN_REPLIES: [u16; 4] = [530, 534, 535, 538];
/// The relay closes (RFC 5321, 3.8): whatever it was asked, this tells about itself.
const CLOSING: u16 = 421;

pub(super) struct RelayPool {
    relay: Relay,
    /// For the log.
    name: String,
    tls: Option<TlsParameters>,
    hello: ClientId,
    login: Option<Credentials>,
    pub(super) patience: Duration,
    places: Semaphore,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

/// The right to use one connection.
pub(super) struct Place<'p>(#[expect(dead_code, reason = "held, not read")] SemaphorePermit<'p>);

/// Why a relay did not take a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) reason: Reason,
    step: Step,
}

/// How far a mail came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Connect, TLS, greeting, log-in.
    Open,
    /// The first command: also what a connection that died while idle shows.
    Mail,
    Rcpt,
    Data,
    /// From here on the relay may have taken it, even if it does not say so.
    Content,
}

impl Failure {
    /// No other attempt can succeed.
    pub(super) fn is_final(self) -> bool {
        self.step != Step::Open
            && match self.reason {
                Reason::Recipient(_) => true,
                Reason::Reply(code) => code >= 500 && !LOGIN_REPLIES.contains(&code),
                _ => false,
            }
    }

    /// Nobody knows whether the relay has the mail.
    pub(super) fn may_be_taken(self) -> bool {
        self.step == Step::Content && !matches!(self.reason, Reason::Reply(_))
    }

    /// It tells about the relay or the way there, not about this mail.
    pub(super) fn is_of_the_way(self) -> bool {
        match self.reason {
            Reason::Recipient(_) => false,
            Reason::Reply(code) => {
                self.step == Step::Open || code == CLOSING || LOGIN_REPLIES.contains(&code)
            }
            _ => true,
        }
    }
}

impl RelayPool {
    pub(super) fn new(relay: &Relay, mail: &MailConfig) -> Result<Self, CourierFault> {
        let relay = relay.clone();
        let tls = match relay.tls {
            Tls::None => None,
            Tls::Implicit | Tls::Starttls => {
                Some(TlsParameters::new(relay.host.clone()).map_err(|_| CourierFault::Tls)?)
            }
        };
        let login = relay.login.as_ref();
        let login = login.map(|it| Credentials::new(it.user.clone(), it.password.to_string()));
        Ok(Self {
            name: format!("{}:{}", relay.host, relay.port),
            relay,
            tls,
            hello: ClientId::Domain(mail.from.email.domain().to_owned()),
            login,
            patience: PATIENCE,
            places: Semaphore::new(mail.connections),
            idle: Mutex::new(Vec::new()),
        })
    }

    /// Host and port.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Waits until fewer mails than `mail.connections` are on their way to this relay.
    pub(super) async fn place(&self) -> Option<Place<'_>> {
        self.places.acquire().await.ok().map(Place)
    }

    pub(super) async fn send(&self, _place: &Place<'_>, mail: &Sealed) -> Result<(), Failure> {
        if let Some(connection) = self.idle_connection() {
            match self.transact(connection, mail).await {
                Err(failure) if failure.step == Step::Mail && !failure.is_final() => {}
                result => return result,
            }
        }
        match self.open().await {
            Ok(connection) => self.transact(connection, mail).await,
            Err(reason) => Err(Failure { reason, step: Step::Open }),
        }
    }

    fn idle_connection(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, since)| since.elapsed() < IDLE);
        idle.pop().map(|(connection, _)| connection)
    }

    pub(super) async fn open(&self) -> Result<AsyncSmtpConnection, Reason> {
        let mut connection = match (self.relay.tls, &self.tls) {
            (Tls::Implicit, Some(tls)) => self.connect_tls(tls).await?,
            (Tls::Starttls, Some(tls)) => self.connect_starttls(tls).await?,
            _ => self.connect_plain().await?,
        };
        if let Some(login) = &self.login {
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            self.step(connection.auth(&mechanisms, login)).await?;
        }
        Ok(connection)
    }

    async fn connect_tls(&self, tls: &TlsParameters) -> Result<AsyncSmtpConnection, Reason> {
        let server = (self.relay.host.as_str(), self.relay.port);
        let connection =
            AsyncSmtpConnection::connect_tokio1(server, None, &self.hello, Some(tls.clone()), None);
        self.step(connection).await
    }

    async fn connect_starttls(&self, tls: &TlsParameters) -> Result<AsyncSmtpConnection, Reason> {
        let mut connection = self.greet(self.connect_tcp().await?).await?;
        if !connection.can_starttls() {
            return Err(Reason::Insecure);
        }
        self.step(connection.starttls(tls.clone(), &self.hello)).await?;
        Ok(connection)
    }

    /// The configuration refuses other hosts; that the name also resolves to loopback shows only here.
    async fn connect_plain(&self) -> Result<AsyncSmtpConnection, Reason> {
        let stream = self.connect_tcp().await?;
        let peer = stream.peer_addr().map_err(|_| Reason::Unreachable)?;
        if !peer.ip().is_loopback() {
            return Err(Reason::Insecure);
        }
        self.greet(stream).await
    }

    async fn connect_tcp(&self) -> Result<TcpStream, Reason> {
        let connecting = TcpStream::connect((self.relay.host.as_str(), self.relay.port));
        let stream = timeout(self.patience, connecting).await.map_err(|_| Reason::Timeout)?;
        let stream = stream.map_err(|_| Reason::Unreachable)?;
        stream.set_nodelay(true).map_err(|_| Reason::Unreachable)?;
        Ok(stream)
    }

    async fn greet(&self, stream: TcpStream) -> Result<AsyncSmtpConnection, Reason> {
        self.step(AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello)).await
    }

    /// One mail; the connection comes back to the pool only when all went well.
    async fn transact(
        &self,
        mut connection: AsyncSmtpConnection,
        mail: &Sealed,
    ) -> Result<(), Failure> {
        let result = self.commands(&mut connection, mail).await;
        if result.is_ok() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push((connection, Instant::now()));
        } else {
            self.leave(connection).await;
        }
        result
    }

    /// Politeness only; what matters has been said.
    pub(super) async fn leave(&self, mut connection: AsyncSmtpConnection) {
        drop(timeout(Duration::from_secs(1), connection.quit()).await);
    }

    async fn commands(
        &self,
        connection: &mut AsyncSmtpConnection,
        mail: &Sealed,
    ) -> Result<(), Failure> {
        use Severity::{PositiveCompletion as Done, PositiveIntermediate as GoOn};
        let at = |step| move |reason| Failure { reason, step };
        let from = Mail::new(Some(mail.from.clone()), Vec::new());
        let to = Rcpt::new(mail.to.clone(), Vec::new());
        let content = with_dots(&mail.content);
        self.command(connection, from, Done).await.map_err(at(Step::Mail))?;
        self.recipient(connection, to).await.map_err(at(Step::Rcpt))?;
        self.command(connection, Data, GoOn).await.map_err(at(Step::Data))?;
        self.command(connection, content.as_str(), Done).await.map_err(at(Step::Content))
    }

    pub(super) async fn recipient(
        &self,
        connection: &mut AsyncSmtpConnection,
        to: Rcpt,
    ) -> Result<(), Reason> {
        let answered = timeout(self.patience, connection.command(to)).await;
        let response = answered.map_err(|_| Reason::Timeout)?.map_err(|error| {
            match (reason(&error), error.source()) {
                (Reason::Reply(code), Some(text)) if is_bounce(code, &text.to_string()) => {
                    Reason::Recipient(code)
                }
                (reason, _) => reason,
            }
        })?;
        let done = response.code().severity == Severity::PositiveCompletion;
        done.then_some(()).ok_or(Reason::Garbled)
    }

    pub(super) async fn command(
        &self,
        connection: &mut AsyncSmtpConnection,
        command: impl Display,
        expected: Severity,
    ) -> Result<(), Reason> {
        let response = self.step(connection.command(command)).await?;
        let as_expected = response.code().severity == expected;
        as_expected.then_some(()).ok_or(Reason::Garbled)
    }

    async fn step<T>(
        &self,
        answer: impl Future<Output = Result<T, SmtpError>>,
    ) -> Result<T, Reason> {
        let answered = timeout(self.patience, answer).await.map_err(|_| Reason::Timeout)?;
        answered.map_err(|error| reason(&error))
    }
}

fn reason(error: &SmtpError) -> Reason {
    match error.status() {
        Some(code) => Reason::Reply(code.into()),
        None if error.is_response() => Reason::Garbled,
        None if is_tls(error) => Reason::Tls,
        None if error.is_client() => Reason::Insecure,
        None => Reason::Unreachable,
    }
}

/// A failed handshake is a connection error to lettre; rustls marks it as invalid data.
fn is_tls(error: &SmtpError) -> bool {
    let sources = std::iter::successors(error.source(), |&error| error.source());
    let mut io = sources.filter_map(|error| error.downcast_ref::<io::Error>());
    error.is_tls() || io.any(|error| error.kind() == io::ErrorKind::InvalidData)
}

/// Whether an answer to RCPT says that the mailbox is not there. The enhanced code (RFC 3463) is more exact: 5.1.x and
/// 5.2.1 are of the mailbox, others (5.7.1: relaying or policy) of ours. Only without one the reply code decides.
fn is_bounce(code: u16, text: &str) -> bool {
    match enhanced(text) {
        Some(["5", "1", _] | ["5", "2", "1"]) => code >= 500,
        Some(_) => false,
        None => matches!(code, 550 | 551 | 553),
    }
}

/// `5.1.1` at the beginning of a reply's text.
fn enhanced(text: &str) -> Option<[&str; 3]> {
    let first = text.split([' ', '-']).next()?;
    let parts: Vec<&str> = first.split('.').collect();
    let is_number = |part: &&str| {
        (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    parts.try_into().ok().filter(|parts: &[&str; 3]| parts.iter().all(is_number))
}

/// The content with its dots doubled at line starts, and the dot that ends it (RFC 5321, 4.5.2).
fn with_dots(content: &str) -> Zeroizing<String> {
    let mut out = String::with_capacity(content.len() + content.len() / 32 + 5);
    for line in content.split_inclusive("\r\n") {
        if line.starts_with('.') {
            out.push('.');
        }
        out.push_str(line);
    }
    if !out.ends_with("\r\n") {
        out.push_str("\r\n");
    }
    out.push_str(".\r\n");
    out.into()
}

impl fmt::Debug for RelayPool {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "RelayPool({:?}, ..)", self.relay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bounce_is_of_the_mailbox() {
        let table = [
            (550, "no such user", true),
            (550, "", true),
            (551, "user not local", true),
            (553, "mailbox name not allowed", true),
            (552, "full", false),
            (554, "no", false),
            (550, "5.1.1 <a@b.example>: unknown", true),
            (554, "5.1.10 null mx", true),
            (550, "5.2.1 disabled", true),
            (550, "5.2.2 full", false),
            (550, "5.7.1 relaying denied", false),
            (450, "4.1.1 try again", false),
            (450, "5.1.1 at odds with itself", false),
            (550, "5.a.1 is no code", true),
            (550, "192.0.2.1 is not one either", true),
        ];
        for (code, text, bounced) in table {
            assert_eq!(is_bounce(code, text), bounced, "{code} {text}");
        }
    }

    #[test]
    fn dots_are_doubled_and_the_end_is_marked() {
        let table = [
            ("", "\r\n.\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            (".\r\n.a\r\nb.\r\n", "..\r\n..a\r\nb.\r\n.\r\n"),
            ("a", "a\r\n.\r\n"),
        ];
        for (content, sent) in table {
            assert_eq!(with_dots(content).as_str(), sent);
        }
    }
}
