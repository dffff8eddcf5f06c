//! The pen: messages as the edge would write them, signed with the house's key, and what is read from mails and answers.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use contract::address::{Address, Channel};
use contract::dialect;
use contract::language::Language;
use contract::message::{Call as Asked, Context, Encryption, Flow, Message, Operation, Proof};
use contract::name::Name;
use contract::secret::{Code, Password, Token};

use crate::http::{Call, Reply};

const HOME: &str = "198.51.100.7";

static NEXT: AtomicU64 = AtomicU64::new(1);

/// A number that no other caller of this process got.
pub fn number() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[must_use]
pub fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A message id that no other test of this run uses.
#[must_use]
pub fn fresh() -> [u8; 16] {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number().to_be_bytes());
    id[8..12].copy_from_slice(&std::process::id().to_be_bytes());
    id
}

#[must_use]
pub fn post(operation: Operation, body: &[u8]) -> Call {
    Call::new("POST", operation.path()).header("content-type", "application/vnd.rekey").body(body)
}

#[must_use]
pub fn outcome(reply: &Reply) -> String {
    reply.header("rekey-outcome").unwrap_or_else(|| format!("{}: {}", reply.status, reply.text()))
}

#[must_use]
pub fn message(dialect: &str, call: Asked) -> Message {
    let dialect = dialect::by_name(dialect).unwrap();
    let client = match dialect.name() {
        "authing" | "bamboocloud" | "vastly" => Name::parse("client1"),
        _ => None,
    };
    let context = Context {
        site: Name::parse("default").unwrap(),
        client,
        sender: HOME.parse().unwrap(),
        flow: None,
        language: Language::English,
        agent: None,
        device: None,
        request: Name::parse("request-1").unwrap(),
    };
    Message { dialect, context, call }
}

/// The same from another place.
#[must_use]
pub fn from(mut message: Message, sender: &str) -> Message {
    message.context.sender = sender.parse::<IpAddr>().unwrap();
    message
}

/// The same with another flow cookie.
#[must_use]
pub fn with_flow(mut message: Message, flow: Option<u8>) -> Message {
    message.context.flow = flow.map(|byte| Flow([byte; 16]));
    message
}

#[must_use]
pub fn address(to: &str) -> Address {
    let channel = if to.contains('@') { Channel::Email } else { Channel::Sms };
    Address::parse(channel, to, None).unwrap()
}

#[must_use]
pub fn initiate(dialect: &str, to: &str) -> Message {
    message(dialect, Asked::Initiate { to: address(to) })
}

#[must_use]
pub fn verify(dialect: &str, to: &str, code: &str) -> Message {
    message(dialect, Asked::Verify { to: address(to), code: secret_code(code) })
}

#[must_use]
pub fn confirm(dialect: &str, proof: Proof, password: &str) -> Message {
    let password = Password::parse(password.to_owned()).unwrap();
    message(dialect, Asked::Confirm { proof, password, encryption: Encryption::None })
}

#[must_use]
pub fn by_token(token: &str) -> Proof {
    Proof::Token { token: Token::parse(token.to_owned()).unwrap() }
}

#[must_use]
pub fn by_code(to: &str, code: &str) -> Proof {
    Proof::Code { to: address(to), code: secret_code(code) }
}

#[must_use]
pub fn by_both(to: &str, token: &str, code: &str) -> Proof {
    let token = Token::parse(token.to_owned()).unwrap();
    Proof::TokenAndCode { to: address(to), token, code: secret_code(code) }
}

#[must_use]
pub fn by_place(code: &str) -> Proof {
    Proof::Placed { channel: Channel::Sms, code: secret_code(code) }
}

fn secret_code(code: &str) -> Code {
    Code::parse(code.to_owned()).unwrap()
}

/// The six digits that stand alone on a line of a mail, or behind a `:` in a text.
#[must_use]
pub fn code_in(text: &str) -> String {
    let digits = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .find(digits)
        .unwrap_or_else(|| panic!("no code in {text}"))
        .to_owned()
}

/// What stands behind `token=` in a mail's link.
#[must_use]
pub fn token_in(text: &str) -> String {
    let (_, rest) = text.split_once("token=").unwrap_or_else(|| panic!("no token in {text}"));
    let token: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
    assert_eq!(token.len(), 64, "{text}");
    token
}

/// A code that this one is not.
#[must_use]
pub fn other(code: &str, by: u32) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + by) % 1_000_000)
}

/// The token that a verify's answer gives.
#[must_use]
pub fn grant_in(reply: &Reply) -> String {
    let json = reply.json().unwrap();
    json["token"].as_str().unwrap_or_else(|| panic!("no grant in {json}")).to_owned()
}
