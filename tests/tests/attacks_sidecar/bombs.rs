//! ATTACKS.md 21, invariants 7 and 10: nobody can fill a mailbox, and everything that was accepted ends.

use rekey_tests::stage::until;

use crate::house::{ANN, DAN, House, NOBODY, Plan, from, initiate, outcome, token_in};

const LONG: &str = "cool_down = \"1h\"\nsends = 3";

/// The same sender again is told so, with the seconds; for nobody's address alike. Another sender is not.
#[test]
fn the_same_sender_waits_and_another_is_silent() {
    let house = House::with(&Plan { limits: LONG, ..Plan::default() });
    for to in [ANN, NOBODY, DAN] {
        assert_eq!(outcome(&house.say(&initiate("native", to))), "accepted", "{to}");
        let reply = house.say(&initiate("native", to));
        assert_eq!((reply.status, outcome(&reply).as_str()), (429, "throttled"), "{to}");
        let seconds: u32 = reply.header("retry-after").unwrap().parse().unwrap();
        assert!((3500..=3600).contains(&seconds), "{to}: {seconds}");
        assert_eq!(
            outcome(&house.say(&from(initiate("native", to), "203.0.113.3"))),
            "accepted",
            "{to}"
        );
        assert_eq!(
            outcome(&house.say(&initiate("authing", to))),
            "throttled",
            "{to}: another dialect is no way round"
        );
    }
    house.settle();
    assert_eq!(house.mailbox.all().unwrap().len(), 1);
    for sender in ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9"] {
        let expected = if sender.ends_with("::1") { "accepted" } else { "throttled" };
        assert_eq!(
            outcome(&house.say(&from(initiate("native", ANN), sender))),
            expected,
            "a /64 is one sender"
        );
    }
}

/// ATTACKS.md 21: thousands of asks for one address from as many senders are one mail a dialect in a cool-down; one for all
/// dialects together would let a stranger at one of them silence the others.
#[test]
fn many_senders_send_one_mail_in_a_cool_down() {
    let limits = "cool_down = \"1h\"\nsends = 3\naddress = \"3000/10m\"";
    let house = House::with(&Plan { limits, ..Plan::default() });
    let asks: Vec<_> = (0..3000_u32)
        .map(|n| {
            from(
                initiate(
                    ["native", "authing", "anqicms", "bamboocloud", "vastly"][n as usize % 5],
                    ANN,
                ),
                &format!("203.{}.{}.1", n / 256, n % 256),
            )
        })
        .collect();
    let outcomes = house.say_all(&asks, 32);
    assert!(outcomes.iter().all(|outcome| outcome == "accepted"), "{outcomes:?}");
    house.settle();
    let mails = house.mailbox.mails_to(ANN).unwrap().len() as u64;
    assert!((1..=5).contains(&mails), "{mails} mails");
    assert_eq!(house.count("challenge"), mails);
    assert_eq!(house.count("(SELECT DISTINCT dialect FROM challenge)"), mails);
    assert_eq!(
        house.count("ask WHERE state NOT IN ('sent', 'suppressed')"),
        0,
        "{}",
        house.sql("SELECT state, reason, COUNT(*) FROM ask GROUP BY 1, 2")
    );
}

