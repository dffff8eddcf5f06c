//! The courier against relays that take, refuse, stall and babble. Each relay is a thread on a port of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, channel};
use std::thread;
use std::time::Duration;

use contract::address::{Address, Channel};
use contract::language::Language;

use crate::clock::Millis;
use crate::config::{MailConfig, Relay, RelayLogin, Sender, Tls};

use super::{Courier, Delivery, Letter, LetterKind, Reason};

pub(super) const NOW: Millis = Millis(1_795_296_600_000);
const LINK: &str = "https://id.example.com/reset#token=aabb&email=a%40b.example";

pub(super) const SHORT: Duration = Duration::from_millis(400);
pub(super) const LONG: Duration = Duration::from_secs(30);

/// What the relay answers to each step; an empty text is silence, `hang up` closes.
#[derive(Clone, Copy)]
pub(super) struct Script {
    pub(super) greeting: &'static str,
    pub(super) ehlo: &'static str,
    pub(super) mail: &'static str,
    pub(super) rcpt: &'static str,
    pub(super) data: &'static str,
    pub(super) content: &'static str,
    /// Mails of one connection; then it is closed without a word.
    pub(super) mails: usize,
}

pub(super) const FRIENDLY: Script = Script {
    greeting: "220 relay",
    ehlo: "250-relay\r\n250-AUTH PLAIN\r\n250 8BITMIME",
    mail: "250 ok",
    rcpt: "250 ok",
    data: "354 go on",
    content: "250 taken",
    mails: 100,
};

/// What the relay saw.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Connection,
    Login(String),
    Mail { rcpt: String, content: String },
}

pub(super) struct FakeRelay {
    pub(super) port: u16,
    pub(super) seen: Receiver<Seen>,
    /// It is set: new connections are greeted as if the relay were down.
    pub(super) sick: Arc<AtomicBool>,
}

impl FakeRelay {
    /// Connections and mails since the last call.
    pub(super) fn seen(&self) -> (usize, usize) {
        let seen: Vec<Seen> = self.seen.try_iter().collect();
        let mails = seen.iter().filter(|seen| matches!(seen, Seen::Mail { .. })).count();
        (seen.iter().filter(|seen| **seen == Seen::Connection).count(), mails)
    }
}

pub(super) fn relay(script: Script) -> FakeRelay {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, seen) = channel();
    let sick = Arc::new(AtomicBool::new(false));
    let is_sick = Arc::clone(&sick);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let sender = sender.clone();
            let mut script = script;
            if is_sick.load(Ordering::SeqCst) {
                script.greeting = "421 down";
            }
            thread::spawn(move || serve(script, &stream, &sender));
        }
    });
    FakeRelay { port, seen, sick }
}

/// Ends when either side closes; errors end it, too.
fn serve(script: Script, stream: &TcpStream, seen: &mpsc::Sender<Seen>) -> Option<()> {
    seen.send(Seen::Connection).ok()?;
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    say(stream, script.greeting)?;
    let (mut rcpt, mut left) = (String::new(), script.mails);
    while let Some(line) = lines.next() {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => say(stream, script.ehlo)?,
            "AUTH" => {
                seen.send(Seen::Login(line)).ok()?;
                say(stream, "235 welcome")?;
            }
            "MAIL" => say(stream, script.mail)?,
            "RCPT" => {
                rcpt = line;
                say(stream, script.rcpt)?;
            }
            "DATA" => {
                say(stream, script.data)?;
                if script.data.starts_with('3') {
                    let content: Vec<String> =
                        lines.by_ref().take_while(|line| line != ".").collect();
                    seen.send(Seen::Mail { rcpt: rcpt.clone(), content: content.join("\n") })
                        .ok()?;
                    say(stream, script.content)?;
                    left -= 1;
                }
            }
            _ => say(stream, "221 bye")?,
        }
        if left == 0 {
            return None;
        }
    }
    None
}

fn say(mut stream: &TcpStream, text: &str) -> Option<()> {
    match text {
        "" => Some(()),
        "hang up" => None,
        text => stream.write_all(format!("{text}\r\n").as_bytes()).ok(),
    }
}

