//! What events say, each kind as `sidecar/openapi/hooks.yaml` describes it. Invariant: an account's id, and of everything
//! else nothing that a log could not hold: addresses masked, senders as networks, no secret.

use std::time::Duration;

use contract::address::Address;
use contract::json::Writer;
use contract::name::Name;

use super::FlowError;
use crate::clock::Millis;
use crate::engine::Engine;
use crate::limits::refusals::Refused;
use crate::store::{EventKind, LeasedEvent, NewEvent, event_id};

/// Where an event comes from.
pub(super) struct Source<'s> {
    pub(super) account: &'s str,
    pub(super) address: &'s Address,
    pub(super) dialect: &'s str,
    pub(super) site: &'s Name,
    pub(super) request: &'s Name,
}

/// A challenge was made, or one is sent again.
pub(super) fn requested(
    engine: &Engine,
    at: Millis,
    source: &Source<'_>,
) -> Result<Option<NewEvent>, FlowError> {
    let words = source.words();
    new(engine, EventKind::Requested, source.account, at, words)
}

/// A password was reset. `sender` is a network.
pub(super) fn reset(
    engine: &Engine,
    at: Millis,
    source: &Source<'_>,
    sender: &str,
) -> Result<Option<NewEvent>, FlowError> {
    let words = source.words().string("sender", sender);
    new(engine, EventKind::Reset, source.account, at, words)
}

/// The account's sessions are to end.
pub(super) fn sessions_end(
    engine: &Engine,
    at: Millis,
    account: &str,
) -> Result<Option<NewEvent>, FlowError> {
    new(engine, EventKind::SessionsEnd, account, at, Writer::object())
}

/// The wrong codes of an account's day are used up. The same for the same account and day, whoever says it.
pub(super) fn frozen(noted: [u8; 16], at: Millis, account: &str, address: &Address) -> NewEvent {
    let words = Writer::object()
        .string("account", account)
        .string("channel", address.channel().as_str())
        .string("address", &address.masked());
    NewEvent {
        id: event_id(&[b"frozen", &noted, account.as_bytes()]),
        kind: EventKind::Frozen,
        account: account.to_owned(),
        words: words.finish(),
        at,
    }
}

/// A limit refused so many since it was told of last.
pub(super) fn exceeded(
    engine: &Engine,
    at: Millis,
    span: Duration,
    refused: &Refused,
) -> Result<Option<NewEvent>, FlowError> {
    let words = Writer::object()
        .string("limit", refused.limit)
        .number("refused", refused.count)
        .number("seconds", span.as_secs())
        .string("sender", &refused.sender);
    new(engine, EventKind::Exceeded, "", at, words)
}

/// The body that its receiver gets.
pub(super) fn body(event: &LeasedEvent) -> String {
    match event.kind {
        EventKind::SessionsEnd => Writer::object().string("id", &event.account).finish(),
        kind => Writer::object()
            .string("type", kind.as_str())
            .string("timestamp", &event.at.to_rfc3339())
            .raw("data", &event.words)
            .finish(),
    }
}

/// `None` where nobody wants to hear of it.
fn new(
    engine: &Engine,
    kind: EventKind,
    account: &str,
    at: Millis,
    words: Writer,
) -> Result<Option<NewEvent>, FlowError> {
    if !engine.receivers.wants(kind) {
        return Ok(None);
    }
    let (id, account) = (engine.entropy.bytes()?, account.to_owned());
    Ok(Some(NewEvent { id, kind, account, words: words.finish(), at }))
}

impl Source<'_> {
    fn words(&self) -> Writer {
        Writer::object()
            .string("account", self.account)
            .string("channel", self.address.channel().as_str())
            .string("address", &self.address.masked())
            .string("dialect", self.dialect)
            .string("site", self.site.as_str())
            .string("request", self.request.as_str())
    }
}
