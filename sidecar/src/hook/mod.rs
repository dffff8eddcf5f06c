//! Signed web hooks: what is told to, and asked of, the team's own systems, signed as Standard Webhooks wants it.
//! Invariant: a call goes to an address that was judged and to no other, follows no redirect, and reads so much and waits
//! so long as its caller said.

mod judge;
mod line;
pub mod names;
mod receivers;
mod sign;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{DATE, HeaderValue};
use hyper::{Request, Response};
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

use self::line::Lines;
use self::names::Names;
use crate::clock::Millis;
use crate::config::HookConfig;
use crate::peer::Peer;

pub use self::judge::{Worth, worth};
pub use self::receivers::Receivers;
pub use self::sign::{Signer, SignerFault};

/// A system to call.
#[derive(Clone, Debug)]
pub struct Hook {
    peer: Peer,
    signer: Signer,
    lines: Arc<Lines>,
    timeout: Duration,
}

/// One call. Tried again it keeps its id, so that its receiver can tell.
#[derive(Clone, Copy)]
pub struct Call<'c> {
    /// What follows the path of the URL.
    pub path: &'c str,
    pub id: &'c str,
    pub at: Millis,
    /// JSON.
    pub body: &'c str,
    /// Bytes of an answer; a longer one is a fault.
    pub most: usize,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Bytes,
    /// The receiver's clock, where it says it: seconds since the epoch.
    pub date: Option<u64>,
}

/// Why nothing came back.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum HookFault {
    #[error("its name has no address")]
    Nameless,
    #[error(
        "its name leads to an address that is not called: allow_private = true allows those of private networks and of this machine"
    )]
    Private,
    #[error("nobody answers at its address")]
    Unreachable,
    #[error("no TLS can be made to it: its certificate is not one that we trust")]
    Tls,
    #[error("no connection to it was made in time")]
    Late,
    #[error("the call cannot be written as HTTP")]
    Form,
    /// After the call was sent.
    #[error("its answer did not come in time, was broken off, or is no HTTP")]
    Lost,
    /// After the call was sent.
    #[error("its answer is too long")]
    Long,
}

impl HookFault {
    /// Whether the receiver may have done what the call asked for.
    pub fn may_be_done(self) -> bool {
        matches!(self, Self::Lost | Self::Long)
    }
}

impl Hook {
    /// Calls nobody yet.
    pub fn new(config: &HookConfig) -> Self {
        Self::with_names(config, Names::System)
    }

    /// With answers of a name service of the caller's choice.
    pub fn with_names(config: &HookConfig, names: Names) -> Self {
        Self {
            peer: config.peer.clone(),
            signer: config.signer.clone(),
            lines: Arc::new(Lines::new(config.peer.clone(), names, config.allow_private)),
            timeout: config.timeout,
        }
    }

    /// When what begins now is given up.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    pub fn authority(&self) -> &str {
        self.peer.authority()
    }

    /// One POST. A connection that was kept and is found closed is made anew, as long as nothing was sent.
    pub async fn call(&self, call: &Call<'_>, by: Instant) -> Result<Reply, HookFault> {
        self.send(call, &self.signer.sign(call.id, call.at, call.body), by).await
    }

    /// The same with a signature that is not ours, to see whether the receiver looks.
    pub async fn call_forged(&self, call: &Call<'_>, by: Instant) -> Result<Reply, HookFault> {
        let changed = format!("{} ", call.body);
        self.send(call, &self.signer.sign(call.id, call.at, &changed), by).await
    }

    async fn send(
        &self,
        call: &Call<'_>,
        signatures: &str,
        by: Instant,
    ) -> Result<Reply, HookFault> {
        let _place = timeout_at(by, self.lines.place()).await.map_err(|_| HookFault::Late)?;
        let mut request = self.request(call, signatures)?;
        loop {
            let taken = timeout_at(by, self.lines.take()).await.map_err(|_| HookFault::Late)?;
            let mut line = taken?;
            let sent = timeout_at(by, line.sender.try_send_request(request)).await;
            match sent.map_err(|_| HookFault::Lost)? {
                Ok(response) => {
                    let read = timeout_at(by, read(response, call.most)).await;
                    let reply = read.map_err(|_| HookFault::Lost)??;
                    self.lines.keep(line);
                    return Ok(reply);
                }
                Err(mut unsent) => match unsent.take_message().filter(|_| !line.is_new) {
                    Some(message) => request = message,
                    None => return Err(HookFault::Lost),
                },
            }
        }
    }

    fn request(
        &self,
        call: &Call<'_>,
        signatures: &str,
    ) -> Result<Request<Full<Bytes>>, HookFault> {
        let path = format!("{}{}", self.peer.path(), call.path);
        let path = if path.is_empty() { "/" } else { &path };
        Request::post(path)
            .header("host", self.peer.authority())
            .header("user-agent", "rekey")
            .header("accept", "application/json")
            .header("content-type", "application/json")
            .header("webhook-id", call.id)
            .header("webhook-timestamp", call.at.seconds())
            .header("webhook-signature", signatures)
            .header("idempotency-key", call.id)
            .body(Full::new(Bytes::copy_from_slice(call.body.as_bytes())))
            .map_err(|_| HookFault::Form)
    }
}

async fn read(response: Response<Incoming>, most: usize) -> Result<Reply, HookFault> {
    let status = response.status().as_u16();
    let date = response.headers().get(DATE).and_then(seconds);
    let (mut response, mut body) = (response.into_body(), Vec::new());
    // Into one piece: a million chunks of a byte are a million bytes.
    while let Some(frame) = response.frame().await {
        let frame = frame.map_err(|_| HookFault::Lost)?;
        body.extend(frame.data_ref().map_or(&[][..], |data| data));
        if body.len() > most {
            return Err(HookFault::Long);
        }
    }
    Ok(Reply { status, body: body.into(), date })
}

fn seconds(date: &HeaderValue) -> Option<u64> {
    let moment = httpdate::parse_http_date(date.to_str().ok()?).ok()?;
    moment.duration_since(std::time::UNIX_EPOCH).ok().map(|span| span.as_secs())
}

impl std::fmt::Debug for Call<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Call({}, {}, ..)", self.path, self.id)
    }
}
