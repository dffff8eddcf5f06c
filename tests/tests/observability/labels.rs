//! The filter's metrics in a real Envoy: every outcome under its name, no label that is not of a closed list, the time of
//! one exchange in eight.

use std::sync::{Arc, Mutex};

use contract::dialect::DIALECTS;
use contract::edge::OBSERVED;
use contract::outcome::{Outcome, Refusal};
use rekey_tests::http::Call;
use rekey_tests::stage::{Answer, App, Envoy, EnvoyOptions, Reaction, Server, until};
use serde_json::{Value, json};

use crate::exposition::Exposition;

pub(crate) const KEY: &str = "9f3c1b7ae04d58622c91d3f8a7b6405e1d2cf9083b64a75e8812c06fd4a93b57";
pub(crate) const INITIATE: &str = "/reset/v1/initiate";
pub(crate) const REQUESTS: &str = "rekey_edge_requests_total";

const OPERATIONS: [&str; 5] = ["confirm", "initiate", "keys", "link", "verify"];
/// What is no outcome of a reset, and none that is observed: what the edge alone does or meets.
const OF_THE_EDGE: [&str; 6] =
    ["failed", "legacy", "link", "preflight", "unreachable", "unreadable"];

/// A gateway before something that answers as a test says.
pub(crate) struct Stand {
    pub(crate) app: App,
    pub(crate) envoy: Envoy,
    pub(crate) sidecar: Server,
    reaction: Arc<Mutex<Reaction>>,
}

