//! Every fixture through a real Envoy with the shipped configuration of either mode, over HTTP/1.1 and HTTP/2, with and
//! without trailers, with an echoing app and a stand-in for the sidecar behind it. What the edge refuses or passes on must
//! never be seen by the stand-in.

mod sent;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use contract::edge::MadeBy;
use rekey_tests::fixture::{Back, Case, Driver, Seen, attacks, cases, gateway, judge};
use rekey_tests::stage::{App, Envoy, EnvoyOptions, Reaction, Server, Staged};
use sent::{TRAILER, over_http1, over_http2, to_http2};

/// What Envoy adds on the way to the app.
const ADDED: [&str; 4] = ["x-envoy-", "x-forwarded-", "x-request-id", "host"];

/// What more may differ: HTTP/2 has no framing headers, and trailers want chunks.
const FRAMED: [&str; 7] = [
    "x-envoy-",
    "x-forwarded-",
    "x-request-id",
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
];

/// How the requests come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    http2: bool,
    trailers: bool,
}

const WAYS: [Way; 4] = [
    Way { http2: false, trailers: false },
    Way { http2: false, trailers: true },
    Way { http2: true, trailers: false },
    Way { http2: true, trailers: true },
];

impl Way {
    /// Whether the case is the same request when it comes so. Where a body has no place, trailers are one.
    fn fits(self, case: &Case) -> bool {
        let sent = &case.request;
        let has_place = sent.body.is_some() || sent.method == "POST";
        match self {
            Self { http2: false, trailers } => !trailers || chunked_with_trailers(case).is_some(),
            Self { http2: true, trailers } => {
                let fits = sent.first("upgrade").is_none() && to_http2(case).is_some();
                fits && (!trailers || has_place)
            }
        }
    }
}

/// The request in small chunks, with trailers. `None` where it has no body to cut, or lies about its length.
fn chunked_with_trailers(case: &Case) -> Option<Vec<u8>> {
    let sent = &case.request;
    let body = sent.body.as_deref().filter(|body| !body.is_empty())?;
    let length = body.len().to_string();
    if sent.first("content-length").is_some_and(|said| said != length.as_bytes()) {
        return None;
    }
    let mut bytes = format!("{} {} HTTP/1.1\r\n", sent.method, sent.target).into_bytes();
    let framing = ["content-length", "transfer-encoding"];
    for (name, value) in sent.headers.iter().filter(|(name, _)| !framing.contains(&name.as_str())) {
        bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    bytes.extend(b"transfer-encoding: chunked\r\n\r\n");
    for piece in body.chunks(body.len().div_ceil(3)) {
        bytes.extend([format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat());
    }
    bytes.extend(format!("0\r\ncontent-type: {TRAILER}\r\n\r\n").into_bytes());
    Some(bytes)
}

/// One Envoy with what stands behind it.
struct Gateway {
    app: App,
    sidecar: Server,
    next: Arc<Mutex<Reaction>>,
    envoy: Envoy,
}

impl Gateway {
    fn start(case: &Case) -> Staged<Self> {
        let next = Arc::new(Mutex::new(Reaction::Close));
        let theirs = Arc::clone(&next);
        let sidecar =
            Server::start(move |_| theirs.lock().unwrap_or_else(PoisonError::into_inner).clone())?;
        let app = App::start()?;
        let mut options = EnvoyOptions::new(sidecar.addr(), sidecar.addr(), app.addr());
        if case.is_portable {
            options = options.portable();
        }
        options.plugin_config = Some(case.configuration.clone());
        let envoy = Envoy::start(&options)?;
        Ok(Self { app, sidecar, next, envoy })
    }

    fn play(&self, way: Way, case: &Case, back: &Back) -> Result<Seen, String> {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = gateway::reaction(back);
        self.app.clear();
        self.sidecar.clear();
        let to = self.envoy.addr();
        let reply = match way {
            Way { http2: true, trailers } => over_http2(to, case, trailers)?,
            Way { trailers: true, .. } => {
                over_http1(to, &chunked_with_trailers(case).ok_or("no body to cut")?)?
            }
            _ => over_http1(to, &case.request.raw)?,
        };
        let (app, sidecar) = (self.app.requests(), self.sidecar.requests());
        // Every answer of ours forbids sniffing; Envoy's own do not.
        let is_envoys = reply.header("x-content-type-options").is_none();
        if case.is_attack && app.is_empty() && sidecar.is_empty() && is_envoys {
            return refused(reply.status);
        }
        let added: &[&str] = if way == WAYS[0] { &ADDED } else { &FRAMED };
        gateway::seen(case, added, &app, &sidecar, reply)
    }
}

/// Envoys by configuration: most cases share one.
struct Gateways {
    way: Way,
    started: BTreeMap<String, Gateway>,
    timed_out: Vec<String>,
}

impl Driver for Gateways {
    /// What Envoy itself says is brought about where that is cheap: a sidecar that closes the connection, and one
    /// that never answers, the latter once for each dialect, and in one way. How a request ended does not change what
    /// comes back for it.
    fn plays(&mut self, case: &Case, back: &Back) -> bool {
        if self.way.trailers {
            return false;
        }
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
            Gateway::start(case).unwrap_or_else(|fault| panic!("{case}: {fault}"))
        });
        let seen = gateway.play(self.way, case, back);
        seen.map_err(|fault| format!("{:?}: {}: {fault}", self.way, back.name))
    }
}

/// A redirect to a plainer path is a refusal, too. A 503 would be a filter that died.
fn refused(status: u16) -> Result<Seen, String> {
    match status {
        300..500 => Ok(Seen::Refused(status)),
        _ => Err(format!("the gateway itself said {status}")),
    }
}

/// Plays these in every way, on the same Envoys.
fn play(cases: &[Case]) {
    let mut gateways = Gateways { way: WAYS[0], started: BTreeMap::new(), timed_out: Vec::new() };
    let mut faults: Vec<String> = Vec::new();
    for way in WAYS {
        gateways.way = way;
        let played = cases.iter().filter(|case| case.not_in_envoy.is_none() && way.fits(case));
        let found = played.flat_map(|case| judge(case, &mut gateways));
        faults.extend(found.map(|fault| format!("{way:?}: {fault}")));
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

fn in_portable_mode(cases: &[Case]) -> Vec<Case> {
    cases.iter().map(Case::in_portable_mode).collect()
}

#[test]
fn every_case_through_a_real_envoy() {
    play(&cases());
}

#[test]
fn every_case_through_a_real_envoy_in_portable_mode() {
    play(&in_portable_mode(&cases()));
}

/// The same for every attack; Envoy may be stricter than the edge.
#[test]
fn every_attack_on_a_real_envoy() {
    play(&attacks());
}

#[test]
fn every_attack_on_a_real_envoy_in_portable_mode() {
    play(&in_portable_mode(&attacks()));
}
