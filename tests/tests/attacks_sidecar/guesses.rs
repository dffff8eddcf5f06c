//! ATTACKS.md 12, 13, 14, 15, 23: codes cannot be guessed by numbers, and guessing hurts nobody but the guesser.

use crate::house::{
    ANN, ANNS_PHONE, BOB, House, NEW, NOBODY, by_code, by_place, by_token, code_in, confirm, from,
    initiate, other, outcome, token_in, verify, with_flow,
};

fn stranger(n: usize) -> String {
    format!("203.{}.{}.{}", n / 60_000, n / 250 % 250, n % 250 + 1)
}

/// ATTACKS.md 13: five wrong codes from the place that asked, in sequence, and the right one is dead there.
#[test]
fn five_wrong_codes_from_the_askers_place_end_it_there() {
    let house = House::build();
    for (to, wrong, right) in [(ANN, 4, "granted"), (BOB, 5, "proof_invalid")] {
        let code = code_in(house.ask("native", to, 1).text());
        for by in 1..=wrong {
            assert_eq!(
                outcome(&house.say(&verify("native", to, &other(&code, by)))),
                "proof_invalid"
            );
        }
        assert_eq!(
            outcome(&house.say(&verify("native", to, &code))),
            right,
            "after {wrong} wrong ones"
        );
    }
}

/// ATTACKS.md 13: a thousand guesses at once from the asker's place compare five; from elsewhere the code is still good.
#[test]
fn a_burst_of_guesses_from_the_askers_place_compares_five() {
    let limits = "cool_down = \"1s\"\nattempts = \"2000/10m\"";
    let house = House::with(&crate::house::Plan { limits, ..Default::default() });
    let mail = house.ask("native", ANN, 1);
    let (code, token) = (code_in(mail.text()), token_in(mail.text()));
    let guesses: Vec<_> = (1..=1000).map(|by| verify("native", ANN, &other(&code, by))).collect();
    let outcomes = house.say_all(&guesses, 32);
    assert!(outcomes.iter().all(|outcome| outcome == "proof_invalid"), "{outcomes:?}");
    assert_eq!(outcome(&house.say(&verify("native", ANN, &code))), "proof_invalid");
    let elsewhere = from(verify("native", ANN, &code), "203.0.113.1");
    assert_eq!(outcome(&house.say(&elsewhere)), "granted");
    assert_eq!(outcome(&house.say(&confirm("native", by_token(&token), NEW))), "reset");
}

/// ATTACKS.md 13, 14, 23: a thousand guesses from as many addresses compare five; the asker's own code and link still work.
#[test]
fn a_burst_of_guesses_from_everywhere_hurts_nobody() {
    let house = House::build();
    let mail = house.ask("native", ANN, 1);
    let (code, token) = (code_in(mail.text()), token_in(mail.text()));
    let guesses: Vec<_> = (1..=1000)
        .map(|by| from(verify("native", ANN, &other(&code, by)), &stranger(by as usize)))
        .collect();
    let outcomes = house.say_all(&guesses, 32);
    assert!(outcomes.iter().all(|outcome| outcome == "proof_invalid"), "{outcomes:?}");
    let late = from(verify("native", ANN, &code), &stranger(5000));
    assert_eq!(outcome(&house.say(&late)), "proof_invalid", "the strangers' pot is full");
    assert_eq!(outcome(&house.say(&verify("native", ANN, &code))), "granted", "the asker's is not");
    assert_eq!(outcome(&house.say(&confirm("native", by_token(&token), NEW))), "reset");
}

/// ATTACKS.md 13: the right code in the middle of a burst wins at most once.
#[test]
fn a_right_code_in_a_burst_wins_once() {
    let house = House::build();
    let code = code_in(house.ask("native", ANN, 1).text());
    let guesses: Vec<_> = (0..200).map(|_| confirm("native", by_code(ANN, &code), NEW)).collect();
    let outcomes = house.say_all(&guesses, 50);
    let won = outcomes.iter().filter(|outcome| *outcome == "reset").count();
    assert_eq!(won, 1, "{outcomes:?}");
    assert_eq!(house.resets("a1"), 1);
}

