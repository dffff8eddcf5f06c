//! Every fixture through a real Envoy with the shipped configuration, with an echoing app and a stand-in for the sidecar
//! behind it. What the edge refuses or passes on must never be seen by the stand-in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use contract::edge::MadeBy;
use contract::message::Operation;
use rekey_tests::fixture::{Back, Case, Driver, Reply, Seen, attacks, cases, judge};
use rekey_tests::http::send_raw;
use rekey_tests::stage::{Answer, App, Envoy, EnvoyOptions, Reaction, Received, Server, Staged};

/// What Envoy adds on the way to the app.
const ADDED: [&str; 4] = ["x-envoy-", "x-forwarded-", "x-request-id", "host"];

/// One Envoy with what stands behind it.
struct Gateway {
    app: App,
    sidecar: Server,
    next: Arc<Mutex<Reaction>>,
    envoy: Envoy,
}

impl Gateway {
    fn start(configuration: &str) -> Staged<Self> {
        let next = Arc::new(Mutex::new(Reaction::Close));
        let theirs = Arc::clone(&next);
        let sidecar =
            Server::start(move |_| theirs.lock().unwrap_or_else(PoisonError::into_inner).clone())?;
        let app = App::start()?;
        let mut options = EnvoyOptions::new(sidecar.addr(), sidecar.addr(), app.addr());
        options.plugin_config = Some(configuration.to_owned());
        let envoy = Envoy::start(&options)?;
        Ok(Self { app, sidecar, next, envoy })
    }

    fn play(&self, case: &Case, back: &Back) -> Result<Seen, String> {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = reaction(back);
        self.app.clear();
        self.sidecar.clear();
        let reply =
            send_raw(self.envoy.addr(), &case.request.raw).map_err(|fault| fault.to_string())?;
        let (app, sidecar) = (self.app.requests(), self.sidecar.requests());
        let headers = reply.headers.iter().map(|(name, value)| (name, value));
        let reply = Reply::new(reply.status, headers, &reply.body);
        match (app.as_slice(), sidecar.as_slice()) {
            // Every answer of ours forbids sniffing; Envoy's own do not.
            ([], []) if case.is_attack && reply.header("x-content-type-options").is_none() => {
                refused(reply.status)
            }
            ([], []) => Ok(Seen::Answered(reply)),
            ([received], []) => check_untouched(case, received).map(|()| Seen::Passed),
            ([], [first, again @ ..]) if again.iter().all(|other| other.body == first.body) => {
                forwarded(first, reply)
            }
            _ => Err(format!("app and sidecar got {app:#?} and {sidecar:#?}")),
        }
    }
}

/// Envoys by configuration: most cases share one.
#[derive(Default)]
struct Gateways {
    started: BTreeMap<String, Gateway>,
    timed_out: Vec<String>,
}

impl Driver for Gateways {
    /// What Envoy itself says is brought about where that is cheap: a sidecar that closes the connection, and one
    /// that never answers, the latter once for each dialect.
    fn plays(&mut self, case: &Case, back: &Back) -> bool {
        match (back.made_by, back.status) {
            (MadeBy::Sidecar, _) | (MadeBy::Proxy, 503) => true,
            (MadeBy::Proxy, 504) if !self.timed_out.contains(&case.dialect) => {
                self.timed_out.push(case.dialect.clone());
                true
            }
            _ => false,
        }
    }

    fn play(&mut self, case: &Case, back: &Back) -> Result<Seen, String> {
        let gateway = self.started.entry(case.configuration.clone()).or_insert_with(|| {
            Gateway::start(&case.configuration).unwrap_or_else(|fault| panic!("{case}: {fault}"))
        });
        gateway.play(case, back).map_err(|fault| format!("{}: {fault}", back.name))
    }
}

/// A redirect to a plainer path is a refusal, too. A 503 would be a filter that died.
fn refused(status: u16) -> Result<Seen, String> {
    match status {
        300..500 => Ok(Seen::Refused(status)),
        _ => Err(format!("the gateway itself said {status}")),
    }
}

fn reaction(back: &Back) -> Reaction {
    match (back.made_by, back.status) {
        (MadeBy::Proxy, 504) => Reaction::Silence,
        (MadeBy::Proxy, _) => Reaction::Close,
        (MadeBy::Sidecar, status) => {
            let mut headers = vec![
                ("content-type".to_owned(), back.content_type.to_owned()),
                ("cache-control".to_owned(), "no-store".to_owned()),
                ("rekey-outcome".to_owned(), back.name.clone()),
            ];
            headers.extend(
                back.retry_after.map(|seconds| ("retry-after".to_owned(), seconds.to_string())),
            );
            Reaction::Answer(Answer { status, headers, body: back.body.clone() })
        }
    }
}

fn forwarded(received: &Received, reply: Reply) -> Result<Seen, String> {
    if received.target == "/v1/keys" {
        let is_safe = matches!(received.method.as_str(), "GET" | "HEAD");
        let fetched = is_safe && received.body.is_empty();
        return match fetched {
            true => Ok(Seen::Fetched(reply)),
            false => Err(format!("the sidecar was asked for keys by {received:#?}")),
        };
    }
    let operation = Operation::from_path(&received.target)
        .ok_or_else(|| format!("the sidecar was asked for {}", received.target))?;
    if received.method != "POST" {
        return Err(format!("the sidecar got a {}", received.method));
    }
    let now =
        SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| "the clock is before 1970")?;
    Ok(Seen::Forwarded { operation, body: received.body.clone(), now: now.as_secs(), reply })
}

fn check_untouched(case: &Case, received: &Received) -> Result<(), String> {
    let headers =
        received.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
    let headers: Vec<_> =
        headers.filter(|(name, _)| !ADDED.iter().any(|added| name.starts_with(added))).collect();
    let sent = &case.request;
    // Envoy says the length of a body that is not there.
    let bodiless = sent.body.is_none();
    let headers: Vec<_> =
        headers.into_iter().filter(|(name, _)| !(bodiless && name == "content-length")).collect();
    let same = received.method == sent.method
        && received.target == sent.target
        && received.header("host").as_deref().map(str::as_bytes) == sent.first("host")
        && headers == sent.headers_for_the_app()
        && received.body == sent.body.clone().unwrap_or_default();
    if same { Ok(()) } else { Err(format!("the app got something else: {received:#?}")) }
}

#[test]
fn every_case_through_a_real_envoy() {
    let mut gateways = Gateways::default();
    let cases = cases();
    let played = cases.iter().filter(|case| case.not_in_envoy.is_none());
    let faults: Vec<String> = played.flat_map(|case| judge(case, &mut gateways)).collect();
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// The same for every attack; Envoy may be stricter than the edge.
#[test]
fn every_attack_on_a_real_envoy() {
    let mut gateways = Gateways::default();
    let attacks = attacks();
    let played = attacks.iter().filter(|case| case.not_in_envoy.is_none());
    let faults: Vec<String> = played.flat_map(|case| judge(case, &mut gateways)).collect();
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}
