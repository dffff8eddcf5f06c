//! Every fixture through a real Envoy with the shipped configuration, with an echoing app and a stand-in for the sidecar
//! behind it. What the edge refuses or passes on must never be seen by the stand-in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use contract::edge::MadeBy;
use rekey_tests::fixture::{Back, Case, Driver, Reply, Seen, attacks, cases, gateway, judge};
use rekey_tests::http::send_raw;
use rekey_tests::stage::{App, Envoy, EnvoyOptions, Reaction, Server, Staged};

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
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = gateway::reaction(back);
        self.app.clear();
        self.sidecar.clear();
        let reply =
            send_raw(self.envoy.addr(), &case.request.raw).map_err(|fault| fault.to_string())?;
        let (app, sidecar) = (self.app.requests(), self.sidecar.requests());
        let headers = reply.headers.iter().map(|(name, value)| (name, value));
        let reply = Reply::new(reply.status, headers, &reply.body);
        // Every answer of ours forbids sniffing; Envoy's own do not.
        let is_envoys = reply.header("x-content-type-options").is_none();
        if case.is_attack && app.is_empty() && sidecar.is_empty() && is_envoys {
            return refused(reply.status);
        }
        gateway::seen(case, &ADDED, &app, &sidecar, reply)
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
