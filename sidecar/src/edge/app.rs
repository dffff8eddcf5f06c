//! What is not ours, on its way to the app and back: streamed, with its bytes as they came. Invariant: the app is sent
//! what was read, under the path that was judged, and framed by us.

use std::sync::Arc;
use std::time::Duration;

use contract::signature::hex;
use hyper::body::{Body, Incoming};
use hyper::header::{CONNECTION, CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode, Uri};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

use super::content::Content;
use super::gate::Arrived;
use super::hop::{self, Passing, REQUEST_ID};
use super::metrics::Metrics;
use super::upstream::{Fault, Lease, Pool};
use super::{reply, tunnel};
use crate::config::{ClientSource, EdgeConfig, Upstream};
use crate::entropy::Entropy;

/// Some servers keep a connection for five seconds only.
const KEPT_FOR: Duration = Duration::from_secs(4);

pub(super) struct App {
    pool: Arc<Pool>,
    answers_within: Duration,
    pause: Duration,
    metrics: Arc<Metrics>,
    source: ClientSource,
    tunnels: Arc<Semaphore>,
}

/// Both ends of a tunnel that may come to be.
struct Tunnel {
    client: OnUpgrade,
    permit: OwnedSemaphorePermit,
}

impl App {
    pub(super) fn new(upstream: &Upstream, config: &EdgeConfig, metrics: Arc<Metrics>) -> Self {
        Self {
            pool: Pool::new(upstream.clone(), None, KEPT_FOR),
            answers_within: config.app_timeout,
            pause: config.pause,
            metrics,
            source: config.client,
            tunnels: Arc::new(Semaphore::new(config.tunnels)),
        }
    }

    pub(super) async fn pass(
        &self,
        mut arrived: Arrived,
        mut content: Content,
    ) -> Response<Content> {
        self.metrics.passed();
        let tunnel = match arrived.upgrade.take().map(|client| self.tunnel(client)) {
            None => None,
            Some(Some(tunnel)) => Some(tunnel),
            Some(None) => {
                return reply::plain(StatusCode::SERVICE_UNAVAILABLE, "too many tunnels\n");
            }
        };
        let ended = content.ended();
        let request = self.request(arrived, content, tunnel.is_some());
        let late = async {
            // Only a dropped sender says anything; a body that came whole has none.
            let _ = ended.await;
            sleep(self.answers_within).await;
        };
        let sent = tokio::select! {
            sent = self.pool.send(request) => sent,
            () = late => Err(Fault::TimeOut),
        };
        match sent {
            Ok((response, lease)) => self.bring(response, lease, tunnel),
            Err(fault) => self.fail(fault),
        }
    }

    fn tunnel(&self, client: OnUpgrade) -> Option<Tunnel> {
        let permit = Arc::clone(&self.tunnels).try_acquire_owned().ok()?;
        Some(Tunnel { client, permit })
    }

    fn request(&self, arrived: Arrived, content: Content, is_websocket: bool) -> Request<Content> {
        let Arrived { parts, addressed, peer, .. } = arrived;
        let drawn = || HeaderValue::try_from(hex(&Entropy::System.bytes::<16>().ok()?)).ok();
        let has_name = parts.headers.contains_key(REQUEST_ID);
        let passing = Passing {
            host: addressed.host,
            peer: &peer,
            keeps_forwarded: matches!(self.source, ClientSource::Hops(_)) && peer.is_trusted,
            request: if has_name { None } else { drawn() },
            version: parts.version,
            is_websocket,
        };
        let mut headers = hop::for_app(parts.headers, &passing);
        // Without this, hyper takes a body of unknown length for none where the method seldom has one.
        if !headers.contains_key(CONTENT_LENGTH) && content.size_hint().exact().is_none() {
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        let mut request = Request::new(content);
        *request.method_mut() = parts.method;
        *request.uri_mut() = Uri::from(addressed.target);
        *request.headers_mut() = headers;
        request
    }

    fn bring(
        &self,
        mut response: Response<Incoming>,
        lease: Lease,
        tunnel: Option<Tunnel>,
    ) -> Response<Content> {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return match tunnel.filter(|_| tunnel::is_websocket(response.headers())) {
                Some(Tunnel { client, permit }) => {
                    tunnel::dig(client, hyper::upgrade::on(&mut response), permit);
                    switched(response)
                }
                None => self.fail(Fault::Reset),
            };
        }
        let (mut parts, body) = response.into_parts();
        parts.headers = hop::for_client(parts.headers);
        Response::from_parts(parts, Content::streamed(body, self.pause).with_lease(lease))
    }

    fn fail(&self, fault: Fault) -> Response<Content> {
        self.metrics.fault("app", fault);
        tracing::warn!(event = "app_failed", reason = fault.as_str());
        match fault {
            Fault::TimeOut => reply::plain(StatusCode::GATEWAY_TIMEOUT, "the app did not answer\n"),
            _ => reply::plain(StatusCode::BAD_GATEWAY, "the app is not there\n"),
        }
    }
}

fn switched(response: Response<Incoming>) -> Response<Content> {
    let (mut parts, _) = response.into_parts();
    parts.headers = hop::for_client(parts.headers);
    parts.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    parts.headers.insert(UPGRADE, hop::WEBSOCKET);
    Response::from_parts(parts, Content::whole(""))
}
