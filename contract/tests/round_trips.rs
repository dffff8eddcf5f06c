//! Encode and decode are inverse, for messages, outcomes and the signature line (invariant 2), and nothing else is read.
#![expect(clippy::unwrap_used, reason = "a test speaks by panicking")]

use std::net::IpAddr;

use contract::address::{Address, Channel, Email, Phone};
use contract::dialect::DIALECTS;
use contract::language::Language;
use contract::message::{Call, Claim, Context, Encryption, Flow, Message, Operation, Proof};
use contract::name::Name;
use contract::outcome::{Outcome, Refusal};
use contract::policy::{Breach, Weakness};
use contract::public_keys::PublicKeys;
use contract::secret::{Code, Password, Token};
use contract::signature::{CLOCK_WINDOW, EdgeKey, SignatureFault, Stamp, sign, verify};

const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMIIB+/=\n-----END PUBLIC KEY-----\n";

const NOW: u64 = 1_790_000_000;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn key(id: &str, hex: &str) -> EdgeKey {
    EdgeKey::parse(name(id), hex).unwrap()
}

fn edge_key() -> EdgeKey {
    key("edge1", "9f2c4be01d7a8853f0a46b3e2d91c7754e08b6fa13cc62d98a5577e3b1f4d026")
}

fn calls() -> Vec<Call> {
    let mail = || Address::Email(Email::parse("Ann.Lee+x@example.org").unwrap());
    let phone = || Address::Phone(Phone::parse("+8615200000000", None).unwrap());
    let code = || Code::parse("123456".into()).unwrap();
    let token = || Token::parse("e84f2a".into()).unwrap();
    let confirm = |proof| Call::Confirm {
        proof,
        password: Password::parse("p\"\\\u{7}ä密 ".into()).unwrap(),
        encryption: Encryption::Sm2,
    };
    Vec::from([
        Call::Initiate { to: mail() },
        Call::Initiate { to: phone() },
        Call::Verify { to: phone(), code: code() },
        confirm(Proof::Token { token: token() }),
        confirm(Proof::TokenAndCode { to: mail(), token: token(), code: code() }),
        confirm(Proof::Code { to: phone(), code: code() }),
        confirm(Proof::Placed { channel: Channel::Sms, code: code() }),
    ])
}

fn contexts() -> Vec<Context> {
    let bare = Context {
        site: name("default"),
        client: None,
        sender: "127.0.0.1".parse::<IpAddr>().unwrap(),
        flow: None,
        language: Language::Chinese,
        agent: None,
        device: None,
        request: name("r-1"),
    };
    let full = Context {
        client: Some(name("pSpisBrYn4yIP1vGILcdZ")),
        sender: "2001:db8::1".parse().unwrap(),
        flow: Flow::parse("00112233445566778899aabbccddeeff"),
        language: Language::Japanese,
        agent: Claim::of("Mozilla/5.0 (iPhone)"),
        device: Claim::of("windows10; 156a; -"),
        ..bare.clone()
    };
    Vec::from([bare, full])
}

fn messages() -> impl Iterator<Item = Message> {
    DIALECTS.iter().flat_map(|dialect| {
        contexts().into_iter().flat_map(move |context| {
            calls().into_iter().map(move |call| Message {
                dialect: *dialect,
                context: context.clone(),
                call,
            })
        })
    })
}

#[test]
fn a_message_is_read_as_it_was_written() {
    for message in messages() {
        let json = message.encode();
        let again = Message::decode(json.as_bytes()).expect(&json);
        assert_eq!(again.encode(), json);
        assert_eq!(again.context, message.context);
        assert_eq!(again.operation(), message.operation());
    }
}

#[test]
fn a_message_with_one_member_more_less_or_other_is_refused() {
    for message in messages() {
        let json = message.encode();
        let more = json.replacen('{', "{\"admin\":true,", 1);
        assert!(Message::decode(more.as_bytes()).is_err(), "{more}");
        let site = json.replacen("\"site\":\"default\"", "\"site\":7", 1);
        assert!(Message::decode(site.as_bytes()).is_err(), "{site}");
        let less = json.replacen("\"request\":\"r-1\",", "", 1);
        assert!(Message::decode(less.as_bytes()).is_err(), "{less}");
    }
}

