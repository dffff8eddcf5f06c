//! Every fixture through a real `rekey edge`, over HTTP/1.1 and HTTP/2, and through a real nginx before one, with an echoing
//! app and a stand-in for the sidecar behind it.

mod sent;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use contract::edge::MadeBy;
use rekey_tests::fixture::{Back, Case, Driver, Seen, cases, gateway, judge};
use rekey_tests::stage::{App, Edge, EdgeOptions, Nginx, Reaction, Server, Staged};
use sent::{over_http1, over_http2, to_http2};

/// What the edge adds on the way to the app.
const ADDED: [&str; 3] = ["x-forwarded-", "x-request-id", "host"];
/// What more may differ: HTTP/2 has no framing headers, and nginx frames anew.
const FRAMED: [&str; 6] =
    ["x-forwarded-", "x-request-id", "host", "content-length", "transfer-encoding", "connection"];
/// Why cases are not for Envoy that are for us.
const ENVOYS_OWN: [&str; 2] = ["Envoy joins doubled headers", "The shipped gateway routes"];

/// How the requests come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Http1,
    Http2,
    Nginx,
}

/// One edge with what stands around it.
struct Place {
    app: App,
    sidecar: Server,
    next: Arc<Mutex<Reaction>>,
    edge: Edge,
    nginx: Option<Nginx>,
}

impl Place {
    fn start(way: Way, configuration: &str) -> Staged<Self> {
        let next = Arc::new(Mutex::new(Reaction::Close));
        let theirs = Arc::clone(&next);
        let sidecar =
            Server::start(move |_| theirs.lock().unwrap_or_else(PoisonError::into_inner).clone())?;
        let app = App::start()?;
        let json: serde_json::Value = serde_json::from_str(configuration).expect("JSON");
        let key = json["key"]["inline"].as_str().expect("an inline key");
        let mut options = EdgeOptions::new(sidecar.addr(), app.addr(), key)?;
        options.filter = configuration.to_owned();
        if way == Way::Nginx {
            options.listen = "unix:edge.sock".to_owned();
            options.lines = "trusted_hops = 1".to_owned();
        }
        let edge = Edge::start(&options)?;
        let nginx = match edge.socket() {
            Some(socket) => Some(Nginx::start(&socket, app.addr(), app.addr())?),
            None => None,
        };
        Ok(Self { app, sidecar, next, edge, nginx })
    }

    fn addr(&self) -> SocketAddr {
        self.nginx.as_ref().map_or_else(|| self.edge.addr(), Nginx::addr)
    }

    fn play(&self, way: Way, case: &Case, back: &Back) -> Result<Seen, String> {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = gateway::reaction(back);
        self.app.clear();
        self.sidecar.clear();
        let reply = match way {
            Way::Http2 => over_http2(self.addr(), case, false)?,
            _ => over_http1(self.addr(), &case.request.raw)?,
        };
        let (app, sidecar) = (self.app.requests(), self.sidecar.requests());
        let added: &[&str] = if way == Way::Http1 { &ADDED } else { &FRAMED };
        gateway::seen(case, added, &app, &sidecar, reply)
    }
}

/// Edges by configuration: most cases share one.
struct Places {
    way: Way,
    started: BTreeMap<String, Place>,
    timed_out: Vec<String>,
}

impl Driver for Places {
    /// A sidecar that closes the connection, and one that never answers, the latter once for each dialect.
    fn plays(&mut self, case: &Case, back: &Back) -> bool {
        match (back.made_by, back.status) {
            (MadeBy::Sidecar, _) | (MadeBy::Proxy, 503) => true,
            (MadeBy::Proxy, 504)
                if self.way == Way::Http1 && !self.timed_out.contains(&case.dialect) =>
            {
                self.timed_out.push(case.dialect.clone());
                true
            }
            _ => false,
        }
    }

    fn play(&mut self, case: &Case, back: &Back) -> Result<Seen, String> {
        let way = self.way;
        let place = self.started.entry(case.configuration.clone()).or_insert_with(|| {
            Place::start(way, &case.configuration).unwrap_or_else(|fault| panic!("{case}: {fault}"))
        });
        place.play(way, case, back).map_err(|fault| format!("{}: {fault}", back.name))
    }
}

/// Where nginx or HTTP/2 leaves another request than the case has.
fn fits(way: Way, case: &Case) -> bool {
    let sent = &case.request;
    let count = |name: &str| sent.headers.iter().filter(|(known, _)| known == name).count();
    match way {
        Way::Http1 => true,
        Way::Http2 => count("upgrade") == 0 && to_http2(case).is_some(),
        // A path of one's own must be added to nginx.conf.
        Way::Nginx => {
            case.not_in_envoy.as_deref().is_none_or(|why| !why.starts_with(ENVOYS_OWN[1]))
        }
    }
}

fn play(way: Way) {
    let mut places = Places { way, started: BTreeMap::new(), timed_out: Vec::new() };
    let cases = cases();
    let ours = |case: &&Case| {
        // The edge answers these 400 itself, before anybody's dialect is known.
        let target = case.request.target.to_ascii_lowercase();
        let path = target.split('?').next().unwrap_or_default();
        if ["%2f", "%5c", "%00"].iter().any(|escape| path.contains(escape)) {
            return false;
        }
        let reason = case.not_in_envoy.as_deref();
        reason.is_none_or(|reason| ENVOYS_OWN.iter().any(|own| reason.starts_with(own)))
    };
    let played: Vec<&Case> = cases.iter().filter(ours).filter(|case| fits(way, case)).collect();
    assert!(played.len() > 100, "the fixtures are lost");
    let faults: Vec<String> = played.iter().flat_map(|case| judge(case, &mut places)).collect();
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_case_through_the_edge() {
    play(Way::Http1);
}

#[test]
fn every_case_through_the_edge_over_http2() {
    play(Way::Http2);
}

#[test]
fn every_case_through_nginx_and_the_edge() {
    play(Way::Nginx);
}