pub(super) fn config(port: u16, tls: Tls) -> MailConfig {
    MailConfig {
        relays: vec![Relay { tls, host: "localhost".into(), port, login: None }],
        connections: 4,
        from: "Acme 商店 <no-reply@acme.example>".parse().unwrap(),
        reply_to: Some("help@acme.example".parse().unwrap()),
    }
}

pub(super) fn courier(config: &MailConfig) -> Courier {
    Courier::new(config, None).unwrap()
}

pub(super) fn letter(channel: Channel, to: &str) -> Letter {
    let kind = LetterKind::Reset {
        link: Some(LINK.into()),
        code: Some("123456".into()),
        link_minutes: 30,
        code_minutes: 10,
        name: Some("小明".into()),
    };
    let config = config(0, Tls::None);
    Letter {
        id: [0xab; 16],
        sender: Arc::new(Sender { from: config.from, reply_to: config.reply_to }),
        to: Address::parse(channel, to, None).unwrap(),
        language: Language::Chinese,
        kind,
    }
}

async fn send_to(script: Script, patience: Duration) -> (Delivery, FakeRelay) {
    let relay = relay(script);
    let mut courier = courier(&config(relay.port, Tls::None));
    courier.set_patience(patience);
    (courier.send(&letter(Channel::Email, "a@b.example"), NOW).await, relay)
}

#[tokio::test]
async fn answers_of_the_relay_decide() {
    let later = |code| Delivery::Later(Reason::Reply(code));
    let dead = |code| Delivery::Dead(Reason::Reply(code));
    let garbled = Delivery::Later(Reason::Garbled);
    let silent = Delivery::Later(Reason::Timeout);
    let bounced = |code| Delivery::Dead(Reason::Recipient(code));
    let table: [(&str, Script, Delivery); 21] = [
        ("taken", FRIENDLY, Delivery::Sent),
        ("greeting 554", Script { greeting: "554 no", ..FRIENDLY }, later(554)),
        ("greeting silent", Script { greeting: "", ..FRIENDLY }, silent),
        ("greeting garbage", Script { greeting: "HTTP/1.1 400 Bad Request", ..FRIENDLY }, garbled),
        ("greeting hang up", Script { greeting: "hang up", ..FRIENDLY }, garbled),
        ("ehlo 421", Script { ehlo: "421 busy", ..FRIENDLY }, later(421)),
        ("mail 451", Script { mail: "451 later", ..FRIENDLY }, later(451)),
        ("mail 550", Script { mail: "550 sender", ..FRIENDLY }, dead(550)),
        ("mail 530", Script { mail: "530 log in first", ..FRIENDLY }, later(530)),
        ("rcpt 450", Script { rcpt: "450 greylisted", ..FRIENDLY }, later(450)),
        ("rcpt 550", Script { rcpt: "550-no\r\n550 such user", ..FRIENDLY }, bounced(550)),
        ("rcpt 554", Script { rcpt: "554 5.1.1 no such user", ..FRIENDLY }, bounced(554)),
        ("rcpt 550 5.7.1", Script { rcpt: "550 5.7.1 relaying denied", ..FRIENDLY }, dead(550)),
        ("rcpt 552", Script { rcpt: "552 full", ..FRIENDLY }, dead(552)),
        ("rcpt silent", Script { rcpt: "", ..FRIENDLY }, silent),
        ("data 250", Script { data: "250 what", ..FRIENDLY }, garbled),
        ("data 554", Script { data: "554 no", ..FRIENDLY }, dead(554)),
        ("content 452", Script { content: "452 full", ..FRIENDLY }, later(452)),
        ("content 552", Script { content: "552 too much", ..FRIENDLY }, dead(552)),
        ("content 354", Script { content: "354 more", ..FRIENDLY }, garbled),
        ("content hang up", Script { content: "hang up", ..FRIENDLY }, garbled),
    ];
    for (name, script, expected) in table {
        // A crowded machine must not look like a silent relay.
        let patience = if expected == silent { SHORT } else { LONG };
        let (sent, _relay) = send_to(script, patience).await;
        assert_eq!(sent, expected, "{name}");
    }
}

#[tokio::test]
async fn nobody_there_is_tried_later() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let sent =
        courier(&config(port, Tls::None)).send(&letter(Channel::Email, "a@b.example"), NOW).await;
    assert_eq!(sent, Delivery::Later(Reason::Unreachable));
}

