//! Every fixture and every attack, observed: it passes on, and the outcome tells what would have become of it.

use contract::edge::{Exchange, Head, MAX_BODY, OBSERVED, Step};
use rekey_tests::fixture::{Case, Fixed, attacks, cases, edge};
use serde_json::{Value, json};

fn play(case: &Case, is_observed: bool) -> (Step, Option<Exchange>) {
    let mut configuration: Value = serde_json::from_str(&case.configuration).unwrap();
    configuration["observe"] = json!(is_observed);
    let (edge, mut host) = (edge(&configuration.to_string()), Fixed::default());
    let head = Head::new(case.request.header_map().into_iter().collect());
    let body = case.request.body.as_deref();
    match edge.on_head(head, body.is_none(), &mut host) {
        (Step::Collect, Some(mut exchange)) => {
            let body = body.unwrap_or_default();
            let step = match body.len() > MAX_BODY {
                true => exchange.on_oversize(),
                false => exchange.on_request(&edge, body, &mut host),
            };
            (step, Some(exchange))
        }
        other => other,
    }
}

fn outcome(exchange: Option<&Exchange>) -> &str {
    exchange.map_or("", Exchange::outcome)
}

#[test]
fn what_is_observed_passes_on_and_says_what_it_would_have_been() {
    let mut told = std::collections::BTreeSet::new();
    let all = cases().into_iter().chain(attacks());
    for case in all.filter(|case| !case.name.starts_with("observed-")) {
        let (step, exchange) = play(&case, false);
        let judged = match (&step, outcome(exchange.as_ref())) {
            (Step::Forward(_) | Step::Fetch, _) => "forward",
            // What is the app's has no outcome, or that of an old token.
            (Step::Pass, "") => "pass",
            (_, outcome) => outcome,
        }
        .to_owned();
        let (step, exchange) = play(&case, true);
        assert!(matches!(step, Step::Pass), "{case}: {step:?}");
        let observed = exchange.as_ref().map_or("", Exchange::label).to_owned();
        // A path that is nobody's business is not counted.
        if exchange.is_some() {
            assert_eq!(observed, format!("observed_{judged}"), "{case}");
            assert!(OBSERVED.contains(&observed.as_str()), "{case}: {observed}");
        } else {
            assert_eq!(judged, "pass", "{case}");
        }
        told.insert(observed);
    }
    for outcome in ["forward", "link", "malformed", "not_found", "pass", "preflight"] {
        assert!(told.contains(&format!("observed_{outcome}")), "{outcome}: {told:?}");
    }
}
