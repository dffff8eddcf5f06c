//! ATTACKS.md 39, 41; invariant 2: who is believed, and what a repeat does.

use contract::message::{Message, Operation};
use contract::name::Name;
use contract::signature::{EdgeKey, Stamp, sign};
use rekey_tests::http::Call;

use crate::bodies;
use crate::house::{
    ANN, House, NEW, NOBODY, by_code, by_token, code_in, confirm, fresh, grant_in, initiate,
    outcome, post, token_in, unix_now, verify,
};

fn line(house: &House, message: &Message, change: impl FnOnce(String) -> String) -> Vec<u8> {
    change(String::from_utf8(house.envelope(message, fresh())).unwrap()).into_bytes()
}

fn stamped(key: &EdgeKey, audience: &str, now: u64, message: &Message) -> Vec<u8> {
    let audience = Name::parse(audience).unwrap();
    sign(key, &audience, Stamp { now, id: fresh() }, message.operation(), &message.encode())
}

/// ATTACKS.md 39: one answer for all, and not one row written.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_our_edge_did_not_sign_is_refused_and_leaves_no_trace() {
    let house = House::build();
    let message = initiate("native", ANN);
    let json = message.encode();
    let other = EdgeKey::parse(house.key.id().clone(), &format!("{}a9", "5b".repeat(31))).unwrap();
    let unknown =
        EdgeKey::parse(Name::parse("nokey").unwrap(), &format!("{}a9", "5b".repeat(31))).unwrap();
    let now = unix_now();
    let forged: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", vec![]),
        ("no line", json.clone().into_bytes()),
        ("an empty line", format!("\n{json}").into_bytes()),
        ("only a line", line(&house, &message, |text| text.split_once('\n').unwrap().0.to_owned())),
        (
            "no JSON",
            line(&house, &message, |text| format!("{}\n", text.split_once('\n').unwrap().0)),
        ),
        ("another key", stamped(&other, "demo", now, &message)),
        ("an unknown key", stamped(&unknown, "demo", now, &message)),
        ("another audience", stamped(&house.key, "other", now, &message)),
        ("stale", stamped(&house.key, "demo", now - 125, &message)),
        ("from the future", stamped(&house.key, "demo", now + 125, &message)),
        ("at the beginning of time", stamped(&house.key, "demo", 0, &message)),
        ("at the end of time", stamped(&house.key, "demo", u64::MAX, &message)),
        ("another address", line(&house, &message, |text| text.replace(ANN, "eve@example.com"))),
        ("another time", line(&house, &message, |text| text.replacen("t=", "t=1", 1))),
        ("another id", line(&house, &message, |text| text.replacen("id=0", "id=f", 1))),
        ("a version", line(&house, &message, |text| text.replacen("rekey1", "rekey2", 1))),
        (
            "a mac in capitals",
            line(&house, &message, |text| {
                let (head, rest) = text.split_once("mac=").unwrap();
                format!("{head}mac={}{}", rest[..64].to_uppercase(), &rest[64..])
            }),
        ),
        (
            "half a mac",
            line(&house, &message, |text| {
                let (head, rest) = text.split_once("mac=").unwrap();
                format!("{head}mac={}{}", &rest[..32], &rest[64..])
            }),
        ),
        (
            "no mac",
            line(&house, &message, |text| {
                let (head, rest) = text.split_once(" mac=").unwrap();
                format!("{head}{}", &rest[64..])
            }),
        ),
        (
            "a mac of zeros",
            line(&house, &message, |text| {
                let (head, rest) = text.split_once("mac=").unwrap();
                format!("{head}mac={}{}", "0".repeat(64), &rest[64..])
            }),
        ),
        ("a word more", line(&house, &message, |text| text.replacen(" mac=", " x=y mac=", 1))),
        (
            "two macs",
            line(&house, &message, |text| {
                text.replacen(" mac=", &format!(" mac={} mac=", "0".repeat(64)), 1)
            }),
        ),
        ("a carriage return", line(&house, &message, |text| text.replacen('\n', "\r\n", 1))),
        ("trailing data", line(&house, &message, |text| text + " ")),
        ("a space in front", line(&house, &message, |text| format!(" {text}"))),
        (
            "a long line",
            line(&house, &message, |text| {
                text.replacen(" mac=", &format!("{} mac=", "x".repeat(400)), 1)
            }),
        ),
        ("not UTF-8", [b"\xE9", house.envelope(&message, fresh()).as_slice()].concat()),
    ];
    let before = house.dump();
    let mut answers = Vec::new();
    for (context, body) in forged {
        let reply = house.post(Operation::Initiate, &body);
        assert_eq!((reply.status, outcome(&reply).as_str()), (401, "unsigned"), "{context}");
        answers.push(reply.text());
    }
    for operation in [Operation::Verify, Operation::Confirm] {
        let reply = house.post(operation, &house.envelope(&message, fresh()));
        assert_eq!(reply.status, 401, "another operation");
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(house.dump(), before);
    for skew in [-110, 110] {
        let body = stamped(
            &house.key,
            "demo",
            now.saturating_add_signed(skew),
            &initiate("native", NOBODY),
        );
        let reply = house.post(Operation::Initiate, &body);
        assert!(matches!(reply.status, 202 | 429), "{skew}: {}", reply.text());
    }
    assert!(house.mailbox.all().unwrap().is_empty());
}

