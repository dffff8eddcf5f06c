//! Messages of every version that is believed, frozen to the byte in `messages/`. Invariant: whoever changes what is written
//! gives it a new version and keeps reading the one before; the files of a version are never written again.
#![expect(clippy::unwrap_used, reason = "a test speaks by panicking")]

use std::fs;
use std::path::PathBuf;

use contract::address::{Address, Channel, Email, Phone};
use contract::dialect::{DIALECTS, Dialect};
use contract::language::Language;
use contract::message::{Call, Claim, Context, Encryption, Flow, Message, Operation, Proof};
use contract::name::Name;
use contract::secret::{Code, Password, Token};
use contract::signature::{EdgeKey, SignatureFault, Stamp, VERSIONS, sign, verify};

const STAMP: Stamp = Stamp { now: 1_790_000_000, id: [0xA5; 16] };

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn key() -> EdgeKey {
    let digits = "9f2c4be01d7a8853f0a46b3e2d91c7754e08b6fa13cc62d98a5577e3b1f4d026";
    EdgeKey::parse(name("edge1"), digits).unwrap()
}

fn folder(version: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/messages").join(version)
}

/// Every call that the newest version knows, with all that can stand in a context, or the least; each with its file.
fn cases() -> Vec<(&'static str, Message)> {
    let mail = || Address::Email(Email::parse("Ann.Lee+x@example.org").unwrap());
    let phone = || Address::Phone(Phone::parse("+8615200000000", None).unwrap());
    let code = || Code::parse("123456".into()).unwrap();
    let token = || Token::parse("e84f2a".into()).unwrap();
    let confirm = |proof, encryption| Call::Confirm {
        proof,
        password: Password::parse("p\"\\\u{7}\u{e4}\u{5bc6} ".into()).unwrap(),
        encryption,
    };
    let token_and_code = Proof::TokenAndCode { to: mail(), token: token(), code: code() };
    let calls = [
        ("initiate-mail", Call::Initiate { to: mail() }),
        ("initiate-phone", Call::Initiate { to: phone() }),
        ("verify", Call::Verify { to: phone(), code: code() }),
        ("confirm-token", confirm(Proof::Token { token: token() }, Encryption::None)),
        ("confirm-token-and-code", confirm(token_and_code, Encryption::Rsa)),
        ("confirm-code", confirm(Proof::Code { to: phone(), code: code() }, Encryption::Sm2)),
        (
            "confirm-placed",
            confirm(Proof::Placed { channel: Channel::Sms, code: code() }, Encryption::None),
        ),
    ];
    let by_name = |wanted: &str| -> &'static dyn Dialect {
        *DIALECTS.iter().find(|dialect| dialect.name() == wanted).unwrap()
    };
    let full = |at: usize| at.is_multiple_of(2);
    let message = |(at, (file, call)): (usize, (&'static str, Call))| {
        let context = if full(at) { rich() } else { bare() };
        (
            file,
            Message {
                dialect: by_name(if full(at) { "authing" } else { "native" }),
                context,
                call,
            },
        )
    };
    calls.into_iter().enumerate().map(message).collect()
}

fn bare() -> Context {
    Context {
        site: name("default"),
        client: None,
        sender: "127.0.0.1".parse().unwrap(),
        flow: None,
        language: Language::Chinese,
        agent: None,
        device: None,
        request: name("r-1"),
    }
}

fn rich() -> Context {
    Context {
        client: Some(name("pSpisBrYn4yIP1vGILcdZ")),
        sender: "2001:db8::1".parse().unwrap(),
        flow: Flow::parse("00112233445566778899aabbccddeeff"),
        language: Language::Japanese,
        agent: Claim::of("Mozilla/5.0 (iPhone)"),
        device: Claim::of("windows10; 156a; -"),
        ..bare()
    }
}

fn operation_of(file: &str) -> Operation {
    let word = file.split(['-', '.']).next().unwrap();
    *Operation::ALL.iter().find(|operation| operation.as_str() == word).unwrap()
}

#[test]
fn the_versions_are_the_newest_and_the_one_before() {
    let number = |version: &str| version.strip_prefix("rekey").unwrap().parse::<u32>().unwrap();
    let numbers = VERSIONS.map(number);
    assert!(numbers.len() <= 2 && numbers.is_sorted_by(|left, right| left - 1 == *right));
}

#[test]
fn messages_of_every_version_are_read() {
    for version in VERSIONS {
        let mut seen = Vec::new();
        for entry in fs::read_dir(folder(version)).unwrap() {
            let path = entry.unwrap().path();
            let file = path.file_name().unwrap().to_str().unwrap();
            let bytes = fs::read(&path).unwrap();
            let operation = operation_of(file);
            let verified =
                verify(&bytes, &[key()], &name("acme"), operation, STAMP.now).expect(file);
            let message = Message::decode(verified.json).expect(file);
            assert_eq!(message.operation(), operation, "{file}");
            assert!(bytes.starts_with(version.as_bytes()), "{file}");
            seen.push(operation);
        }
        assert!(Operation::ALL.iter().all(|operation| seen.contains(operation)), "{version}");
    }
}

#[test]
fn the_newest_is_written_to_the_byte() {
    for (file, message) in cases() {
        let written = sign(&key(), &name("acme"), STAMP, message.operation(), &message.encode());
        let path = folder(VERSIONS[0]).join(format!("{file}.txt"));
        if std::env::var_os("REKEY_BLESS").is_some() && !path.exists() {
            fs::create_dir_all(folder(VERSIONS[0])).unwrap();
            fs::write(&path, &written).unwrap();
        }
        let frozen = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(
            String::from_utf8_lossy(&written),
            String::from_utf8_lossy(&frozen),
            "{file}: what an edge writes has changed: give it a new version, and read this one too"
        );
    }
}

#[test]
fn a_version_that_is_not_listed_is_refused() {
    let message = cases().pop().unwrap().1;
    let bytes = sign(&key(), &name("acme"), STAMP, message.operation(), &message.encode());
    let text = String::from_utf8(bytes).unwrap();
    for other in ["rekey0", "rekey2", "rekey", "rekey01"] {
        let text = text.replacen("rekey1", other, 1);
        let found =
            verify(text.as_bytes(), &[key()], &name("acme"), message.operation(), STAMP.now);
        assert_eq!(found.err(), Some(SignatureFault::Version), "{other}");
    }
}