/// ATTACKS.md 21, 22: after the cool-down the same secret again, `sends` times in all.
#[test]
fn asking_again_sends_the_same_secret_three_times() {
    let house = House::build();
    let mut senders = 0;
    for count in 1..=3 {
        until("another mail", || {
            senders += 1;
            house.say(&from(initiate("native", ANN), &format!("203.0.{}.1", senders)));
            house.settle();
            Ok((house.mailbox.mails_to(ANN)?.len() >= count).then_some(()))
        })
        .unwrap();
    }
    let tokens: Vec<String> =
        house.mailbox.mails_to(ANN).unwrap().iter().map(|mail| token_in(mail.text())).collect();
    assert!(tokens.len() == 3 && tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
    until("a refusal to send more", || {
        senders += 1;
        house.say(&from(initiate("native", ANN), &format!("203.0.{}.1", senders)));
        house.settle();
        Ok((house.count("ask WHERE reason = 'resends'") > 0).then_some(()))
    })
    .unwrap();
    assert_eq!(house.mailbox.mails_to(ANN).unwrap().len(), 3);
}

/// Invariant 7: every accepted ask ends, is counted, and can be asked after.
#[test]
fn every_ask_ends_and_why_tells_it() {
    let house = House::build();
    for to in [ANN, NOBODY, DAN] {
        house.say(&initiate("native", to));
    }
    house.mailbox.wait_for(ANN, 1).unwrap();
    house.settle();
    let ends = house.sql("SELECT address, state, reason FROM ask ORDER BY address");
    for (to, word) in [(ANN, "sent"), (NOBODY, "suppressed"), (DAN, "suppressed")] {
        let told = house.sidecar.rekey(&["why", to], "").unwrap();
        assert!(
            told.status.success() && told.out.contains(word),
            "{to}: {}{} {ends}",
            told.out,
            told.err
        );
    }
    let nothing = house.sidecar.rekey(&["why", "never@example.com"], "").unwrap();
    assert!(
        !nothing.out.contains("sent") && !nothing.out.contains("suppressed"),
        "{}",
        nothing.out
    );
}

/// ATTACKS.md 10, 11: what cannot be one address never comes to an SMTP dialogue, and a mail has one recipient.
#[test]
fn a_mail_has_one_recipient_and_no_foreign_header() {
    let house = House::build();
    let lines = [
        r#"{"id":"x1","email":"x1@example.com","display_name":"Eve\"><script>alert(1)</script>{{link}}"}"#,
        r#"{"id":"x2","email":"x2@example.com","display_name":"=?utf-8?Q?a=0D=0ABcc:_eve@example.com?="}"#,
        r#"{"id":"x3","email":"x3@example.com","display_name":".\u202emoc.elpmaxe http://evil.example/"}"#,
        r#"{"id":"x4","email":"!#$%&'*+-/=?^_`{|}~@example.com","display_name":"'"}"#,
    ];
    let told = house.sidecar.rekey(&["account", "import", "-"], &lines.join("\n")).unwrap();
    assert!(told.status.success(), "{}", told.err);
    for to in
        ["x1@example.com", "x2@example.com", "x3@example.com", "!#$%&'*+-/=?^_`{|}~@example.com"]
    {
        house.say(&initiate("native", to));
    }
    until("four mails", || Ok((house.mailbox.all()?.len() >= 4).then_some(()))).unwrap();
    for mail in house.mailbox.all().unwrap() {
        let raw = String::from_utf8_lossy(&mail.raw).into_owned();
        let head = raw.split("\n\n").next().unwrap_or_default().to_lowercase();
        assert!(!head.contains("\nbcc:") && !head.contains("\ncc:"), "{head}");
        assert_eq!(
            head.matches("\nto:").count() + usize::from(head.starts_with("to:")),
            1,
            "{head}"
        );
        let html = mail.html.clone().unwrap_or_default();
        assert!(!html.contains("<script") && !html.contains("alert(1)</"), "{html}");
        assert!(
            !mail.text().contains('\u{202e}') && !html.contains('\u{202e}'),
            "a direction mark"
        );
        for url in raw_urls(mail.text()).into_iter().chain(raw_urls(&html)) {
            assert!(
                url.starts_with("http://127.0.0.1:8080/") || url.contains("evil.example/"),
                "{url}"
            );
        }
        assert!(!html.contains("href=\"http://evil.example"), "{html}");
    }
}

fn raw_urls(text: &str) -> Vec<String> {
    text.match_indices("http://")
        .map(|(at, _)| {
            text[at..].split(['"', ' ', '<', '\n']).next().unwrap_or_default().to_owned()
        })
        .collect()
}

/// Invariant 10: a backlog that is full says so to everybody, known or not; mails that the relay does not take fill it, too.
#[test]
fn a_full_backlog_is_busy_for_all() {
    let mut house =
        House::with(&Plan { limits: "cool_down = \"1h\"\nbacklog = 10", ..Plan::default() });
    let lines: Vec<String> =
        (0..20).map(|n| format!(r#"{{"id":"u{n}","email":"u{n}@example.com"}}"#)).collect();
    let told = house.sidecar.rekey(&["account", "import", "-"], &lines.join("\n")).unwrap();
    assert!(told.status.success(), "{}", told.err);
    house.mailbox.stop().unwrap();
    let asks: Vec<_> = (0..400)
        .map(|n| {
            from(initiate("native", &format!("u{n}@example.com")), &format!("203.0.{}.9", n % 200))
        })
        .collect();
    let outcomes = house.say_all(&asks, 16);
    assert!(
        outcomes.iter().all(|outcome| outcome == "accepted" || outcome == "busy"),
        "{outcomes:?}"
    );
    let waiting = house.count("ask WHERE state = 'waiting'");
    assert!(waiting <= 10, "{waiting} asks");
    // Where asks were decided faster than they came, those of accounts still stand in the outbox.
    let mut asked = 0;
    until("ten mails that wait", || {
        let (to, sender) = (asked % 20, asked / 20 % 250 + 1);
        asked += 1;
        let ask = initiate("native", &format!("u{to}@example.com"));
        house.say(&from(ask, &format!("203.0.113.{sender}")));
        house.settle_asks();
        Ok((house.count("mail WHERE state = 'waiting'") >= 10).then_some(()))
    })
    .unwrap();
    for to in ["u1@example.com", "stranger@example.com"] {
        let reply = house.say(&from(initiate("native", to), "203.0.113.10"));
        assert_eq!(outcome(&reply), "busy", "{to}");
    }
}
