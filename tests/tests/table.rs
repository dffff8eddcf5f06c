//! What every dialect says of every outcome, in every language, as one golden table: `fixtures/outcomes.md`, written by
//! `REKEY_BLESS=1`. Read it as the contract with the clients; a change in it is a change for them.

use std::fmt::Write as _;
use std::fs;

use contract::dialect::{DIALECTS, Dialect, Does, Route};
use contract::edge::{Answer, Clients, Exchanged, Settings};
use contract::language::Language;
use contract::message::Operation;
use contract::name::Name;
use contract::outcome::{Outcome, Refusal};
use contract::policy::{Breach, Weakness};
use contract::public_keys::PublicKeys;
use contract::secret::Token;
use rekey_tests::fixture::{blessing, folder, lines_that_differ};
use serde_json::{Map, Value};

const REQUEST: &str = "REQUEST";
const HEAD: &str = "# What each dialect answers

Generated from the code by `./just bless`. `outcome` is the code that the sidecar or the edge decides; `where` names the
routes, where they differ; `code` is what the body says beside its text and the request id.

| outcome | dialect | where | HTTP | code | zh-CN | en-US | zh-TW | ja-JP |
|---|---|---|---|---|---|---|---|---|
";

const WEAKNESSES: &str = "
## Why a password is too easy to guess

`reason` is the code in the native dialect's `reasons`; the text follows a colon.

| reason | zh-CN | en-US | zh-TW | ja-JP |
|---|---|---|---|---|
";

/// What one route answers: the cells behind `where`.
#[derive(PartialEq, Eq)]
struct Row {
    status: u16,
    code: String,
    /// In the order of `Language::ALL`; empty where the dialect has no such language.
    texts: Vec<String>,
}

#[test]
fn the_outcome_table_is_the_golden_one() {
    let file = folder().join("outcomes.md");
    let should = table();
    if blessing() {
        fs::write(&file, should).expect("outcomes.md");
        return;
    }
    let is = fs::read_to_string(&file).expect("outcomes.md");
    assert!(
        is == should,
        "run ./just bless and read what changed\n{}",
        lines_that_differ(is.as_bytes(), should.as_bytes())
    );
}

#[test]
fn every_sample_has_a_row_in_every_dialect() {
    let table = table();
    for (label, _) in outcomes() {
        for dialect in DIALECTS {
            let start = format!("| {label} | {} |", dialect.name());
            let said = table.lines().any(|line| line.starts_with(&start));
            let speaks = dialect.routes().iter().any(|route| can_be(&label, route));
            assert_eq!(said, speaks, "{start}");
        }
    }
}

/// Hosts that send a head before its body has come know no more of an outcome than its code and when to come back.
#[test]
fn status_and_headers_follow_from_the_code_alone() {
    let token = Token::parse("TOKEN".to_owned()).expect("a token");
    let mut all = outcomes();
    all.push(("reset".to_owned(), Outcome::Reset { access_token: Some(token) }));
    all.push(("policy".to_owned(), Outcome::Refused(Refusal::Policy(Breach::SAMPLES.into()))));
    let mut seen = 0;
    for (label, outcome) in all {
        let seconds = match &outcome {
            Outcome::Refused(refusal) => refusal.retry_after(),
            _ => None,
        };
        // What only the edge says is whole when it is said.
        let announced = Outcome::announced(outcome.code(), seconds.unwrap_or_default());
        let Some(announced) = announced else { continue };
        for dialect in DIALECTS {
            for route in dialect.routes() {
                let [told, before] = [&outcome, &announced]
                    .map(|outcome| answer(*dialect, route, Language::English, outcome));
                let name = dialect.name();
                assert_eq!(told.status, before.status, "{label} {name} {}", route.name);
                assert_eq!(told.headers, before.headers, "{label} {name} {}", route.name);
                seen += 1;
            }
        }
    }
    assert!(seen > 300, "{seen} cells");
}

fn table() -> String {
    let mut table = HEAD.to_owned();
    for (label, outcome) in outcomes() {
        for dialect in DIALECTS {
            for (place, row) in rows(*dialect, &label, &outcome) {
                let Row { status, code, texts } = row;
                let texts = texts.join(" | ");
                let name = dialect.name();
                let _ =
                    writeln!(table, "| {label} | {name} | {place} | {status} | {code} | {texts} |");
            }
        }
    }
    table + &weaknesses()
}

/// What an estimator may say behind "too easy to guess".
fn weaknesses() -> String {
    let mut table = WEAKNESSES.to_owned();
    for weakness in Weakness::ALL {
        let texts = Language::ALL.map(|language| weakness.text(language));
        let _ = writeln!(table, "| {} | {} |", weakness.code(), texts.join(" | "));
    }
    table
}