#[test]
fn an_outcome_is_read_as_it_was_written() {
    let token = Token::parse("a.b-c_d".into()).unwrap();
    let mut outcomes = Vec::from([
        Outcome::Accepted,
        Outcome::Granted { token: token.clone(), expires_in: 300 },
        Outcome::Reset { access_token: None },
        Outcome::Reset { access_token: Some(token) },
        Outcome::Keys(PublicKeys { rsa: Some(PEM.into()), sm2: Some("04".repeat(65)) }),
        Outcome::Keys(PublicKeys { rsa: Some(PEM.into()), sm2: None }),
        Outcome::Keys(PublicKeys { rsa: None, sm2: Some("04".repeat(65)) }),
        Outcome::Refused(Refusal::Policy(Breach::SAMPLES.to_vec())),
        Outcome::Refused(Refusal::Policy(Vec::from([Breach::Guessable(None)]))),
    ]);
    outcomes.extend(
        Weakness::ALL.map(|why| {
            Outcome::Refused(Refusal::Policy(Vec::from([Breach::Guessable(Some(why))])))
        }),
    );
    let edge_only = [404, 405, 403, 413, 415];
    let spoken = Refusal::samples().into_iter().filter(|refusal| {
        !edge_only.contains(&refusal.status())
            && !matches!(
                refusal,
                Refusal::DeviceIncomplete
                    | Refusal::ClientMissing
                    | Refusal::ClientUnknown
                    | Refusal::Missing(_)
                    | Refusal::Mismatch
            )
    });
    outcomes.extend(spoken.map(Outcome::Refused));
    for outcome in outcomes {
        let json = outcome.encode("r-1");
        let again = Outcome::decode(json.as_bytes()).expect(&json);
        assert_eq!(again.encode("r-1"), json);
    }
}

#[test]
fn what_is_no_outcome_is_never_a_success() {
    let bodies: [&[u8]; 13] = [
        b"",
        b"{}",
        b"[]",
        b"{\"outcome\":\"yes\"}",
        b"{\"outcome\":true}",
        b"{\"outcome\":\"granted\"}",
        b"{\"outcome\":\"accepted\"} x",
        b"{\"outcome\":\"reset\",\"token\":7}",
        b"{\"outcome\":\"keys\"}",
        b"{\"outcome\":\"keys\",\"rsa\":\"MIIB\"}",
        b"{\"outcome\":\"keys\",\"rsa\":7}",
        b"{\"outcome\":\"keys\",\"sm2\":\"04ab\"}",
        b"{\"outcome\":\"keys\",\"sm2\":null}",
    ];
    for body in bodies {
        assert!(Outcome::decode(body).is_none(), "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn a_signed_message_is_believed_for_its_key_audience_operation_and_time_only() {
    let stamp = Stamp { now: NOW, id: [7; 16] };
    let audience = name("demo");
    let body = sign(&edge_key(), &audience, stamp, Operation::Confirm, "{\"op\":1}");
    let keys = [edge_key()];
    let judge = |keys: &[EdgeKey], audience: &str, operation, now| {
        verify(&body, keys, &name(audience), operation, now).map(|verified| verified.stamp)
    };
    assert_eq!(judge(&keys, "demo", Operation::Confirm, NOW), Ok(stamp));
    assert_eq!(judge(&keys, "demo", Operation::Confirm, NOW + CLOCK_WINDOW), Ok(stamp));
    assert_eq!(judge(&keys, "demo", Operation::Confirm, NOW - CLOCK_WINDOW), Ok(stamp));
    let stale = Err(SignatureFault::Stale);
    assert_eq!(judge(&keys, "demo", Operation::Confirm, NOW + CLOCK_WINDOW + 1), stale);
    assert_eq!(judge(&keys, "demo", Operation::Confirm, NOW - CLOCK_WINDOW - 1), stale);
    assert_eq!(judge(&keys, "staging", Operation::Confirm, NOW), Err(SignatureFault::Audience));
    assert_eq!(judge(&keys, "demo", Operation::Verify, NOW), Err(SignatureFault::Mac));
    assert_eq!(judge(&[], "demo", Operation::Confirm, NOW), Err(SignatureFault::Key));
    let other = key("edge1", "0f2c4be01d7a8853f0a46b3e2d91c7754e08b6fa13cc62d98a5577e3b1f4d026");
    assert_eq!(judge(&[other], "demo", Operation::Confirm, NOW), Err(SignatureFault::Mac));
}

#[test]
fn a_signed_message_with_any_byte_changed_is_refused() {
    let stamp = Stamp { now: NOW, id: [7; 16] };
    let body = sign(&edge_key(), &name("demo"), stamp, Operation::Verify, "{\"op\":1}");
    for index in 0..body.len() {
        let mut changed = body.clone();
        changed[index] ^= 1;
        let judged = verify(&changed, &[edge_key()], &name("demo"), Operation::Verify, NOW);
        assert!(judged.is_err(), "byte {index}");
    }
}

#[test]
fn the_signature_line_is_the_documented_one() {
    let stamp = Stamp { now: NOW, id: [0xab; 16] };
    let body = sign(&edge_key(), &name("demo"), stamp, Operation::Initiate, "{}");
    let text = String::from_utf8(body).unwrap();
    let (line, json) = text.split_once('\n').unwrap();
    assert_eq!(json, "{}");
    let prefix = format!("rekey1 t={NOW} id={} kid=edge1 aud=demo mac=", "ab".repeat(16));
    let mac = line.strip_prefix(&prefix).expect(line);
    assert_eq!(mac.len(), 64);
}

#[test]
fn example_keys_are_recognised() {
    let examples =
        ["00".repeat(32), "ab".repeat(32), (0..32).map(|n| format!("{n:02x}")).collect()];
    for hex in examples {
        assert!(key("k", &hex).is_example(), "{hex}");
    }
    assert!(!edge_key().is_example());
}
