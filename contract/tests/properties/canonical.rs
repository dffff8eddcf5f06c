//! Any bytes where only our own are expected: message, outcome, signature line and the values in them. Nothing panics,
//! and what is read is written and read again as the same.

use contract::address::{Email, Phone};
use contract::language::Language;
use contract::message::{Claim, Flow, Message, Operation};
use contract::name::Name;
use contract::outcome::Outcome;
use contract::signature::{EdgeKey, Stamp, sign, verify};

const NOW: u64 = 1_790_000_000;
const KEY: &str = "9f2c4be01d7a8853f0a46b3e2d91c7754e08b6fa13cc62d98a5577e3b1f4d026";

/// Judges any bytes as each of them.
pub(crate) fn check(bytes: &[u8]) {
    message(bytes);
    outcome(bytes);
    signed(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        values(text);
    }
}

fn message(bytes: &[u8]) {
    let Ok(message) = Message::decode(bytes) else { return };
    let once = message.encode();
    let again = Message::decode(once.as_bytes()).unwrap_or_else(|_| panic!("{once}"));
    assert_eq!(again.encode(), once);
    assert_eq!(again.context, message.context);
}

fn outcome(bytes: &[u8]) {
    let Some(outcome) = Outcome::decode(bytes) else { return };
    let once = outcome.encode("r-1");
    let again = Outcome::decode(once.as_bytes()).unwrap_or_else(|| panic!("{once}"));
    assert_eq!((again.encode("r-1"), again.status()), (once, outcome.status()));
}

/// Unsigned bytes are never believed; signed ones come back as they are, for their operation only.
fn signed(bytes: &[u8]) {
    let name = |text: &str| Name::parse(text).unwrap();
    let (audience, keys) = (name("demo"), [EdgeKey::parse(name("edge1"), KEY).unwrap()]);
    let judge = |body: &[u8], operation| {
        verify(body, &keys, &audience, operation, NOW).map(|verified| verified.json.to_vec())
    };
    assert!(judge(bytes, Operation::Confirm).is_err());
    let json = String::from_utf8_lossy(bytes);
    let body =
        sign(&keys[0], &audience, Stamp { now: NOW, id: [7; 16] }, Operation::Confirm, &json);
    assert_eq!(judge(&body, Operation::Confirm).as_deref(), Ok(json.as_bytes()));
    assert!(judge(&body, Operation::Verify).is_err());
}

fn values(text: &str) {
    if let Ok(email) = Email::parse(text) {
        assert_eq!(Email::parse(email.as_str()).as_ref().map(Email::as_str), Ok(email.as_str()));
    }
    if let Ok(phone) = Phone::parse(text, None) {
        let again = Phone::parse(phone.as_str(), None);
        assert_eq!(again.as_ref().map(Phone::as_str), Ok(phone.as_str()));
    }
    if let Some(claim) = Claim::of(text) {
        assert_eq!(Claim::of(claim.as_str()).as_ref(), Some(&claim));
    }
    if let Some(flow) = Flow::parse(text) {
        assert_eq!(Flow::parse(&flow.to_hex()), Some(flow));
    }
    if let Some(language) = Language::parse(text) {
        assert_eq!(Language::parse(language.tag()), Some(language));
    }
}
