//! Two sites in one sidecar: each has its links, its sender and its rules, and what one gave is nothing at the other.

use contract::message::Message;
use contract::name::Name;
use rekey_tests::house::{
    ANN, House, NEW, Plan, by_code, by_token, code_in, confirm, from, initiate, outcome, token_in,
    verify,
};
use rekey_tests::stage::Mail;

const SECTIONS: &str = r#"
[sites.shop]
base_url = "https://shop.example"
from = "Shop <post@shop.example>"
[sites.shop.profile.native]
password.min = 30
"#;

const LONG: &str = "thirty characters are long enough";

fn house() -> House {
    House::with(&Plan { sections: SECTIONS, ..Plan::default() })
}

fn at(site: &str, mut message: Message) -> Message {
    message.context.site = Name::parse(site).unwrap();
    message
}

/// Asks at a site, each time from elsewhere, since a sender's cool-down is one at all sites, and reads the mail number `count`.
fn ask(house: &House, site: &str, count: usize) -> Mail {
    let sender = format!("198.51.100.{count}");
    assert_eq!(outcome(&house.say(&at(site, from(initiate("native", ANN), &sender)))), "accepted");
    house.mailbox.wait_for(ANN, count).unwrap().pop().unwrap()
}

#[test]
fn each_site_has_its_links_its_sender_and_its_rules() {
    let house = house();
    let mail = ask(&house, "default", 1);
    let from_top = mail.header("From").unwrap().to_owned();
    assert!(!from_top.contains("shop") && !mail.text().contains("shop.example"), "{mail:?}");
    let mail = ask(&house, "shop", 2);
    assert!(mail.header("From").unwrap().contains("post@shop.example"), "{mail:?}");
    assert!(mail.header("Subject").unwrap().contains("Shop"), "{mail:?}");
    assert!(mail.header("Message-ID").unwrap().contains("@shop.example"), "{mail:?}");
    assert!(mail.text().contains("https://shop.example/"), "{mail:?}");
    assert!(mail.html.as_deref().unwrap().contains("https://shop.example/"), "{mail:?}");
    let proof = by_token(&token_in(mail.text()));
    let short = at("shop", confirm("native", proof.clone(), NEW));
    assert_eq!(outcome(&house.say(&short)), "policy");
    assert_eq!(outcome(&house.say(&at("shop", confirm("native", proof, LONG)))), "reset");
    let notice = house.mailbox.wait_for(ANN, 3).unwrap().pop().unwrap();
    assert!(notice.header("From").unwrap().contains("post@shop.example"), "{notice:?}");
}

/// ATTACKS.md 27, where both sites are ours.
#[test]
fn what_one_site_gave_is_nothing_at_the_other() {
    let house = house();
    let mails = [("default", ask(&house, "default", 1)), ("shop", ask(&house, "shop", 2))];
    for ((own, mail), other) in mails.iter().zip(["shop", "default"]) {
        let (token, code) = (token_in(mail.text()), code_in(mail.text()));
        for stolen in [
            confirm("native", by_token(&token), LONG),
            confirm("native", by_code(ANN, &code), LONG),
            verify("native", ANN, &code),
        ] {
            assert_eq!(outcome(&house.say(&at(other, stolen))), "proof_invalid", "of {own}");
        }
    }
    assert_eq!(house.resets("a1"), 0);
    let (_, mail) = &mails[1];
    let proof = by_token(&token_in(mail.text()));
    assert_eq!(outcome(&house.say(&at("shop", confirm("native", proof, LONG)))), "reset");
}

#[test]
fn a_site_that_is_not_in_the_list_is_answered_busy_and_leaves_no_trace() {
    let house = house();
    let before = house.dump();
    for message in [
        initiate("native", ANN),
        verify("native", ANN, "123456"),
        confirm("native", by_token(&"0".repeat(64)), LONG),
    ] {
        assert_eq!(outcome(&house.say(&at("nowhere", message))), "busy");
    }
    assert_eq!(house.dump(), before);
    let log = house.sidecar.log();
    let line = log.lines().find(|line| line.contains("site_unknown")).unwrap_or_default();
    assert!(line.contains("nowhere") && line.contains("[sites.NAME]"), "{log}");
}

#[test]
fn commands_are_told_which_site_is_meant() {
    let house = house();
    ask(&house, "shop", 1);
    house.settle();
    let tell = |words: &[&str], input: &str| house.sidecar.rekey(words, input).unwrap();
    let told = tell(&["why", ANN], "").out;
    assert!(told.contains(" at shop ") && told.contains("sent"), "{told}");
    let explain = ["password", "explain", "--dialect", "native"];
    let told = tell(&[&explain[..], &["--site", "nowhere"]].concat(), NEW);
    assert!(told.err.contains("default, shop") && !told.status.success(), "{}", told.err);
    assert_eq!(tell(&explain, NEW).status.code(), Some(0));
    let of_shop = [&explain[..], &["--site", "shop"]].concat();
    assert_eq!(tell(&of_shop, NEW).status.code(), Some(1));
    let checked = tell(&["check"], "").out;
    assert!(checked.contains("shop: links https://shop.example, mail as Shop"), "{checked}");
}
