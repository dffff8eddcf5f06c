//! The section `events`: who wants to hear of resets, and of what.

use toml::de::DeValue;

use super::declared::{Key, key};
use super::forms::{self, Formed, Wrong};
use super::hook::{self, HookConfig};
use super::reader::Reader;
use crate::store::{EventKind, Receiver};

/// Who hears of what.
#[derive(Clone, Debug)]
pub struct EventsConfig {
    pub hook: HookConfig,
    pub kinds: Vec<EventKind>,
}

pub(super) const KEYS: &[Key] = &[
    key(
        "events.url",
        "",
        "URL",
        "Where events are told, each by a signed POST (`sidecar/openapi/hooks.yaml`), until they are acknowledged. https, except to this machine. Unset: nothing is told.",
    ),
    key(
        "events.secret",
        "",
        "file:path",
        "The keys that events are signed with (Standard Webhooks), `whsec_` and base64, one a line; of several, for an exchange, each signs.",
    ),
    key(
        "events.kinds",
        "[\"password.reset\", \"reset.requested\", \"reset.frozen\", \"limits.exceeded\"]",
        "list of kinds",
        "Of what is told.",
    ),
    key("events.timeout", "\"5s\"", "100ms to 10s", "How long one attempt may take."),
    key(
        "events.ca",
        "",
        "file:path",
        "PEM certificates that the receiver's is checked against. Unset: the system's.",
    ),
    key(
        "events.allow_private",
        "false",
        "true or false",
        "Whether the receiver's name may lead into a private network or to this machine.",
    ),
];

/// `None` where nobody is told.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<EventsConfig> {
    if !KEYS.iter().any(|key| reader.has(key.path)) {
        return None;
    }
    let kinds = reader.read("events.kinds", kinds);
    let hook = hook::read(reader, "events");
    Some(EventsConfig { hook: hook?, kinds: kinds? })
}

fn kinds(value: &DeValue<'_>) -> Formed<Vec<EventKind>> {
    let told: Vec<EventKind> =
        EventKind::ALL.into_iter().filter(|kind| kind.receiver() == Receiver::Events).collect();
    let names: Vec<&str> = told.iter().map(|kind| kind.as_str()).collect();
    let remedy = || format!("write a list of {}", names.join(", "));
    let list = value.as_array().ok_or_else(|| Wrong::new("it is not a list", remedy()))?;
    let kind = |text: &str| {
        let known = EventKind::parse(text).filter(|kind| told.contains(kind));
        known.ok_or_else(|| Wrong::new(format!("\"{text}\" is unknown"), remedy()))
    };
    let kinds: Vec<EventKind> =
        list.iter().map(|item| kind(forms::text(item.get_ref())?)).collect::<Formed<_>>()?;
    match kinds.is_empty() {
        true => Err(Wrong::new("nothing would be told", "name a kind, or remove the section")),
        false => Ok(kinds),
    }
}
