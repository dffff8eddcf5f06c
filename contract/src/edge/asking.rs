//! A claimed body on its way to a dialect's reader.

use alloc::string::String;

use crate::address::Channel;
use crate::edge::{Head, Settings};
use crate::json::{Object, Value};
use crate::message::Operation;
use crate::outcome::{Member, Refusal};

/// A claimed body with what a dialect needs to read it.
#[derive(Debug)]
pub struct Asking<'a> {
    pub channel: Option<Channel>,
    pub operation: Operation,
    pub head: &'a Head,
    pub settings: &'a Settings,
    pub body: Object,
}

impl Asking<'_> {
    /// A string that must be there: see [`required`].
    pub fn required(&mut self, name: &str, member: Member) -> Result<String, Refusal> {
        required(&mut self.body, name, member)
    }

    /// A string that may be absent: see [`optional`].
    pub fn optional(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        optional(&mut self.body, name)
    }
}

/// Takes a string that must be there; absent, null or empty is `Missing`, another type malformed.
pub fn required(body: &mut Object, name: &str, member: Member) -> Result<String, Refusal> {
    match body.take(name) {
        None | Some(Value::Null) => Err(Refusal::Missing(member)),
        Some(Value::String(text)) if text.is_empty() => Err(Refusal::Missing(member)),
        Some(value) => value.into_string().ok_or(Refusal::Malformed),
    }
}

/// Takes a string that may be absent or null; another type is malformed.
pub fn optional(body: &mut Object, name: &str) -> Result<Option<String>, Refusal> {
    match body.take(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.into_string().map(Some).ok_or(Refusal::Malformed),
    }
}