/// ATTACKS.md 35, 39; invariant 6: the first outcome again, and no second effect.
#[test]
fn the_same_message_again_gets_the_first_outcome_and_no_second_effect() {
    let house = House::build();
    let (ask, id) = (initiate("native", ANN), fresh());
    for _ in 0..5 {
        assert_eq!(outcome(&house.say_as(&ask, id)), "accepted");
    }
    let mail = house.mailbox.wait_for(ANN, 1).unwrap().pop().unwrap();
    house.settle();
    assert_eq!(house.mailbox.mails_to(ANN).unwrap().len(), 1);

    let body = house.envelope(&verify("native", ANN, &code_in(mail.text())), fresh());
    let grants: Vec<String> =
        (0..5).map(|_| grant_in(&house.post(Operation::Verify, &body))).collect();
    assert!(grants.iter().all(|grant| *grant == grants[0]));

    let body = house.envelope(&confirm("native", by_token(&grants[0]), NEW), fresh());
    for _ in 0..5 {
        assert_eq!(outcome(&house.post(Operation::Confirm, &body)), "reset");
    }
    house.mailbox.wait_for(ANN, 2).unwrap();
    house.settle();
    assert_eq!((house.resets("a1"), house.mailbox.mails_to(ANN).unwrap().len()), (1, 2));
    assert!(house.has_password(ANN, NEW) && !house.has_password(ANN, crate::house::OLD));
}

/// Invariant 6: wrong guesses are counted once for each message, and their answer stays.
#[test]
fn a_wrong_guess_repeated_is_one_guess() {
    let house = House::build();
    let mail = house.ask("native", ANN, 1);
    let code = code_in(mail.text());
    let wrong = house.envelope(&verify("native", ANN, &crate::house::other(&code, 1)), fresh());
    for _ in 0..20 {
        assert_eq!(outcome(&house.post(Operation::Verify, &wrong)), "proof_invalid");
    }
    assert_eq!(outcome(&house.say(&verify("native", ANN, &code))), "granted");
}

/// ATTACKS.md 39: an id seen with another MAC is a forgery, whatever became of the first.
#[test]
fn an_id_with_another_body_is_refused() {
    let house = House::build();
    for first in [
        initiate("native", ANN),
        verify("native", ANN, "123456"),
        confirm("native", by_token("x"), NEW),
    ] {
        let id = fresh();
        house.say_as(&first, id);
        for second in [
            initiate("native", "eve@example.com"),
            verify("native", "eve@example.com", "123456"),
            confirm("native", by_code("eve@example.com", "123456"), NEW),
        ] {
            let reply = house.say_as(&second, id);
            assert_eq!(
                (reply.status, outcome(&reply).as_str()),
                (401, "unsigned"),
                "{:?}",
                second.operation()
            );
        }
    }
    house.settle();
    assert!(house.mailbox.mails_to("eve@example.com").unwrap().is_empty());
}

/// The same message in fifty connections at once: one effect, and every answer is the first one or "busy".
#[test]
fn a_burst_of_one_message_has_one_effect() {
    let house = House::build();
    let token = token_in(house.ask("native", ANN, 1).text());
    let body = house.envelope(&confirm("native", by_token(&token), NEW), fresh());
    let outcomes: Vec<String> = std::thread::scope(|scope| {
        let posts: Vec<_> = (0..50)
            .map(|_| scope.spawn(|| outcome(&house.post(Operation::Confirm, &body))))
            .collect();
        posts.into_iter().map(|post| post.join().unwrap()).collect()
    });
    assert!(outcomes.iter().all(|outcome| outcome == "reset" || outcome == "busy"), "{outcomes:?}");
    assert_eq!(outcome(&house.post(Operation::Confirm, &body)), "reset");
    assert_eq!(house.resets("a1"), 1);
}

