//! A mail server in every bad mood: each ask ends as it must, `rekey why` says how, and a mail that may have come twice came
//! under one Message-ID.

use std::collections::BTreeSet;

use rekey_tests::house::{ANN, Crew, OLD, Plan, from, initiate, outcome};
use rekey_tests::stage::{At, Manner, Relay, until};

/// Short lives, so that what cannot arrive ends while we wait.
const SHORT: &str = "[profile.native.email]\nlink_life = \"20s\"\ncode_life = \"20s\"";

/// What is done to one recipient, how his ask ends, and whether mails of his are at the relay then.
const MOODS: [(Manner, &str, bool); 13] = [
    (Manner::Accept, "sent", true),
    (Manner::Greylist, "sent", true),
    (Manner::Answer(At::Recipient, 450), "dead", false),
    (Manner::Answer(At::Recipient, 550), "dead", false),
    (Manner::Answer(At::Data, 451), "dead", false),
    (Manner::Answer(At::Content, 452), "dead", false),
    (Manner::Answer(At::Content, 554), "dead", false),
    (Manner::Garbage(At::Recipient), "dead", false),
    (Manner::Garbage(At::Content), "dead", false),
    (Manner::Drop(At::Recipient), "dead", false),
    (Manner::Drop(At::Content), "dead", true),
    (Manner::Stall(At::Recipient), "dead", false),
    (Manner::Stall(At::Content), "dead", true),
];

/// How many of them end as sent.
const ARRIVE: usize = 2;

fn who(n: usize) -> String {
    format!("m{n}@example.com")
}

#[test]
fn every_ask_ends_as_the_relay_has_it() {
    let relay = Relay::start().unwrap();
    let plan = Plan { sections: SHORT, ..Plan::default() };
    let crew = Crew::start(&plan, relay.addr());
    let line = |n| format!(r#"{{"id":"m{n}","email":"{}","password":"{OLD}"}}"#, who(n));
    crew.add_accounts(&(0..MOODS.len()).map(line).collect::<Vec<_>>());
    // Those that arrive come first: the others may give the relay a rest that is longer than a link lives.
    for some in [0..ARRIVE, ARRIVE..MOODS.len()] {
        for n in some.clone() {
            let (manner, ..) = MOODS[n];
            relay.set_for(&who(n), manner);
            let ask = from(initiate("native", &who(n)), &format!("203.0.113.{n}"));
            assert_eq!(outcome(&crew.say(&ask)), "accepted", "{manner:?}");
        }
        some.for_each(|n| ends(&crew, &relay, n));
    }
}

fn ends(crew: &Crew, relay: &Relay, n: usize) {
    let (manner, end, came) = MOODS[n];
    until("the end of an ask", || Ok(crew_says(crew, &who(n)).filter(|story| is_end(story))))
        .map(|story| assert!(story.contains(&format!(": {end}")), "{manner:?}: {story}"))
        .unwrap_or_else(|fault| panic!("{manner:?}: {fault}"));
    let mails = relay.to(&who(n));
    assert_eq!(!mails.is_empty(), came, "{manner:?}: {} mails", mails.len());
    let ids: BTreeSet<&str> = mails.iter().map(|taken| taken.message_id()).collect();
    assert!(ids.len() <= 1, "{manner:?}: {ids:?}");
    if end == "sent" {
        assert_eq!(mails.len(), 1, "{manner:?}");
    }
}

/// What `rekey why` tells.
fn crew_says(crew: &Crew, address: &str) -> Option<String> {
    Some(crew.sidecar.rekey(&["why", address], "").unwrap().out)
}

fn is_end(story: &str) -> bool {
    [": sent", ": dead", ": suppressed", ": stale"].iter().any(|end| story.contains(end))
}

/// Before anybody says whom a mail is for: the relay's mood passes, and each mail comes, once.
#[test]
fn what_waits_is_sent_once_the_relay_greets_again() {
    let moods = [
        Manner::Answer(At::Greeting, 421),
        Manner::Drop(At::Greeting),
        Manner::Garbage(At::Greeting),
        Manner::Stall(At::Greeting),
    ];
    std::thread::scope(|scope| {
        for mood in moods {
            scope.spawn(move || {
                let relay = Relay::start().unwrap();
                relay.set(mood);
                let crew = Crew::start(&Plan::default(), relay.addr());
                assert_eq!(outcome(&crew.say(&initiate("native", ANN))), "accepted");
                relay.wait_for_connections(1).unwrap();
                relay.set(Manner::Accept);
                relay.wait_for(ANN, 1).unwrap();
                crew.settle();
                assert_eq!(relay.to(ANN).len(), 1, "{mood:?}");
                assert_eq!(crew.count("ask WHERE state = 'sent'"), 1, "{mood:?}");
            });
        }
    });
}
