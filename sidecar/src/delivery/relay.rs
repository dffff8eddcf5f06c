//! SMTP to the one relay, over a few connections that are used again. Invariants: the content never leaves in clear except
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
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

use crate::config::{MailConfig, Relay, Tls};

use super::mime::Sealed;
use super::{CourierFault, Delivery, Reason};

const CONNECTIONS: usize = 4;
/// Below what relays grant an idle client.
const IDLE: Duration = Duration::from_secs(20);
/// For each answer of the relay.
const PATIENCE: Duration = Duration::from_secs(10);
/// Replies that tell about our log-in, not about the letter (RFC 4954).
const LOGIN_REPLIES: [u16; 4] = [530, 534, 535, 538];

pub(super) struct RelayPool {
    relay: Relay,
    tls: Option<TlsParameters>,
    hello: ClientId,
    login: Option<Credentials>,
    pub(super) patience: Duration,
    places: Semaphore,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

/// Where a mail failed, once a connection was there.
enum Failure {
    /// At its first command: also what a connection that died while idle shows.
    Begin(Reason),
    After(Reason),
}

impl RelayPool {
    pub(super) fn new(mail: &MailConfig) -> Result<Self, CourierFault> {
        let relay = mail.relay.clone();
        let tls = match relay.tls {
            Tls::None => None,
            Tls::Implicit | Tls::Starttls => {
                Some(TlsParameters::new(relay.host.clone()).map_err(|_| CourierFault::Tls)?)
            }
        };
        let login = mail.user.clone().zip(mail.password.as_ref());
        Ok(Self {
            relay,
            tls,
            hello: ClientId::Domain(mail.from.email.domain().to_owned()),
            login: login.map(|(user, password)| Credentials::new(user, password.to_string())),
            patience: PATIENCE,
            places: Semaphore::new(CONNECTIONS),
            idle: Mutex::new(Vec::new()),
        })
    }

    pub(super) async fn send(&self, mail: &Sealed) -> Delivery {
        let Ok(_place) = self.places.acquire().await else {
            return Delivery::Later(Reason::Unreachable);
        };
        if let Some(connection) = self.idle_connection() {
            match self.transact(connection, mail).await {
                Err(Failure::Begin(reason)) if !is_final(reason) => {}
                result => return result.into(),
            }
        }
        match self.open().await {
            Ok(connection) => self.transact(connection, mail).await.into(),
            Err(reason) => Delivery::Later(reason),
        }
    }

    fn idle_connection(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, since)| since.elapsed() < IDLE);
        idle.pop().map(|(connection, _)| connection)
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, Reason> {
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
            // Politeness only; what matters has been said.
            drop(timeout(Duration::from_secs(1), connection.quit()).await);
        }
        result
    }

    async fn commands(
        &self,
        connection: &mut AsyncSmtpConnection,
        mail: &Sealed,
    ) -> Result<(), Failure> {
        use Severity::{PositiveCompletion as Done, PositiveIntermediate as GoOn};
        let from = Mail::new(Some(mail.from.clone()), Vec::new());
        let to = Rcpt::new(mail.to.clone(), Vec::new());
        let content = with_dots(&mail.content);
        self.command(connection, from, Done).await.map_err(Failure::Begin)?;
        self.command(connection, to, Done).await.map_err(Failure::After)?;
        self.command(connection, Data, GoOn).await.map_err(Failure::After)?;
        self.command(connection, content.as_str(), Done).await.map_err(Failure::After)
    }

    async fn command(
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

fn is_final(reason: Reason) -> bool {
    matches!(reason, Reason::Reply(code @ 500..) if !LOGIN_REPLIES.contains(&code))
}

impl From<Result<(), Failure>> for Delivery {
    fn from(result: Result<(), Failure>) -> Self {
        match result {
            Ok(()) => Self::Sent,
            Err(Failure::Begin(reason) | Failure::After(reason)) if is_final(reason) => {
                Self::Dead(reason)
            }
            Err(Failure::Begin(reason) | Failure::After(reason)) => Self::Later(reason),
        }
    }
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
