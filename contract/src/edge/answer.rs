//! Answers on their way to the client, and what a dialect may know when it words one.

use alloc::{string::String, vec::Vec};

use crate::address::Channel;
use crate::dialect::Does;
use crate::edge::Settings;
use crate::language::Language;
use crate::name::Name;

/// A whole answer. `content-length` is the host's to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = Vec::from([("content-type", content_type.into())]);
        Self { status, headers, body: body.into() }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }
}

/// What a dialect may know of the exchange that it answers.
#[derive(Clone, Copy, Debug)]
pub struct Exchanged<'x> {
    pub does: Does,
    /// The channel of the route, where the route has one.
    pub channel: Option<Channel>,
    pub language: Language,
    pub request: &'x Name,
    pub settings: &'x Settings,
}

/// Who made the answer that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MadeBy {
    Sidecar,
    /// The proxy itself: no healthy upstream, a time-out, a limit.
    Proxy,
}

/// What the head of an answer says.
#[derive(Clone, Copy, Debug)]
pub struct AnswerHead<'a> {
    pub status: u16,
    pub made_by: MadeBy,
    /// The header `rekey-outcome`: the sidecar repeats its outcome there, for hosts that send a head before its body.
    pub outcome: Option<&'a str>,
    /// The seconds of the header `retry-after`.
    pub retry_after: Option<u32>,
}
