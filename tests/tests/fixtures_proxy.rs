//! Every fixture through a real `rekey edge`, over HTTP/1.1 and HTTP/2, and through a real nginx before one, with an echoing
//! app and a stand-in for the sidecar behind it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use contract::edge::MadeBy;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper::{Request, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rekey_tests::fixture::{Back, Case, Driver, Reply, Seen, cases, gateway, judge};
use rekey_tests::http::send_raw;
use rekey_tests::stage::{App, Edge, EdgeOptions, Nginx, Reaction, Server, Staged};
use tokio::net::TcpStream;

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
            Way::Http2 => over_http2(self.addr(), case)?,
            _ => over_http1(self.addr(), case)?,
        };
        let (app, sidecar) = (self.app.requests(), self.sidecar.requests());
        let added: &[&str] = if way == Way::Http1 { &ADDED } else { &FRAMED };
        gateway::seen(case, added, &app, &sidecar, reply)
    }
}

fn over_http1(to: SocketAddr, case: &Case) -> Result<Reply, String> {
    let reply = send_raw(to, &case.request.raw).map_err(|fault| fault.to_string())?;
    let headers = reply.headers.iter().map(|(name, value)| (name, value));
    Ok(Reply::new(reply.status, headers, &reply.body))
}

fn over_http2(to: SocketAddr, case: &Case) -> Result<Reply, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        let stream = TcpStream::connect(to).await.map_err(|error| error.to_string())?;
        let shaken = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
        let (mut sender, connection) = shaken.map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        let request = to_http2(case).ok_or("this is no HTTP/2")?;
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        let headers = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        Ok(Reply::new(parts.status.as_u16(), headers, &body))
    })
}

/// The same request without what HTTP/2 has not.
fn to_http2(case: &Case) -> Option<Request<Full<Bytes>>> {
    let sent = &case.request;
    let host = std::str::from_utf8(sent.first("host")?).ok()?;
    let uri: Uri = format!("http://{host}{}", sent.target).parse().ok()?;
    let mut request = Request::builder().method(sent.method.as_str()).uri(uri);
    let dropped = ["host", "connection", "transfer-encoding", "keep-alive"];
    for (name, value) in sent.headers.iter().filter(|(name, _)| !dropped.contains(&name.as_str())) {
        request = request.header(name.as_str(), value.as_slice());
    }
    request.body(Full::from(sent.body.clone().unwrap_or_default())).ok()
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
