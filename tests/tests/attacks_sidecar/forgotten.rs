//! One person forgotten, from outside: beside a running sidecar, after everything that leaves a trace.

use contract::message::Claim;

use crate::house::{
    ANN, ANNS_PHONE, BOB, House, NEW, by_both, by_code, by_token, code_in, confirm, from, grant_in,
    initiate, outcome, token_in, verify,
};

/// An account whose id is its address, as many directories have it.
const EVE: &str = "eve@example.com";

fn told(house: &House, words: &[&str]) -> String {
    let told = house.sidecar.rekey(words, "").unwrap();
    assert!(told.status.success(), "{}{}", told.out, told.err);
    told.out
}

/// Her resets by link, code and grant, wrong codes, and asks by mail and by phone that are open yet.
fn live(house: &House) {
    let mut spoken = initiate("native", ANN);
    spoken.context.device = Claim::of("Ann's telephone");
    assert_eq!(outcome(&house.say(&spoken)), "accepted");
    let mail = house.mailbox.wait_for(ANN, 1).unwrap().pop().unwrap();
    let mut reset = confirm("native", by_token(&token_in(mail.text())), NEW);
    reset.context.device = Claim::of("Ann's telephone");
    assert_eq!(outcome(&house.say(&reset)), "reset");
    // The notice, which nobody waits for but this test.
    house.mailbox.wait_for(ANN, 2).unwrap();
    let granting = house.ask_late("authing", ANN, 3);
    let granted = house.say(&verify("authing", ANN, &code_in(granting.text())));
    assert_eq!(outcome(&granted), "granted");
    assert!(!grant_in(&granted).is_empty());
    let wrong = house.say(&confirm("bamboocloud", by_code(ANN, "000000"), NEW));
    assert_eq!(outcome(&wrong), "proof_invalid");
    let open = house.ask_late("vastly", ANN, 4);
    let wrong = by_both(ANN, &token_in(open.text()), "0000000");
    assert_eq!(outcome(&house.say(&confirm("vastly", wrong, NEW))), "proof_invalid");
    let by_phone = from(initiate("bamboocloud", ANNS_PHONE), "198.51.100.7");
    assert_eq!(outcome(&house.say(&by_phone)), "accepted");
    house.texted_code(ANNS_PHONE);
    house.settle();
}

/// Every table, column by column: nothing says who she was.
#[test]
fn no_table_knows_who_was_forgotten() {
    let house = House::build();
    house.add_accounts(&[
        format!(
            r#"{{"id":"{EVE}","email":"{EVE}","user_name":"the-eve","password":"x-y-z-1234"}}"#
        ),
        r#"{"id":"zz-77","email":"zoe@example.com","user_name":"the-zoe","password":"x-y-z-1234"}"#
            .to_owned(),
    ]);
    live(&house);
    let bobs = house.ask("native", BOB, 1);
    for (account, address) in [(EVE, EVE), ("zz-77", "zoe@example.com")] {
        let mail = house.ask("native", address, 1);
        let reset = confirm("native", by_token(&token_in(mail.text())), NEW);
        assert_eq!(outcome(&house.say(&reset)), "reset");
        assert!(house.dump().contains(account));
    }
    house.settle();
    let audited = house.count("audit");
    let known = house.dump();
    for trace in ["a1", ANN, ANNS_PHONE, "Ann's telephone", EVE, "the-eve", "zz-77", "the-zoe"] {
        assert!(known.contains(trace), "{trace} left no trace to remove");
    }
    for who in [ANN, "the-eve", "zz-77"] {
        let said = told(&house, &["account", "forget", who]);
        let rows: u32 = said.split(' ').find_map(|word| word.parse().ok()).unwrap();
        assert!(rows > 3, "{said}");
        let gone = house.sidecar.rekey(&["account", "show", who], "").unwrap();
        assert!(gone.err.contains("no account has this"), "{}{}", gone.out, gone.err);
    }
    let dump = house.dump();
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    for trace in [ANN, ANNS_PHONE, "13800138000", "telephone", EVE, "zoe@", "zz-77", "the-"] {
        assert!(!dump.contains(trace), "{trace} in\n{dump}");
        assert!(!dump.contains(&hex(trace)), "{trace} in\n{dump}");
    }
    assert!(!dump.contains("\"a1\"") && !dump.contains("keyed:"), "{dump}");
    assert_eq!(house.count("audit"), audited, "that something happened is known");
    let reset = confirm("native", by_token(&token_in(bobs.text())), NEW);
    assert_eq!(outcome(&house.say(&reset)), "reset", "nobody else is forgotten");
}

/// Whoever is forgotten, is unknown: an ask is answered as ever, and nothing comes.
#[test]
fn who_was_forgotten_is_unknown() {
    let house = House::build();
    let token = token_in(house.ask("native", ANN, 1).text());
    told(&house, &["account", "forget", "a1"]);
    let reset = from(confirm("native", by_token(&token), NEW), "198.51.100.9");
    assert_eq!(outcome(&house.say(&reset)), "proof_invalid");
    assert_eq!(outcome(&house.say(&from(initiate("native", ANN), "198.51.100.9"))), "accepted");
    house.settle();
    let why = told(&house, &["why", ANN]);
    assert!(why.contains("no_account"), "{why}");
    assert_eq!(house.mailbox.mails_to(ANN).unwrap().len(), 1);
    let again = house.sidecar.rekey(&["account", "forget", ANN], "").unwrap();
    assert!(again.err.contains("no account has this"), "{}{}", again.out, again.err);
}