/// Every outcome with its label; broken rules one by one, because each has its text.
fn outcomes() -> Vec<(String, Outcome)> {
    let token = |text: &str| Token::parse(text.to_owned()).expect("a token");
    let keys = PublicKeys { rsa: Some("RSA".to_owned()), sm2: Some("SM2".to_owned()) };
    let mut all = vec![
        ("accepted".to_owned(), Outcome::Accepted),
        ("granted".to_owned(), Outcome::Granted { token: token("GRANT"), expires_in: 300 }),
        ("reset".to_owned(), Outcome::Reset { access_token: None }),
        ("keys".to_owned(), Outcome::Keys(keys)),
    ];
    all.extend(Refusal::samples().into_iter().map(|refusal| {
        let label = match &refusal {
            Refusal::Policy(breaches) => {
                format!("policy: {}", breaches.first().map_or("", Breach::code))
            }
            Refusal::Missing(member) => format!("missing: {member:?}"),
            other => other.code().to_owned(),
        };
        (label, Outcome::Refused(refusal))
    }));
    all
}

/// Whether a route's sidecar can come to this outcome; refusals can happen anywhere.
fn can_be(label: &str, route: &Route) -> bool {
    let does = |operation| route.does == Does::Call(operation);
    match label {
        "accepted" => does(Operation::Initiate),
        "granted" => does(Operation::Verify),
        "reset" => does(Operation::Confirm),
        "keys" => route.does == Does::Keys,
        _ => true,
    }
}

/// The different rows of a dialect, each with the routes that give it; `all` when there is but one.
fn rows(dialect: &dyn Dialect, label: &str, outcome: &Outcome) -> Vec<(String, Row)> {
    let mut rows: Vec<(Vec<&str>, Row)> = Vec::new();
    for route in dialect.routes().iter().filter(|route| can_be(label, route)) {
        let row = row(dialect, route, outcome);
        match rows.iter_mut().find(|(_, known)| *known == row) {
            Some((routes, _)) => routes.push(route.name),
            None => rows.push((vec![route.name], row)),
        }
    }
    let one = rows.len() == 1;
    let place = |routes: Vec<&str>| if one { "all".to_owned() } else { routes.join(", ") };
    rows.into_iter().map(|(routes, row)| (place(routes), row)).collect()
}

fn row(dialect: &dyn Dialect, route: &Route, outcome: &Outcome) -> Row {
    let said: Vec<Option<(Answer, String, String)>> = Language::ALL
        .into_iter()
        .map(|language| {
            dialect.languages().contains(&language).then(|| {
                let answer = answer(dialect, route, language, outcome);
                let (code, text) = code_and_text(&answer);
                (answer, code, text)
            })
        })
        .collect();
    let first = said.iter().flatten().next().expect("a dialect speaks at least one language");
    for (answer, code, _) in said.iter().flatten() {
        assert_eq!(
            (answer.status, code),
            (first.0.status, &first.1),
            "only texts depend on the language"
        );
    }
    let (status, code) = (first.0.status, first.1.clone());
    let texts = said.into_iter().map(|said| said.map_or_else(String::new, |(_, _, text)| text));
    Row { status, code, texts: texts.collect() }
}

fn answer(dialect: &dyn Dialect, route: &Route, language: Language, outcome: &Outcome) -> Answer {
    let settings = Settings {
        language,
        clients: Clients::Any,
        country: None,
        fields: Vec::new(),
        observe: false,
        legacy_until: None,
    };
    let request = Name::parse(REQUEST).expect("a name");
    let exchanged = Exchanged {
        does: route.does,
        channel: route.channel,
        language,
        request: &request,
        settings: &settings,
    };
    dialect.answer(&exchanged, outcome)
}

/// The text for people, and all else that the body says.
fn code_and_text(answer: &Answer) -> (String, String) {
    if answer.body.is_empty() {
        return ("(empty body)".to_owned(), String::new());
    }
    let body: Map<String, Value> = serde_json::from_slice(&answer.body).expect("a JSON object");
    let texts: Vec<String> = texts(&body);
    let plain = |(name, value): (&String, &Value)| {
        let dull = ["type", "reasons"].contains(&name.as_str());
        let text = is_text(name) || value == REQUEST;
        (!dull && !text).then(|| match value {
            Value::String(word) => format!("{name}={word}"),
            other => format!("{name}={other}"),
        })
    };
    let code: Vec<String> = body.iter().filter_map(plain).collect();
    (code.join(" ").replace('|', "\\|"), texts.join("; ").replace('|', "\\|"))
}

fn is_text(name: &str) -> bool {
    ["msg", "message", "error_msg", "title"].contains(&name)
}

fn texts(body: &Map<String, Value>) -> Vec<String> {
    let own = body.iter().filter(|(name, _)| is_text(name)).filter_map(|(_, value)| value.as_str());
    let reasons = body.get("reasons").and_then(Value::as_array).into_iter().flatten();
    let reasons = reasons.filter_map(|reason| reason.get("text").and_then(Value::as_str));
    own.chain(reasons).map(str::to_owned).collect()
}
