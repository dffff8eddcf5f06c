//! One request: refused, the app's, or ours. `contract::edge` decides which; this carries its steps out. Invariant: what is
//! ours has the dialect's own answer, whatever fails behind us, and reaches the app only where the configuration says so:
//! observed, or a way of before that is still open.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use contract::edge::{
    Answer, AnswerHead, Circumstances, Edge, Exchange, Head, Headers, MadeBy, Step,
};
use hyper::body::{Body, Incoming};
use hyper::http::request::Parts;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, Version};
use tokio::time::Instant;

use super::app::App;
use super::client::{self, Peer};
use super::collect::{self, Collected};
use super::content::Content;
use super::head::{self, Addressed};
use super::metrics::Metrics;
use super::question::Question;
use super::reply;
use super::sidecars::{Back, Sidecars};
use super::signer::Signer;
use super::tunnel;
use crate::clock::Clock;
use crate::config::{ClientSource, EdgeConfig, Network};
use crate::entropy::Entropy;
use crate::tls::{Connector, Doorkeeper};
use crate::trace::TraceId;

/// The keys that verify our access tokens.
const JWKS: &str = "/.well-known/jwks.json";

/// What all connections share.
pub(super) struct Gate {
    pub(super) app: App,
    pub(super) client: ClientSource,
    pub(super) idle: Duration,
    pause: Duration,
    pub(super) head_timeout: Duration,
    body_timeout: Duration,
    pub(super) keeper: Option<Doorkeeper>,
    pub(super) metrics: Arc<Metrics>,
    /// What of the sidecar is everybody's, and writes nothing.
    public: Option<App>,
    pub(super) signer: Signer,
    pub(super) trusted: Vec<Network>,
    pub(super) sidecars: Sidecars,
}

/// What was read from files for a gate.
pub(super) struct Opened {
    pub(super) signer: Signer,
    pub(super) keeper: Option<Doorkeeper>,
    pub(super) connector: Option<Arc<Connector>>,
}

/// A request that is somebody's.
pub(super) struct Arrived {
    pub(super) parts: Parts,
    pub(super) addressed: Addressed,
    pub(super) peer: Peer,
    /// A WebSocket's way to the client, when it asked for one.
    pub(super) upgrade: Option<OnUpgrade>,
}

/// What the pure machine asks of its host.
struct Here(Option<IpAddr>);

impl Circumstances for Here {
    fn now(&mut self) -> Option<u64> {
        Some(Clock::System.now().seconds())
    }

    fn random(&mut self) -> Option<[u8; 16]> {
        Entropy::System.bytes().ok()
    }

    fn sender(&mut self) -> Option<IpAddr> {
        self.0
    }
}

impl Gate {
    pub(super) fn new(config: &EdgeConfig, opened: Opened, metrics: Arc<Metrics>) -> Self {
        let Opened { signer, keeper, connector } = opened;
        Self {
            app: App::new(&config.app, config, Arc::clone(&metrics)),
            client: config.client,
            idle: config.idle,
            pause: config.pause,
            head_timeout: config.head_timeout,
            body_timeout: config.body_timeout,
            keeper,
            public: config.public.as_ref().map(|at| App::new(at, config, Arc::clone(&metrics))),
            sidecars: Sidecars::new(config, connector.as_ref(), Arc::clone(&metrics)),
            signer,
            trusted: config.trusted.clone(),
            metrics,
        }
    }

    pub(super) async fn answer(
        &self,
        peer: Peer,
        mut request: Request<Incoming>,
    ) -> Response<Content> {
        let upgrade = tunnel::is_asked_for(&request).then(|| hyper::upgrade::on(&mut request));
        let (parts, body) = request.into_parts();
        let addressed = match head::judge(&parts) {
            Ok(addressed) => addressed,
            Err(refused) => {
                self.metrics.refused(refused.reason);
                collect::drain(&parts, body).await;
                return reply::plain(refused.status, refused.text);
            }
        };
        let edge = self.signer.edge();
        let is_free = edge.is_free(addressed.target.path());
        let arrived = Arrived { parts, addressed, peer, upgrade };
        match is_free {
            true => {
                let app = self.public_for(&arrived).unwrap_or(&self.app);
                app.pass(arrived, Content::streamed(body, self.pause)).await
            }
            false => self.judge(&edge, arrived, body).await,
        }
    }

    fn public_for(&self, arrived: &Arrived) -> Option<&App> {
        let is_safe = matches!(arrived.parts.method, Method::GET | Method::HEAD);
        self.public.as_ref().filter(|_| is_safe && arrived.addressed.target.path() == JWKS)
    }

