//! Every fixture against the pure state machine. `REKEY_BLESS=1` writes the verdicts; read the difference before you
//! commit it. The other drivers are then judged by the same files.

use std::collections::{BTreeMap, BTreeSet};

use contract::dialect::{DIALECTS, Dialect, Does};
use contract::edge::{Edge, Exchange, Head, MAX_BODY, Step};
use rekey_tests::fixture::{
    Back, Case, Driver, Fixed, NOW, Reply, Seen, attacks, bless, blessing, cases, edge, judge,
};

#[derive(Default)]
struct Pure {
    edges: BTreeMap<String, Edge>,
}

impl Driver for Pure {
    fn play(&mut self, case: &Case, back: &Back) -> Result<Seen, String> {
        let edge = self
            .edges
            .entry(case.configuration.clone())
            .or_insert_with(|| edge(&case.configuration));
        let mut fixed = Fixed::default();
        let is_whole = case.request.body.is_none();
        let head = Head::new(case.request.header_map().into_iter().collect());
        let (step, exchange) = edge.on_head(head, is_whole, &mut fixed);
        let (step, exchange) = match (step, exchange) {
            (Step::Collect, Some(mut exchange)) => {
                let body = case.request.body.as_deref().unwrap_or_default();
                let step = if body.len() > MAX_BODY {
                    exchange.on_oversize()
                } else {
                    exchange.on_request(edge, body, &mut fixed)
                };
                (step, Some(exchange))
            }
            other => other,
        };
        seen(step, exchange, back)
    }
}

fn seen(step: Step, exchange: Option<Exchange>, back: &Back) -> Result<Seen, String> {
    match (step, exchange) {
        (Step::Pass, _) => Ok(Seen::Passed),
        (Step::Reply(answer), Some(_)) => Ok(Seen::Answered(Reply::from(&answer))),
        (Step::Forward(forward), Some(mut exchange)) => {
            let answer = exchange.on_answer(&back.head(), &back.body);
            Ok(Seen::Forwarded {
                operation: forward.operation,
                body: forward.body,
                now: NOW,
                reply: Reply::from(&answer),
            })
        }
        (Step::Fetch, Some(mut exchange)) => {
            let answer = exchange.on_answer(&back.head(), &back.body);
            Ok(Seen::Fetched(Reply::from(&answer)))
        }
        (step, _) => Err(format!("an impossible step: {step:?}")),
    }
}

#[test]
fn every_case_has_its_verdict() {
    let mut pure = Pure::default();
    let cases: Vec<Case> = cases().into_iter().chain(attacks()).collect();
    assert!(cases.len() > 1000, "the fixtures are lost");
    if blessing() {
        cases.iter().for_each(|case| bless(case, &mut pure));
        return;
    }
    let modes = cases.iter().flat_map(|case| [case.clone(), case.in_portable_mode()]);
    let faults: Vec<String> = modes.flat_map(|case| judge(&case, &mut pure)).collect();
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// An attack is answered by the edge. One that leads to the same message as an honest request says so in its name, and
/// none of its words is in the message; only a call that is the app's passes on.
#[test]
fn no_attack_gets_through() {
    if blessing() {
        return;
    }
    for case in attacks() {
        let message = std::fs::read_to_string(case.dir.join("message.json"));
        assert!(!case.dir.join("pass").exists(), "{case} passes on");
        assert_eq!(message.is_ok(), case.name.ends_with("-harmless"), "{case}");
        for word in ["evil", "203.0.113.7", "is_admin", "redirect", "DELETE"] {
            let is_in = message.as_ref().is_ok_and(|message| message.contains(word));
            assert!(!is_in, "{case}: {word} is in the message");
        }
    }
}

/// The answers of every operation, in every language, are written down somewhere.
#[test]
fn every_cell_of_the_outcome_table_is_a_fixture() {
    if blessing() {
        return;
    }
    let covered: BTreeSet<String> = cases().iter().filter_map(cell).collect();
    let wanted = DIALECTS.iter().flat_map(|dialect| {
        dialect.languages().iter().flat_map(move |language| {
            let calls = dialect.routes().iter().filter(|route| matches!(route.does, Does::Call(_)));
            calls.map(move |route| format!("{} {} {}", dialect.name(), route.path, language.tag()))
        })
    });
    let keys = DIALECTS.iter().flat_map(|dialect| {
        let keys = dialect.routes().iter().filter(|route| route.does == Does::Keys);
        keys.map(move |route| format!("{} {}", dialect.name(), route.path))
    });
    let wanted = wanted.chain(keys);
    let missing: Vec<String> = wanted.filter(|cell| !covered.contains(cell)).collect();
    assert!(missing.is_empty(), "no answers/ for {missing:#?}");
}

fn cell(case: &Case) -> Option<String> {
    if !case.dir.join("answers").is_dir() {
        return None;
    }
    if case.dir.join("keys").exists() {
        return Some(format!("{} {}", case.dialect, case.request.target));
    }
    let message = std::fs::read(case.dir.join("message.json")).ok()?;
    let message: serde_json::Value = serde_json::from_slice(&message).ok()?;
    Some(format!("{} {} {}", case.dialect, case.request.target, message["language"].as_str()?))
}

#[test]
fn every_dialect_has_its_folder_and_every_folder_its_dialect() {
    let folders: BTreeSet<String> = cases().into_iter().map(|case| case.dialect).collect();
    let dialects: BTreeSet<String> =
        DIALECTS.iter().map(|dialect: &&dyn Dialect| dialect.name().to_owned()).collect();
    assert_eq!(folders, dialects);
}

/// The judge is no use if it lets everything through.
#[test]
fn a_wrong_verdict_is_a_fault() {
    if blessing() {
        return;
    }
    let mut pure = Pure::default();
    let all = cases();
    let with = |file: &str| {
        let found = all.iter().find(|case| case.dir.join(file).exists());
        found.unwrap_or_else(|| panic!("no case with {file}")).clone()
    };
    let exchanged =
        |case: &Case, other: &Case| Case { request: other.request.clone(), ..case.clone() };
    let (passed, answered, forwarded) = (with("pass"), with("answer.http"), with("message.json"));
    let fetched = with("keys");
    for wrong in [
        exchanged(&passed, &answered),
        exchanged(&passed, &forwarded),
        exchanged(&answered, &passed),
        exchanged(&answered, &forwarded),
        exchanged(&forwarded, &passed),
        exchanged(&forwarded, &answered),
        exchanged(&fetched, &passed),
        exchanged(&fetched, &forwarded),
        exchanged(&passed, &fetched),
    ] {
        assert!(!judge(&wrong, &mut pure).is_empty(), "{wrong} took another's request");
    }
    assert_eq!(judge(&forwarded, &mut Tampering(pure)).len(), 1);
}

/// Changes one byte of each message.
struct Tampering(Pure);

impl Driver for Tampering {
    fn play(&mut self, case: &Case, back: &Back) -> Result<Seen, String> {
        let mut seen = self.0.play(case, back)?;
        if let Seen::Forwarded { body, .. } = &mut seen {
            *body.last_mut().expect("a body") ^= 1;
        }
        Ok(seen)
    }
}
