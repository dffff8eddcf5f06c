//! ATTACKS.md 22, 28: what ends a proof, and what does not.

use rekey_tests::stage::until;

use crate::house::{
    ANN, House, NEW, OLD, Plan, by_code, by_token, code_in, confirm, from, grant_in, initiate,
    outcome, token_in, verify,
};

/// Asks in several dialects, each from its own sender, so that several proofs live.
fn three_proofs(house: &House) -> Vec<contract::message::Message> {
    let native = house.ask("native", ANN, 1);
    let link = token_in(native.text());
    until("the end of the cool-down", || {
        house.say(&from(initiate("vastly", ANN), "203.0.113.20"));
        house.settle();
        Ok((house.mailbox.mails_to(ANN)?.len() >= 2).then_some(()))
    })
    .unwrap();
    let vastly = token_in(house.mailbox.mails_to(ANN).unwrap()[1].text());
    let grant = grant_in(&house.say(&verify("native", ANN, &code_in(native.text()))));
    vec![
        confirm("native", by_token(&link), NEW),
        confirm("vastly", by_token(&vastly), NEW),
        confirm("native", by_token(&grant), NEW),
    ]
}

fn all_dead(house: &House, proofs: &[contract::message::Message], context: &str) {
    for (at, proof) in proofs.iter().enumerate() {
        assert_eq!(outcome(&house.say(proof)), "proof_invalid", "{context}: proof {at}");
    }
}

/// ATTACKS.md 28: a reset ends every other proof of the account.
#[test]
fn a_reset_ends_its_siblings() {
    let house = House::build();
    let proofs = three_proofs(&house);
    assert_eq!(outcome(&house.say(&proofs[1])), "reset");
    all_dead(&house, &proofs, "after a reset");
    assert_eq!(house.resets("a1"), 1);
}

/// ATTACKS.md 28: the app changes the password in its table.
#[test]
fn a_password_changed_behind_our_back_ends_all_proofs() {
    let house = House::build();
    let proofs = three_proofs(&house);
    let bobs = house.sql("SELECT password_hash FROM account WHERE id = 'b2'");
    let hash = bobs.trim_matches(['[', ']', '"']).to_owned();
    house.sql(&format!("UPDATE account SET password_hash = '{hash}' WHERE id = 'a1'"));
    all_dead(&house, &proofs, "after a change of password");
    assert!(house.has_password("a1", OLD), "{} stays", OLD);
}

/// ATTACKS.md 28: the account is disabled, also for a moment only.
#[test]
fn a_disabled_account_has_no_proofs() {
    let house = House::build();
    let proofs = three_proofs(&house);
    let told = house.sidecar.rekey(&["account", "set", ANN, "--status", "disabled"], "").unwrap();
    assert!(told.status.success(), "{}", told.err);
    all_dead(&house, &proofs, "disabled");
    let told = house.sidecar.rekey(&["account", "set", ANN, "--status", "active"], "").unwrap();
    assert!(told.status.success(), "{}", told.err);
    all_dead(&house, &proofs, "enabled again");
}

/// ATTACKS.md 28: the address is changed or taken away.
#[test]
fn a_changed_address_ends_its_proofs() {
    let house = House::build();
    let proofs = three_proofs(&house);
    house.sql("UPDATE account SET email = 'ann2@example.com', email_key = 'ann2@example.com' WHERE id = 'a1'");
    all_dead(&house, &proofs, "another address");
}

/// ATTACKS.md 28: the account is gone, and another has its address.
#[test]
fn a_proof_does_not_pass_to_the_next_owner_of_an_address() {
    let house = House::build();
    let proofs = three_proofs(&house);
    house.sql("DELETE FROM account WHERE id = 'a1'");
    all_dead(&house, &proofs, "deleted");
    let line = format!(r#"{{"id":"a9","email":"{ANN}","password":"{OLD}"}}"#);
    assert!(house.sidecar.rekey(&["account", "import", "-"], &line).unwrap().status.success());
    all_dead(&house, &proofs, "a new owner");
    assert!(house.has_password("a9", OLD));
}

/// ATTACKS.md 22: strangers who ask again and again end nothing: the first link works.
#[test]
fn strangers_asks_do_not_end_a_link() {
    let house = House::build();
    let mail = house.ask("native", ANN, 1);
    for n in 1..=200 {
        house.say(&from(initiate("native", ANN), &format!("203.0.113.{n}")));
        if n % 50 == 0 {
            house.settle();
        }
    }
    house.settle();
    let mails = house.mailbox.mails_to(ANN).unwrap();
    assert!(mails.len() <= 4, "{} mails", mails.len());
    for later in &mails {
        assert_eq!(token_in(later.text()), token_in(mail.text()), "the same secret again");
        assert_eq!(code_in(later.text()), code_in(mail.text()));
    }
    assert_eq!(
        outcome(&house.say(&confirm("native", by_token(&token_in(mail.text())), NEW))),
        "reset"
    );
}

/// Expired: by the profile's own lives, here as short as the configuration allows.
#[test]
fn what_is_expired_is_invalid() {
    let house = House::with(&Plan {
        sections: "[profile.native]\ngrant_life = \"12s\"\n[profile.native.email]\nlink_life = \"12s\"\ncode_life = \"12s\"\n",
        ..Plan::default()
    });
    let mail = house.ask("native", ANN, 1);
    let (link, code) = (token_in(mail.text()), code_in(mail.text()));
    until("the end of the code", || {
        let rows = house.count(
            "challenge WHERE code_until > unixepoch() * 1000 OR link_until > unixepoch() * 1000",
        );
        Ok((rows == 0).then_some(()))
    })
    .unwrap();
    // The rows count whole seconds; another sender's wrong guess costs nothing here.
    until("the very end", || {
        let reply =
            house.say(&from(verify("native", ANN, &crate::house::other(&code, 1)), "203.0.113.77"));
        assert_eq!(outcome(&reply), "proof_invalid");
        Ok((house.count("challenge WHERE link_until + 1000 > unixepoch() * 1000") == 0)
            .then_some(()))
    })
    .unwrap();
    for message in [
        confirm("native", by_token(&link), NEW),
        confirm("native", by_code(ANN, &code), NEW),
        verify("native", ANN, &code),
    ] {
        assert_eq!(outcome(&house.say(&message)), "proof_invalid");
    }
    assert_eq!(house.resets("a1"), 0);
}
