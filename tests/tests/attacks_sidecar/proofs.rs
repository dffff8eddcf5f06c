//! ATTACKS.md 26, 27, 44: a proof is good for one account, purpose, dialect and client, whatever is sent with it.

use contract::name::Name;

use crate::house::{
    ANN, BOB, DAN, House, NEW, NOBODY, Plan, by_both, by_code, by_token, code_in, confirm,
    grant_in, initiate, outcome, token_in, verify,
};

/// ATTACKS.md 26
#[test]
fn a_proof_of_one_with_the_address_of_another_is_nothing() {
    let house = House::build();
    let anns = house.ask("anqicms", ANN, 1);
    let bobs = house.ask("anqicms", BOB, 1);
    let (token, code) = (token_in(anns.text()), code_in(anns.text()));
    for to in [BOB, DAN, NOBODY] {
        let reply = house.say(&confirm("anqicms", by_both(to, &token, &code), NEW));
        assert_eq!(outcome(&reply), "proof_invalid", "{to}");
    }
    for (token, code) in [
        (token.clone(), code_in(bobs.text())),
        (token_in(bobs.text()), code.clone()),
        ("0".repeat(64), code.clone()),
        (token.to_uppercase(), code.clone()),
        (format!("{token}0"), code.clone()),
        (token[..32].to_owned(), code.clone()),
        (token.clone(), format!("{code} ")),
        (token.clone(), format!("0{code}")),
    ] {
        for to in [ANN, BOB] {
            let reply = house.say(&confirm("anqicms", by_both(to, &token, &code), NEW));
            assert_eq!(outcome(&reply), "proof_invalid", "{to} {token} {code}");
        }
    }
    let code = code_in(house.ask_late("bamboocloud", BOB, 2).text());
    assert_eq!(
        outcome(&house.say(&confirm("bamboocloud", by_code(ANN, &code), NEW))),
        "proof_invalid"
    );
    assert_eq!((house.resets("a1"), house.resets("b2")), (0, 0));
}

/// ATTACKS.md 27: links, grants and codes are of one purpose and one dialect; a client's of one client.
#[test]
fn a_proof_of_another_purpose_is_nothing() {
    let house = House::build();
    let native = house.ask("native", ANN, 1);
    let (link, code) = (token_in(native.text()), code_in(native.text()));
    let grant = grant_in(&house.say(&verify("native", ANN, &code)));
    for (context, message) in [
        ("a native link at vastly", confirm("vastly", by_token(&link), NEW)),
        ("a native link at authing", confirm("authing", by_token(&link), NEW)),
        ("a native grant at authing", confirm("authing", by_token(&grant), NEW)),
        ("a native grant at vastly", confirm("vastly", by_token(&grant), NEW)),
        ("a native link at anqicms", confirm("anqicms", by_both(ANN, &link, &code), NEW)),
        ("a native code at bamboocloud", confirm("bamboocloud", by_code(ANN, &code), NEW)),
        ("a grant as a code", confirm("bamboocloud", by_code(ANN, &grant[..6]), NEW)),
        ("a code as a token", confirm("native", by_token(&code), NEW)),
        ("a used code", confirm("native", by_code(ANN, &code), NEW)),
        ("a used code again", verify("native", ANN, &code)),
        ("a code alone where only grants go", confirm("authing", by_code(ANN, &code), NEW)),
    ] {
        let reply = house.say(&message);
        assert!(
            matches!(outcome(&reply).as_str(), "proof_invalid" | "malformed"),
            "{context}: {}",
            outcome(&reply)
        );
    }
    assert_eq!(house.resets("a1"), 0);
    assert_eq!(
        outcome(&house.say(&confirm("native", by_token(&grant), NEW))),
        "reset",
        "its own place"
    );
}

/// ATTACKS.md 27: what one client asked for, another client of the same dialect cannot use.
#[test]
fn a_proof_of_another_client_is_nothing() {
    let house = House::build();
    let code = code_in(house.ask("authing", ANN, 1).text());
    let mut stolen = verify("authing", ANN, &code);
    stolen.context.client = Name::parse("client2");
    assert_eq!(outcome(&house.say(&stolen)), "proof_invalid");
    let grant = grant_in(&house.say(&verify("authing", ANN, &code)));
    let mut stolen = confirm("authing", by_token(&grant), NEW);
    stolen.context.client = Name::parse("client2");
    assert_eq!(outcome(&house.say(&stolen)), "proof_invalid");
    assert_eq!(house.resets("a1"), 0);
}

/// ATTACKS.md 27: another site's message finds neither account nor proof of this one.
#[test]
fn a_proof_of_another_site_is_nothing() {
    let sections = "[sites.other]\nbase_url = \"https://other.example\"\n";
    let house = House::with(&Plan { sections, ..Plan::default() });
    let mail = house.ask("native", ANN, 1);
    let site = Name::parse("other").unwrap();
    for mut stolen in [
        confirm("native", by_token(&token_in(mail.text())), NEW),
        confirm("native", by_code(ANN, &code_in(mail.text())), NEW),
        verify("native", ANN, &code_in(mail.text())),
    ] {
        stolen.context.site = site.clone();
        let reply = house.say(&stolen);
        assert_eq!(outcome(&reply), "proof_invalid");
    }
    assert_eq!(house.resets("a1"), 0);
}

/// ATTACKS.md 44: values that mean something to SQL or to patterns.
#[test]
fn values_are_never_code() {
    let house = House::build();
    let before = house.sql("SELECT * FROM account");
    for text in [
        "' OR 1=1 --",
        "%",
        "_",
        "\\",
        "'; DROP TABLE account; --",
        "\u{0}",
        "1 OR 1",
        "${jndi:ldap://x}",
        "{{7*7}}",
    ] {
        for message in [
            verify("native", ANN, &clean(text)),
            confirm("native", by_token(&clean(text)), NEW),
            confirm("native", by_code(ANN, &clean(text)), NEW),
        ] {
            assert_eq!(outcome(&house.say(&message)), "proof_invalid", "{text}");
        }
    }
    for to in [
        "'or'1'='1@example.com",
        "%@example.com",
        "_nn@example.com",
        "ann%@example.com",
        "ann'--@example.com",
        "*@example.com",
    ] {
        assert_eq!(outcome(&house.say(&initiate("native", to))), "accepted", "{to}");
    }
    house.settle();
    assert_eq!(house.sql("SELECT * FROM account"), before);
    assert!(house.mailbox.all().unwrap().is_empty());
}

fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).chain("x".chars()).collect()
}

/// ATTACKS.md 8, 9: the mail goes to the stored address, and spellings of one address share limits and code.
#[test]
fn spellings_of_an_address_are_one_address() {
    let house = House::build();
    house.say(&initiate("native", "ANN@EXAMPLE.COM"));
    let mail = house.mailbox.wait_for(ANN, 1).unwrap().pop().unwrap();
    assert!(mail.is_to(ANN));
    house.settle();
    assert_eq!(outcome(&house.say(&initiate("native", "Ann@Example.com"))), "throttled");
    let reply = house.say(&verify("native", "aNN@exAMPLE.com", &code_in(mail.text())));
    assert_eq!(outcome(&reply), "granted");
    for other in [
        "ann@example.com.evil.example",
        "ann+x@example.com",
        "a.nn@example.com",
        "ann@xn--exmple-cua.com",
        "ann@ex\u{e4}mple.com",
    ] {
        house.say(&initiate("native", other));
    }
    house.settle();
    assert_eq!(house.mailbox.all().unwrap().len(), 1);
}
