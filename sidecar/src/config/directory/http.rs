//! The section `http`: the team's own service that looks accounts up and writes them.

use crate::config::declared::{Key, key};
use crate::config::forms;
use crate::config::hook::{self, HookConfig};
use crate::config::reader::Reader;

/// The service.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    pub hook: HookConfig,
    /// After the first attempt, within the same time-out.
    pub retries: u32,
}

pub(in crate::config) const KEYS: &[Key] = &[
    key(
        "http.url",
        "",
        "URL",
        "`directory = \"http\"`: the service that looks accounts up and writes them; `/find`, `/get`, `/write` and `/sessions/end` follow it, as `sidecar/openapi/hooks.yaml` says. https, except to this machine.",
    ),
    key(
        "http.secret",
        "",
        "file:path",
        "`directory = \"http\"`: the keys that calls are signed with (Standard Webhooks), `whsec_` and base64, one a line; of several, for an exchange, each signs.",
    ),
    key(
        "http.timeout",
        "\"2s\"",
        "100ms to 10s",
        "`directory = \"http\"`: how long a call may take, its retries included.",
    ),
    key("http.retries", "1", "0 to 3", "`directory = \"http\"`: attempts after a failed one."),
    key(
        "http.ca",
        "",
        "file:path",
        "`directory = \"http\"`: PEM certificates that the service's is checked against. Unset: the system's.",
    ),
    key(
        "http.allow_private",
        "false",
        "true or false",
        "`directory = \"http\"`: whether the service's name may lead into a private network or to this machine.",
    ),
];

pub(super) fn read(reader: &mut Reader<'_>) -> Option<HttpConfig> {
    let retries = reader.read("http.retries", |value| forms::whole(value, 0..=3));
    let hook = hook::read(reader, "http");
    Some(HttpConfig { hook: hook?, retries: retries? })
}