impl Stand {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With other members of some dialects than the shipped ones.
    fn with(changes: &[(&str, Value)]) -> Self {
        let reaction = Arc::new(Mutex::new(said(202, "accepted", r#"{"outcome":"accepted"}"#)));
        let ours = Arc::clone(&reaction);
        let sidecar = Server::start(move |_| ours.lock().unwrap().clone()).unwrap();
        let app = App::start().unwrap();
        let mut options = EnvoyOptions::new(sidecar.addr(), sidecar.addr(), app.addr());
        let shipped = options.shipped_config().unwrap();
        let mut configuration: Value = serde_json::from_str(&shipped).unwrap();
        for (dialect, members) in changes {
            configuration["dialects"][*dialect] = members.clone();
        }
        options.plugin_config = Some(configuration.to_string());
        let envoy = Envoy::start(&options.env("REKEY_EDGE_KEY", KEY)).unwrap();
        Self { app, envoy, sidecar, reaction }
    }

    pub(crate) fn sidecar_says(&self, reaction: Reaction) {
        *self.reaction.lock().unwrap() = reaction;
    }

    pub(crate) fn send(&self, call: &Call) -> u16 {
        call.send(self.envoy.addr()).unwrap().status
    }

    fn metrics(&self) -> Exposition {
        Exposition::scrape(&[(self.envoy.admin(), "/stats/prometheus")])
    }
}

pub(crate) fn ask() -> Call {
    Call::post_json(INITIATE, r#"{"channel":"email","to":"jo.mark@example.com"}"#)
}

pub(crate) fn said(status: u16, code: &str, body: &str) -> Reaction {
    Reaction::Answer(Answer::json(status, body).header("rekey-outcome", code))
}

/// Six ways to be told "busy", and others beside them; each is counted under its own name.
pub(crate) fn act(stand: &mut Stand) {
    let refused = |code: &str, status: u16| {
        let body = format!(
            r#"{{"type":"urn:rekey:problem:{code}","title":"x","status":{status},"code":"{code}","retry_after":5,"instance":"i"}}"#
        );
        said(status, code, &body)
    };
    assert_eq!(stand.send(&ask()), 202);
    assert_eq!(stand.send(&Call::new("PUT", INITIATE)), 405);
    assert_eq!(stand.send(&Call::get("/any")), 200);
    let long = format!(r#"{{"outcome":"accepted","x":"{}"}}"#, "y".repeat(40_000));
    for (reaction, status) in [
        (refused("throttled", 429), 429),
        (refused("busy", 503), 503),
        (refused("unsigned", 401), 503),
        (said(202, "accepted", "<html>"), 503),
        (said(200, "reset", r#"{"outcome":"reset"}"#), 503),
        (said(202, "accepted", &long), 503),
        (Reaction::Close, 503),
    ] {
        stand.sidecar_says(reaction);
        assert_eq!(stand.send(&ask()), status);
    }
    stand.sidecar.stop();
    assert_eq!(stand.send(&ask()), 503);
}

#[test]
fn every_reason_to_be_busy_is_counted_apart() {
    let mut stand = Stand::start();
    act(&mut stand);
    let metrics = stand.metrics();
    for (outcome, count) in [
        ("accepted", 1),
        ("method_not_allowed", 1),
        ("throttled", 1),
        ("busy", 1),
        ("unsigned", 1),
        ("unreadable", 3),
        ("unreachable", 2),
    ] {
        let line = format!(
            "{REQUESTS}{{dialect=\"native\",operation=\"initiate\",outcome=\"{outcome}\"}}"
        );
        assert!((metrics.sum(&line) - f64::from(count)).abs() < 0.5, "{line}");
    }
    assert!((metrics.sum(REQUESTS) - 10.0).abs() < 0.5);
    assert!(metrics.sum("rekey_edge_host_faults_total") < 0.5);
    // One for each VM: two workers, the main thread, and the one that they are made from.
    assert!(metrics.sum("rekey_edge_configurations_total{outcome=\"loaded\"}") > 2.5);
    has_closed_labels(&metrics);
}

/// What goes no further than the filter, and what passes on with a thought.
#[test]
fn what_no_sidecar_hears_is_counted_by_its_name() {
    let stand = Stand::with(&[
        ("authing", json!({"clients": "any", "country": "86", "keys": "own", "observe": true})),
        ("native", json!({"legacy_until": "9000-01-01"})),
    ]);
    let link = format!(
        "/api/verify/email?state=reset&token={}&code=123456&email=jo%40example.com",
        "0123456789abcdef".repeat(4)
    );
    let send = r#"{"channel":"CHANNEL_RESET_PASSWORD","email":"jo.mark@example.com"}"#;
    let old = r#"{"token":"theirs","password":"correct horse battery"}"#;
    let observed = Call::post_json("/api/v3/send-email", send).header("x-authing-app-id", "app1");
    let table = [
        (Call::get(&link), 302, "anqicms", "link", "link"),
        (Call::new("OPTIONS", INITIATE), 200, "native", "initiate", "preflight"),
        (Call::post_json("/reset/v1/confirm", old), 200, "native", "confirm", "legacy"),
        (observed, 200, "authing", "initiate", "observed_forward"),
    ];
    for (call, status, ..) in &table {
        assert_eq!(stand.send(call), *status, "{call:?}");
    }
    assert_eq!((stand.app.requests().len(), stand.sidecar.requests().len()), (2, 0));
    let metrics = stand.metrics();
    for (_, _, dialect, operation, outcome) in &table {
        let line = format!(
            "{REQUESTS}{{dialect=\"{dialect}\",operation=\"{operation}\",outcome=\"{outcome}\"}}"
        );
        assert!((metrics.sum(&line) - 1.0).abs() < 0.5, "{line}");
    }
    assert!((metrics.sum(REQUESTS) - 4.0).abs() < 0.5);
    has_closed_labels(&metrics);
}

fn has_closed_labels(metrics: &Exposition) {
    let labels = metrics.labels(REQUESTS).unwrap();
    let dialects: Vec<&str> = DIALECTS.iter().map(|dialect| dialect.name()).collect();
    assert!(labels["dialect"].iter().all(|value| dialects.contains(&value.as_str())));
    assert!(labels["operation"].iter().all(|value| OPERATIONS.contains(&value.as_str())));
    assert!(labels["outcome"].iter().all(|value| is_outcome(value)));
    assert_eq!(labels.len(), 3, "{labels:?}");
}

/// Whether the edge may count something under this name.
pub(crate) fn is_outcome(value: &str) -> bool {
    let is_refusal = || Refusal::samples().iter().any(|refusal| refusal.code() == value);
    let is_decided = || Outcome::announced(value, 0).is_some() || is_refusal();
    is_decided() || OBSERVED.contains(&value) || OF_THE_EDGE.contains(&value)
}

/// The histogram is in microseconds; whatever the machine, an exchange takes some, and far less than a second.
#[test]
fn one_exchange_in_eight_is_timed() {
    let stand = Stand::start();
    for _ in 0..40 {
        assert_eq!(stand.send(&ask()), 202);
    }
    let name = "rekey_edge_filter_time_microseconds";
    let counted = || {
        let metrics = stand.metrics();
        let count = metrics.sum(&format!("{name}_count"));
        // Envoy shows histograms at its next flush, after five seconds at most; each worker counts for itself.
        Ok(Some(metrics).filter(|_| count > 4.5))
    };
    let metrics = until("the histogram", counted).unwrap();
    let (count, sum) = (metrics.sum(&format!("{name}_count")), metrics.sum(&format!("{name}_sum")));
    assert!(count < 6.5, "{count}");
    assert!(sum > 10.0 * count && sum < 1_000_000.0 * count, "{sum} us in {count}");
}
