//! The sidecars, asked in turns, those that are well first. Invariant: a message is repeated to the byte, so that whoever sees
//! it twice knows it again; an answer is read to its bound and no further; who is not well is asked when nobody else is left.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use contract::edge::MAX_ANSWER;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Response, StatusCode, Uri};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::content::Content;
use super::metrics::Metrics;
use super::question::Question;
use super::upstream::{Fault, Pool};
use crate::config::EdgeConfig;
use crate::tls::Connector;

/// Longer than the sidecar's `password.deadline` and a hash; the whole leaves time for two.
const TRY: Duration = Duration::from_secs(3);
const WHOLE: Duration = Duration::from_secs(6);
/// For the question whether it is ready.
const LOOK: Duration = Duration::from_secs(1);
const TRIES: usize = 3;
/// A third of the sidecar's own `listen.idle`.
const KEPT_FOR: Duration = Duration::from_secs(20);

pub(super) struct Sidecars {
    all: Vec<Arc<Sidecar>>,
    /// Whose turn it is.
    turn: AtomicUsize,
    health: Duration,
    metrics: Arc<Metrics>,
}

struct Sidecar {
    name: String,
    pool: Arc<Pool>,
    is_well: AtomicBool,
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
    pub(super) fn new(
        config: &EdgeConfig,
        connector: Option<&Arc<Connector>>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let all = config.sidecars.iter().map(|upstream| {
            let pool = Pool::new(upstream.clone(), connector.cloned(), KEPT_FOR);
            let is_well = AtomicBool::new(true);
            Arc::new(Sidecar { name: upstream.to_string(), pool, is_well })
        });
        Self { all: all.collect(), turn: AtomicUsize::new(0), health: config.health, metrics }
    }

    pub(super) async fn ask(&self, question: &Question) -> Result<Back, Fault> {
        let asked = timeout(WHOLE, self.ask_in_turn(question)).await;
        asked.unwrap_or(Err(Fault::TimeOut))
    }

    /// Looks after several sidecars until `stop` turns true; a single one is asked in any case.
    pub(super) async fn watch(&self, mut stop: watch::Receiver<bool>) {
        if self.all.len() < 2 {
            return;
        }
        while timeout(self.health, stop.wait_for(|stop| *stop)).await.is_err() {
            let mut looks = JoinSet::new();
            for sidecar in &self.all {
                let sidecar = Arc::clone(sidecar);
                looks.spawn(async move {
                    let asked = timeout(LOOK, ask(&sidecar.pool, &Question::health())).await;
                    let is_ready = |back: Back| back.status == StatusCode::OK;
                    sidecar.is_found(asked.is_ok_and(|asked| asked.is_ok_and(is_ready)));
                });
            }
            while looks.join_next().await.is_some() {}
        }
    }

    /// Who is well, in Prometheus' text format.
    pub(super) fn show(&self) -> String {
        let mut text = String::from(
            "# HELP rekey_edge_sidecar_well Whether a sidecar is asked before others.\n# TYPE rekey_edge_sidecar_well gauge\n",
        );
        for sidecar in &self.all {
            let is_well = u8::from(sidecar.is_well.load(Ordering::Relaxed));
            // Writing to a String cannot fail.
            let _ =
                writeln!(text, "rekey_edge_sidecar_well{{sidecar=\"{}\"}} {is_well}", sidecar.name);
        }
        text
    }

    async fn ask_in_turn(&self, question: &Question) -> Result<Back, Fault> {
        let mut last = Fault::Connect;
        let tries = TRIES.max(self.all.len());
        for sidecar in self.in_turn().iter().cycle().take(tries) {
            let asked = timeout(TRY, ask(&sidecar.pool, question)).await;
            match asked.unwrap_or(Err(Fault::TimeOut)).and_then(of_sidecar) {
                Ok(back) => {
                    sidecar.is_found(true);
                    return Ok(back);
                }
                Err(fault) => {
                    self.metrics.fault("sidecar", fault);
                    // It would answer so again, and so would the others.
                    if fault == Fault::Oversize {
                        return Err(fault);
                    }
                    sidecar.is_found(false);
                    last = fault;
                }
            }
        }
        Err(last)
    }

    /// Those that are well, each time beginning with another; then the others.
    fn in_turn(&self) -> Vec<Arc<Sidecar>> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed).checked_rem(self.all.len());
        let turned = self.all.iter().cycle().skip(first.unwrap_or(0)).take(self.all.len());
        let (mut well, others): (Vec<_>, Vec<_>) =
            turned.cloned().partition(|sidecar| sidecar.is_well.load(Ordering::Relaxed));
        well.extend(others);
        well
    }
}

impl Sidecar {
    fn is_found(&self, is_well: bool) {
        if self.is_well.swap(is_well, Ordering::Relaxed) != is_well {
            match is_well {
                true => tracing::info!(event = "sidecar_well", sidecar = self.name),
                false => tracing::warn!(event = "sidecar_unwell", sidecar = self.name),
            }
        }
    }
}

/// A sidecar names its outcome, above all where it failed.
fn of_sidecar(back: Back) -> Result<Back, Fault> {
    match back.status >= 500 && back.outcome.is_none() {
        true => Err(Fault::Status),
        false => Ok(back),
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
