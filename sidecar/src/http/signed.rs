//! The gateway's door: signed canonical messages in, canonical answers out.
//! Invariant: nothing that changes anything reaches the engine unless an edge key of ours signed it for this deployment,
//! operation and time.

use std::sync::Arc;
use std::time::Duration;

use contract::edge::FETCH;
use contract::message::{Message, Operation};
use contract::name::Name;
use contract::outcome::{Outcome, Refusal};
use contract::signature::{self, SignatureFault};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request};
use tokio::time::timeout;

use crate::config::Config;
use crate::engine::Engine;
use crate::flow;
use crate::trace::TraceId;

use super::listener::Room;
use super::metrics::Metrics;
use super::readiness::Readiness;
use super::reply::{self, Reply};

/// The edge takes 16 KiB; escapes in JSON can make more of them.
const MAX_BODY: usize = 32 * 1024;
/// Where the gateway asks for the public keys.
const PUBLIC_KEYS: &str = "/v1/keys";

const BODY_TIME: Duration = Duration::from_secs(10);

pub(super) struct Signed {
    engine: Arc<Engine>,
    audience: Name,
    metrics: Arc<Metrics>,
    readiness: Readiness,
}

impl Signed {
    pub(super) fn new(config: &Config, engine: Arc<Engine>, metrics: Arc<Metrics>) -> Self {
        let readiness = Readiness::new(Arc::clone(&engine));
        Self { engine, audience: config.audience.clone(), metrics, readiness }
    }

    async fn judge(
        &self,
        operation: Operation,
        body: &[u8],
        instance: &mut String,
        trace: Option<TraceId>,
    ) -> Outcome {
        let now = self.engine.clock().now().seconds();
        let keys = self.engine.keys();
        let verified = match signature::verify(body, &keys.edge, &self.audience, operation, now) {
            Ok(verified) => verified,
            Err(fault) => {
                let (reason, remedy) = told(fault);
                tracing::warn!(event = "unsigned", operation = operation.as_str(), request = instance, trace = trace.as_ref().map(TraceId::as_str), reason, %fault, remedy);
                return Outcome::Refused(Refusal::Unsigned);
            }
        };
        let message =
            Message::decode(verified.json).ok().filter(|message| message.operation() == operation);
        let Some(message) = message else {
            tracing::warn!(
                event = "malformed",
                operation = operation.as_str(),
                request = instance,
                trace = trace.as_ref().map(TraceId::as_str)
            );
            return Outcome::Refused(Refusal::Malformed);
        };
        message.context.request.as_str().clone_into(instance);
        self.engine.answer(verified.stamp, verified.mac, message, trace).await
    }
}

impl Signed {
    /// For everybody, and nothing changes by it; so nothing is signed, and the gateway asks with a GET as it got one.
    fn public_keys(&self, parts: &Parts, body: &Incoming) -> Reply {
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            return reply::not_allowed("GET, HEAD");
        }
        let outcome = match parts.uri.query().is_none() && body.is_end_stream() {
            true => self.engine.public_keys().map_or(Outcome::Refused(flow::BUSY), Outcome::Keys),
            false => Outcome::Refused(Refusal::Malformed),
        };
        self.metrics.answered(FETCH, &outcome);
        reply::canonical(&outcome, &request_id(&parts.headers))
    }
}

impl Room for Signed {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Reply {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path();
        if path == "/readyz" {
            return match parts.method {
                Method::GET | Method::HEAD => self.readiness.tell().await,
                _ => reply::not_allowed("GET, HEAD"),
            };
        }
        if path == PUBLIC_KEYS {
            return self.public_keys(&parts, &body);
        }
        let Some(operation) = Operation::from_path(path) else {
            return reply::not_found();
        };
        if parts.method != Method::POST {
            return reply::not_allowed("POST");
        }
        let mut instance = request_id(&parts.headers);
        let outcome = match read(body).await.filter(|_| parts.uri.query().is_none()) {
            Some(body) => {
                let trace = TraceId::of(&parts.headers);
                self.judge(operation, &body, &mut instance, trace).await
            }
            None => Outcome::Refused(Refusal::Malformed),
        };
        self.metrics.answered(operation.as_str(), &outcome);
        reply::canonical(&outcome, &instance)
    }
}

/// A word for the metrics, and what an operator does about it.
fn told(fault: SignatureFault) -> (&'static str, &'static str) {
    match fault {
        SignatureFault::Audience => (
            "audience",
            "give the gateway's configuration this sidecar's `audience`, or send it to a sidecar of its own deployment",
        ),
        SignatureFault::Key => (
            "key",
            "put the gateway's edge key into this sidecar's key file (`rekey keys list` shows those that are held), or the sidecar's into the gateway",
        ),
        SignatureFault::Line => ("line", "only a gateway of ours may reach this listener"),
        SignatureFault::Mac => {
            ("mac", "one id stands for two keys: compare the gateway's key with the key file's")
        }
        SignatureFault::Stale => ("stale", "set the clocks of gateway and store by NTP"),
        SignatureFault::Version => {
            ("version", "update the sidecars first, their gateways after them")
        }
    }
}

/// The whole body; `None` when it is too long, too slow, or broken off.
async fn read(body: Incoming) -> Option<Bytes> {
    let collected = timeout(BODY_TIME, Limited::new(body, MAX_BODY).collect()).await;
    Some(collected.ok()?.ok()?.to_bytes())
}

/// The gateway's name for the request, for logs only.
fn request_id(headers: &HeaderMap) -> String {
    let header = headers.get("x-request-id").and_then(|value| value.to_str().ok());
    header.and_then(Name::parse).map_or_else(|| "-".to_owned(), |name| name.as_str().to_owned())
}
