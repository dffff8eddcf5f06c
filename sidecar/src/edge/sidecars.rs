//! The sidecars, asked one after the other. Invariant: a message is repeated to the byte, so that whoever sees it twice
//! knows it again; an answer is read to its bound and no further.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use contract::edge::MAX_ANSWER;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Response, Uri};
use tokio::time::timeout;

use super::content::Content;
use super::metrics::Metrics;
use super::question::Question;
use super::upstream::{Fault, Pool};
use crate::config::Upstream;

/// Longer than the sidecar's `password.deadline` and a hash; the whole leaves time for two.
const TRY: Duration = Duration::from_secs(3);
const WHOLE: Duration = Duration::from_secs(6);
const TRIES: usize = 3;
/// A third of the sidecar's own `listen.idle`.
const KEPT_FOR: Duration = Duration::from_secs(20);

pub(super) struct Sidecars {
    pools: Vec<Arc<Pool>>,
    /// The one that answered last.
    first: AtomicUsize,
    metrics: Arc<Metrics>,
}

/// What came back, whatever it is.
#[derive(Debug)]
pub(super) struct Back {
    pub(super) status: u16,
    pub(super) outcome: Option<String>,
    pub(super) retry_after: Option<u32>,
    pub(super) body: Bytes,
}

impl Sidecars {
    pub(super) fn new(upstreams: &[Upstream], metrics: Arc<Metrics>) -> Self {
        let pools = upstreams.iter().map(|upstream| Pool::new(upstream.clone(), KEPT_FOR));
        Self { pools: pools.collect(), first: AtomicUsize::new(0), metrics }
    }

    pub(super) async fn ask(&self, question: &Question) -> Result<Back, Fault> {
        let asked = timeout(WHOLE, self.ask_in_turn(question)).await;
        asked.unwrap_or(Err(Fault::TimeOut))
    }

    async fn ask_in_turn(&self, question: &Question) -> Result<Back, Fault> {
        let first = self.first.load(Ordering::Relaxed);
        let mut last = Fault::Connect;
        let turns = (0..self.pools.len()).cycle().skip(first).take(TRIES.max(self.pools.len()));
        for at in turns {
            let Some(pool) = self.pools.get(at) else { continue };
            let asked = timeout(TRY, ask(pool, question)).await;
            match asked.unwrap_or(Err(Fault::TimeOut)) {
                Ok(back) => {
                    self.first.store(at, Ordering::Relaxed);
                    return Ok(back);
                }
                Err(fault) => {
                    self.metrics.fault("sidecar", fault);
                    last = fault;
                }
            }
            if last == Fault::Oversize {
                break;
            }
        }
        Err(last)
    }
}

async fn ask(pool: &Arc<Pool>, question: &Question) -> Result<Back, Fault> {
    let mut request = Request::new(Content::whole(question.body.clone()));
    *request.method_mut() = question.method.clone();
    *request.uri_mut() = Uri::from(PathAndQuery::from_static(question.path));
    *request.headers_mut() = question.headers.clone();
    let (response, lease) = pool.send(request).await?;
    let back = read(response).await?;
    lease.give_back();
    Ok(back)
}

async fn read(response: Response<Incoming>) -> Result<Back, Fault> {
    let (parts, body) = response.into_parts();
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let outcome = text("rekey-outcome").map(str::to_owned);
    let retry_after = text("retry-after").and_then(|value| value.trim().parse().ok());
    let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| {
        match error.is::<LengthLimitError>() {
            true => Fault::Oversize,
            false => Fault::Reset,
        }
    })?;
    Ok(Back { status: parts.status.as_u16(), outcome, retry_after, body: body.to_bytes() })
}
