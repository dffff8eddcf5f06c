//! ATTACKS.md 16, 18, 19, invariant 5: nothing that is answered tells who has an account.

use rekey_tests::http::Reply;

use crate::house::{
    ANN, DAN, House, NEW, NOBODY, Plan, by_both, by_code, code_in, confirm, from, initiate,
    token_in, verify,
};
use contract::message::Message;

/// All of an answer but its date.
fn bytes(reply: &Reply) -> String {
    let headers: Vec<String> = reply
        .headers
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("date"))
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)))
        .collect();
    format!("{}\n{}\n{}", reply.status, headers.join("\n"), reply.text())
}

fn alike(house: &House, context: &str, make: impl Fn(&str) -> Message) {
    let known = bytes(&house.say(&make(ANN)));
    for to in [NOBODY, DAN] {
        assert_eq!(bytes(&house.say(&make(to))), known, "{context}: {to}");
    }
}

fn whole_round(house: &House, context: &str) {
    for dialect in ["anqicms", "authing", "bamboocloud", "native", "vastly"] {
        alike(house, &format!("{context} {dialect} initiate"), |to| {
            from(initiate(dialect, to), &format!("203.0.113.{}", dialect.len()))
        });
        house.settle_asks();
        alike(house, &format!("{context} {dialect} initiate again"), |to| {
            from(initiate(dialect, to), "203.0.113.99")
        });
    }
    for dialect in ["authing", "native"] {
        for _ in 0..12 {
            alike(house, &format!("{context} {dialect} verify"), |to| {
                verify(dialect, to, "1234567")
            });
        }
    }
    for _ in 0..12 {
        alike(house, &format!("{context} native confirm"), |to| {
            confirm("native", by_code(to, "1234567"), NEW)
        });
        alike(house, &format!("{context} native confirm, weak"), |to| {
            confirm("native", by_code(to, "1234567"), "x")
        });
        alike(house, &format!("{context} bamboocloud confirm"), |to| {
            confirm("bamboocloud", by_code(to, "1234567"), NEW)
        });
        alike(house, &format!("{context} anqicms confirm"), |to| {
            confirm("anqicms", by_both(to, &"ab".repeat(32), "1234567"), NEW)
        });
    }
}

/// ATTACKS.md 16, 19, 20: also after throttling and after the pots are full.
#[test]
fn answers_are_alike_for_everybody() {
    let house = House::with(&Plan { limits: "cool_down = \"1h\"", ..Plan::default() });
    whole_round(&house, "mail works");
}

/// ATTACKS.md 18
#[test]
fn answers_are_alike_with_the_mail_server_gone() {
    let mut house = House::with(&Plan { limits: "cool_down = \"1h\"", ..Plan::default() });
    house.mailbox.stop().unwrap();
    whole_round(&house, "no mail server");
}

/// ATTACKS.md 16, 20: a wrong proof, a used one and one of a disabled account are one answer.
#[test]
fn every_invalid_proof_has_one_answer() {
    let house = House::build();
    let mail = house.ask("native", ANN, 1);
    let token = token_in(mail.text());
    let token_proof = |token: &str| confirm("native", crate::house::by_token(token), NEW);
    let wrong = bytes(&house.say(&token_proof(&"0".repeat(64))));
    assert_eq!(bytes(&house.say(&token_proof("x"))), wrong);
    assert_eq!(bytes(&house.say(&confirm("native", by_code(ANN, "1234567"), NEW))), wrong);
    assert_eq!(
        bytes(&house.say(&confirm("native", by_code(NOBODY, &code_in(mail.text())), NEW))),
        wrong
    );
    assert!(bytes(&house.say(&token_proof(&token))).contains("reset"));
    assert_eq!(bytes(&house.say(&token_proof(&token))), wrong, "used");
}

/// Invariant 5: an ask for a known, an unknown and a disabled address writes the same rows before it answers.
#[test]
fn an_ask_writes_the_same_rows_for_everybody() {
    let house = House::build();
    let rows = || ["message", "ask", "pot"].map(|table| house.count(table));
    for to in [ANN, NOBODY, DAN] {
        let before = rows();
        house.say(&initiate("native", to));
        let after = rows();
        let grown: Vec<u64> =
            after.iter().zip(before).map(|(after, before)| after - before).collect();
        assert_eq!(grown, [0, 1, 1], "{to}: an ask is its own message");
    }
}

/// ATTACKS.md 16: an address that is in two accounts, or in none that can be written to, is answered alike.
#[test]
fn odd_accounts_are_answered_alike() {
    let house = House::with(&Plan { limits: "cool_down = \"1h\"", ..Plan::default() });
    let lines = [
        r#"{"id":"n1","email":"nopass@example.com"}"#,
        r#"{"id":"s1","email":"second@example.com","password":"the old password","second_factor":true}"#,
    ];
    let told = house.sidecar.rekey(&["account", "import", "-"], &lines.join("\n")).unwrap();
    assert!(told.status.success(), "{}", told.err);
    let answers: Vec<String> = [NOBODY, "nopass@example.com", "second@example.com"]
        .iter()
        .map(|to| bytes(&house.say(&initiate("native", to))))
        .collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}