    async fn judge(&self, edge: &Edge, arrived: Arrived, body: Incoming) -> Response<Content> {
        let begun = Instant::now();
        let sender = client::address(self.client, &arrived.peer, &arrived.parts.headers);
        let mut here = Here(sender);
        let (step, exchange) = edge.on_head(to_head(&arrived), body.is_end_stream(), &mut here);
        match (step, exchange) {
            (Step::Collect, Some(exchange)) => {
                self.collect(edge, (arrived, body), exchange, &mut here, begun).await
            }
            (step @ (Step::Reply(_) | Step::Fetch), Some(exchange)) => {
                collect::drain(&arrived.parts, body).await;
                self.carry_out(step, &arrived.parts, exchange, begun).await
            }
            (_, exchange) => {
                exchange.iter().for_each(|exchange| self.metrics.answered(exchange));
                self.app.pass(arrived, Content::streamed(body, self.pause)).await
            }
        }
    }

    async fn collect(
        &self,
        edge: &Edge,
        (arrived, mut body): (Arrived, Incoming),
        mut exchange: Exchange,
        here: &mut Here,
        begun: Instant,
    ) -> Response<Content> {
        let is_chunked = !body.is_end_stream() && collect::is_chunked(&arrived.parts);
        let step = match collect::read(&mut body, self.body_timeout).await {
            Collected::Whole(bytes, trailers) => match exchange.on_request(edge, &bytes, here) {
                Step::Pass => {
                    self.metrics.answered(&exchange);
                    let content = Content::collected(bytes, trailers, is_chunked);
                    return self.app.pass(arrived, content).await;
                }
                step => step,
            },
            Collected::Part(start, why) if exchange.is_observed() => {
                // The name of the outcome is all that is wanted of the answer.
                drop(exchange.on_answer(&by_proxy(why.status()), &[]));
                self.metrics.answered(&exchange);
                let content = Content::streamed(body, self.pause).behind(start);
                return self.app.pass(arrived, content).await;
            }
            Collected::Part(_, why) => {
                Step::Reply(exchange.on_answer(&by_proxy(why.status()), &[]))
            }
            Collected::Broken => Step::Reply(exchange.on_answer(&by_proxy(400), &[])),
        };
        if matches!(step, Step::Reply(_)) {
            collect::drain(&arrived.parts, body).await;
        }
        self.carry_out(step, &arrived.parts, exchange, begun).await
    }

    async fn carry_out(
        &self,
        step: Step,
        parts: &Parts,
        mut exchange: Exchange,
        begun: Instant,
    ) -> Response<Content> {
        let answer = match step {
            Step::Reply(answer) => answer,
            Step::Forward(forward) => {
                let question = Question::message(forward, parts, exchange.request());
                self.ask(&mut exchange, &question).await
            }
            Step::Fetch => {
                let question = Question::keys(parts, exchange.request());
                self.ask(&mut exchange, &question).await
            }
            // Neither comes here; if one did, it must not go on.
            Step::Pass | Step::Collect => exchange.on_failure(),
        };
        self.told(&exchange, parts, answer.status, begun);
        reply::answer(answer)
    }

    async fn ask(&self, exchange: &mut Exchange, question: &Question) -> Answer {
        match self.sidecars.ask(question).await {
            Ok(Back { status, outcome, retry_after, body }) => {
                let (made_by, outcome) = (MadeBy::Sidecar, outcome.as_deref());
                let head = AnswerHead { status, made_by, outcome, retry_after };
                exchange.on_answer(&head, &body)
            }
            Err(_) => {
                let (made_by, outcome) = (MadeBy::Proxy, None);
                let head = AnswerHead { status: 503, made_by, outcome, retry_after: None };
                exchange.on_answer(&head, &[])
            }
        }
    }

    /// Counts and logs a request of ours: no query, no address, no body.
    fn told(&self, exchange: &Exchange, parts: &Parts, status: u16, begun: Instant) {
        self.metrics.answered(exchange);
        tracing::info!(
            event = "answered",
            operation = exchange.operation(),
            dialect = exchange.dialect().name(),
            request = exchange.request().as_str(),
            trace = TraceId::of(&parts.headers).as_ref().map(TraceId::as_str),
            outcome = exchange.outcome(),
            status,
            milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        );
    }
}

/// As a proxy would answer.
fn by_proxy(status: u16) -> AnswerHead<'static> {
    AnswerHead { status, made_by: MadeBy::Proxy, outcome: None, retry_after: None }
}

/// The head as the pure machine reads it, with the path in its one spelling.
fn to_head(arrived: &Arrived) -> Head {
    let headers = &arrived.parts.headers;
    let mut map = Headers::with_capacity(headers.len().saturating_add(3), 1024);
    map.push(b":method", arrived.parts.method.as_str().as_bytes());
    map.push(b":path", arrived.addressed.target.as_str().as_bytes());
    map.push(b":authority", arrived.addressed.host.as_bytes());
    for (name, value) in headers {
        map.push(name.as_str().as_bytes(), value.as_bytes());
    }
    Head::new(map)
}

/// Whether an HTTP/1.1 header map may hold this; HTTP/2 knows no upgrade.
pub(super) fn is_http1(parts: &Parts) -> bool {
    parts.version == Version::HTTP_11
}