#[tokio::test]
async fn a_mail_has_the_headers_of_a_machine() {
    let (sent, relay) = send_to(FRIENDLY, LONG).await;
    assert_eq!(sent, Delivery::Sent);
    assert_eq!(relay.seen.recv(), Ok(Seen::Connection));
    let Ok(Seen::Mail { rcpt, content }) = relay.seen.recv() else { panic!("no mail") };
    assert_eq!(rcpt, "RCPT TO:<a@b.example>");
    assert!(content.is_ascii());
    let head = content.split("\n\n").next().unwrap();
    let lines = [
        "To: a@b.example",
        "Reply-To: help@acme.example",
        "Date: Sat, 21 Nov 2026 21:30:00 +0000",
        "Message-ID: <abababababababababababababababab@acme.example>",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        "Content-Language: zh-CN",
        "MIME-Version: 1.0",
    ];
    for line in lines {
        assert!(head.lines().any(|seen| seen == line), "{line} is not in\n{head}");
    }
    assert!(head.contains("Subject: =?utf-8?") && head.contains("multipart/alternative"), "{head}");
    let plain = content.find("Content-Type: text/plain; charset=utf-8").unwrap();
    assert!(plain < content.find("Content-Type: text/html; charset=utf-8").unwrap());
    assert!(!content.contains("List-Unsubscribe"));
}

#[tokio::test]
async fn two_attempts_make_the_same_bytes() {
    let relay = relay(FRIENDLY);
    let courier = courier(&config(relay.port, Tls::None));
    let letter = letter(Channel::Email, "a@b.example");
    assert_eq!(courier.send(&letter, NOW).await, Delivery::Sent);
    assert_eq!(courier.send(&letter, NOW).await, Delivery::Sent);
    // One connection carried both.
    assert_eq!(relay.seen.recv(), Ok(Seen::Connection));
    assert_eq!(relay.seen.recv().unwrap(), relay.seen.recv().unwrap());
}

#[tokio::test]
async fn a_connection_that_died_while_idle_is_replaced() {
    let relay = relay(Script { mails: 1, ..FRIENDLY });
    let courier = courier(&config(relay.port, Tls::None));
    let letter = letter(Channel::Email, "a@b.example");
    for _ in 0..3 {
        assert_eq!(courier.send(&letter, NOW).await, Delivery::Sent);
    }
    let connections = relay.seen.try_iter().filter(|seen| *seen == Seen::Connection).count();
    assert_eq!(connections, 3);
}

#[tokio::test]
async fn the_relay_is_logged_in_to() {
    let relay = relay(FRIENDLY);
    let mut config = config(relay.port, Tls::None);
    config.relays[0].login =
        Some(RelayLogin { user: "acme".into(), password: "secret".to_owned().into() });
    assert_eq!(
        courier(&config).send(&letter(Channel::Email, "a@b.example"), NOW).await,
        Delivery::Sent
    );
    assert_eq!(relay.seen.recv(), Ok(Seen::Connection));
    // base64 of NUL acme NUL secret
    assert_eq!(relay.seen.recv(), Ok(Seen::Login("AUTH PLAIN AGFjbWUAc2VjcmV0".into())));
}

#[tokio::test]
async fn nothing_is_sent_in_clear_where_tls_is_due() {
    for (tls, reason) in [(Tls::Starttls, Reason::Insecure), (Tls::Implicit, Reason::Tls)] {
        let relay = relay(FRIENDLY);
        let sent = courier(&config(relay.port, tls))
            .send(&letter(Channel::Email, "a@b.example"), NOW)
            .await;
        assert_eq!(sent, Delivery::Later(reason));
        assert!(!relay.seen.try_iter().any(|seen| matches!(seen, Seen::Mail { .. })));
    }
}

#[tokio::test]
async fn letters_that_nothing_can_carry_are_dead() {
    let courier = courier(&config(9, Tls::None));
    let table = [
        (Channel::Email, "a@bücher.example", Reason::Address),
        (Channel::Sms, "+8613800138000", Reason::NotServed),
    ];
    for (channel, to, reason) in table {
        assert_eq!(courier.send(&letter(channel, to), NOW).await, Delivery::Dead(reason));
    }
}