/// ATTACKS.md 14, 15: asking again and again does not buy guesses: the day's bound holds over all codes and places.
#[test]
fn the_day_bounds_the_guesses_of_an_address() {
    let house = House::with(&crate::house::Plan {
        limits: "cool_down = \"1s\"\nsends = 10\ndaily_wrong_codes = 20",
        ..Default::default()
    });
    let first = code_in(house.ask("authing", ANN, 1).text());
    let mut codes = vec![first];
    for round in 0..12 {
        let code = codes.last().unwrap().clone();
        for by in 1..=10_u32 {
            let sender = if by % 2 == 0 {
                "198.51.100.7".to_owned()
            } else {
                stranger(round * 10 + by as usize)
            };
            assert_eq!(
                outcome(&house.say(&from(verify("authing", ANN, &other(&code, by)), &sender))),
                "proof_invalid"
            );
        }
        house.say(&from(initiate("authing", ANN), &stranger(9000 + round)));
        house.settle();
        for mail in house.mailbox.mails_to(ANN).unwrap() {
            let found = mail.text().contains("Your code").then(|| code_in(mail.text()));
            codes.extend(found.filter(|code| !codes.contains(code)));
        }
    }
    for code in &codes {
        for sender in ["198.51.100.7", "203.0.113.99"] {
            let reply = house.say(&from(verify("authing", ANN, code), sender));
            assert_eq!(outcome(&reply), "proof_invalid", "after 120 wrong ones");
        }
    }
    let last = house.mailbox.mails_to(ANN).unwrap().pop().unwrap();
    assert!(
        last.text().contains("token=") || codes.len() == 1,
        "mails carry links then, not nothing: {}",
        last.text()
    );
}

/// ATTACKS.md 16, invariant 5: pots exist for addresses that nobody has, and answer alike.
#[test]
fn guesses_at_nobody_are_answered_alike() {
    let house = House::build();
    house.ask("native", ANN, 1);
    house.say(&initiate("native", NOBODY));
    house.settle();
    for n in 0..12 {
        let replies = [ANN, NOBODY].map(|to| house.say(&verify("native", to, "000000x")));
        assert_eq!(replies[0].body, replies[1].body, "{n}");
        assert_eq!(replies[0].status, replies[1].status, "{n}");
    }
    let kinds = ["pot", "daily"].map(|table| house.sql(&format!("SELECT * FROM {table}")));
    for rows in kinds {
        let rows: Vec<serde_json::Value> = serde_json::from_str(&rows).unwrap();
        assert_eq!(rows.len(), 2, "{rows:?}");
    }
}

/// Vastly's code alone: three tries in its place, none elsewhere, and no cookie but its own.
#[test]
fn a_placed_code_is_good_in_its_place_only() {
    let house = House::build();
    let asking = |flow| with_flow(initiate("vastly", ANNS_PHONE), flow);
    assert_eq!(outcome(&house.say(&asking(Some(7)))), "accepted");
    let code = house.texted_code(ANNS_PHONE);
    let confirm =
        |flow, sender| from(with_flow(confirm("vastly", by_place(&code), NEW), flow), sender);
    for (flow, sender, context) in [
        (None, "198.51.100.7", "the same address without the cookie"),
        (Some(8), "198.51.100.7", "another cookie"),
        (None, "203.0.113.1", "elsewhere"),
        (Some(8), "203.0.113.1", "elsewhere with another cookie"),
    ] {
        assert_eq!(outcome(&house.say(&confirm(flow, sender))), "proof_invalid", "{context}");
    }
    assert_eq!(
        outcome(&house.say(&confirm(Some(7), "203.0.113.5"))),
        "reset",
        "its own cookie, from anywhere"
    );
}

/// ATTACKS.md 14: three wrong codes in a place end what lives there; thousands elsewhere do not.
#[test]
fn a_placed_code_dies_after_three_tries_in_its_place() {
    let house = House::build();
    house.say(&with_flow(initiate("vastly", ANNS_PHONE), Some(7)));
    let code = house.texted_code(ANNS_PHONE);
    let guesses: Vec<_> = (1..=500)
        .map(|by| from(confirm("vastly", by_place(&other(&code, by)), NEW), &stranger(by as usize)))
        .collect();
    house.say_all(&guesses, 32);
    let here = |code: &str| with_flow(confirm("vastly", by_place(code), NEW), Some(7));
    for by in 1..=3 {
        assert_eq!(outcome(&house.say(&here(&other(&code, by)))), "proof_invalid");
    }
    assert_eq!(outcome(&house.say(&here(&code))), "proof_invalid");
    assert_eq!(house.resets("a1"), 0);
}

/// Codes that live in one place differ, or one phone's code would open another's account.
#[test]
fn codes_of_one_place_differ() {
    let house = House::with(&crate::house::Plan {
        sections: "[profile.vastly.sms]\ncode_digits = 6\n",
        ..Default::default()
    });
    let lines: Vec<String> =
        (0..40).map(|n| format!(r#"{{"id":"p{n}","phone":"+86138001390{n:02}"}}"#)).collect();
    let told = house.sidecar.rekey(&["account", "import", "-"], &lines.join("\n")).unwrap();
    assert!(told.status.success(), "{}", told.err);
    let mut codes = Vec::new();
    for n in 0..40 {
        let phone = format!("+86138001390{n:02}");
        house.say(&initiate("vastly", &phone));
        codes.push(house.texted_code(&phone));
    }
    let all = codes.len();
    codes.sort();
    codes.dedup();
    assert_eq!(codes.len(), all);
}