/// Invariant 2; ATTACKS.md 3, 5, 6, 36: the sidecar reads as strictly as the edge, though the edge would never send this.
#[test]
fn what_is_no_canonical_message_is_refused_though_it_is_signed() {
    let house = House::build();
    let audience = Name::parse("demo").unwrap();
    let messages = [
        initiate("native", ANN),
        verify("native", ANN, "123456"),
        confirm("native", by_code(ANN, "123456"), NEW),
    ];
    let before = house.dump();
    let harmless = ["plain", "name escaped", "value escaped", "white space"];
    for message in &messages {
        let operation = message.operation();
        for spelling in bodies::spellings(&message.encode()) {
            // A content type means nothing at this door.
            let same =
                spelling.body == message.encode().as_bytes() || spelling.content_type.is_none();
            let Ok(json) = String::from_utf8(spelling.body) else { continue };
            if same || harmless.contains(&spelling.name) {
                continue;
            }
            let body = sign(
                &house.key,
                &audience,
                Stamp { now: unix_now(), id: fresh() },
                operation,
                &json,
            );
            let reply = house.post(operation, &body);
            let context = format!("{operation:?} {}: {}", spelling.name, reply.text());
            assert_eq!((reply.status, outcome(&reply).as_str()), (400, "malformed"), "{context}");
        }
        for member in [
            r#""is_admin":true"#,
            r#""x":"y""#,
            r#""op ":"x""#,
            r#""account":"a1""#,
            r#""from":"a@example.com""#,
            r#""mac":"""#,
        ] {
            let json = message.encode().replacen('{', &format!("{{{member},"), 1);
            let body = sign(
                &house.key,
                &audience,
                Stamp { now: unix_now(), id: fresh() },
                operation,
                &json,
            );
            assert_eq!(house.post(operation, &body).status, 400, "{operation:?} {member}");
        }
    }
    assert_eq!(house.dump(), before);
}

/// Invariant 2: members of another operation, another dialect's proof, another site.
#[test]
fn a_message_that_does_not_fit_its_dialect_does_nothing() {
    let house = House::build();
    let mut elsewhere = initiate("native", ANN);
    elsewhere.context.site = Name::parse("other").unwrap();
    assert_eq!(outcome(&house.say(&elsewhere)), "busy");
    for dialect in ["anqicms", "bamboocloud", "vastly"] {
        let reply = house.say(&verify(dialect, ANN, "123456"));
        assert_ne!(outcome(&reply), "granted", "{dialect}");
    }
    house.say(&initiate("anqicms", crate::house::ANNS_PHONE));
    house.settle();
    assert!(
        house.texts.to(crate::house::ANNS_PHONE).unwrap().is_empty(),
        "a channel that the dialect has not"
    );
}

/// ATTACKS.md 38, 39: only exact paths and POST.
#[test]
fn other_paths_and_methods_of_the_signed_door_do_nothing() {
    let house = House::build();
    let body = house.envelope(&initiate("native", ANN), fresh());
    let before = house.dump();
    for path in [
        "/v1/initiate/",
        "//v1/initiate",
        "/V1/initiate",
        "/v1/initiate;x",
        "/v1/%69nitiate",
        "/v1/./initiate",
        "/v1/initiate?x",
        "/v1/initiate?",
        "/",
        "/v1",
        "/v2/initiate",
        "/metrics",
        "/healthz",
    ] {
        let reply = Call::new("POST", path).body(&body).send(house.signed()).unwrap();
        assert!(matches!(reply.status, 400 | 404), "{path}: {}", reply.status);
    }
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
        let call = Call::new(method, "/v1/initiate").body(&body);
        let bytes = call.to_bytes("s");
        let mut line = rekey_tests::http::Line::connect(house.signed()).unwrap();
        line.write(&bytes).unwrap();
        let reply = line.reply(method == "HEAD").unwrap();
        assert_eq!(
            (reply.status, reply.header("allow").as_deref()),
            (405, Some("POST")),
            "{method}"
        );
    }
    assert_eq!(house.dump(), before);
    assert_eq!(post(Operation::Initiate, &body).send(house.signed()).unwrap().status, 202);
}
