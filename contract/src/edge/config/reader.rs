//! Reads the configuration object key by key and collects every fault with its place.

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

use super::{Edge, Environment, Mode, Plan};
use crate::json::{Object, Value};
use crate::name::Name;
use crate::signature::EdgeKey;

/// Reads the whole object; an edge only without a fault.
pub(super) fn read(object: Object, environment: Environment<'_>) -> Result<Edge, Vec<String>> {
    let mut reader = Reader::default();
    match reader.edge(object, environment) {
        Some(edge) if reader.faults.is_empty() => Ok(edge),
        _ => Err(reader.faults),
    }
}

/// Reads all but the key, which the host keeps elsewhere.
pub(super) fn read_plan(mut object: Object) -> Result<Plan, Vec<String>> {
    let mut reader = Reader::default();
    let keys = ["key", "key_next", "allow_inline_key"];
    if keys.map(|key| object.take(key).is_some()).contains(&true) {
        reader
            .warnings
            .push("key: is not used here, the key has a file of its own; remove it".into());
    }
    // How a filter collects a body; another host has one way.
    drop(object.take("mode"));
    match reader.plan(object) {
        Some(plan) if reader.faults.is_empty() => Ok(plan),
        _ => Err(reader.faults),
    }
}

#[derive(Default)]
pub(super) struct Reader {
    faults: Vec<String>,
    pub(super) warnings: Vec<String>,
}

impl Reader {
    pub(super) fn fault(&mut self, place: &str, what: &str) {
        self.faults.push(format!("{place}: {what}"));
    }

    fn edge(&mut self, mut object: Object, environment: Environment<'_>) -> Option<Edge> {
        let mode = self.mode(&mut object);
        let inline = self.flag(&mut object, "", "allow_inline_key");
        let key = self.key(object.take("key"), "key", inline, environment);
        if let Some(next) = object.take("key_next") {
            let next = self.key(Some(next), "key_next", inline, environment);
            self.check_differ(key.as_ref(), next.as_ref());
        }
        let plan = self.plan(object)?;
        if mode == Mode::Portable {
            self.check_exclusive(&plan.claims);
        }
        Some(Edge { plan, key: key?, mode })
    }

    fn plan(&mut self, mut object: Object) -> Option<Plan> {
        let audience = self.name(&mut object, "audience", None);
        let site = self.name(&mut object, "site", Some("default"));
        let base_url = self.base_url(&mut object);
        let mut origins = self.origins(&mut object, "");
        origins.extend(base_url.clone());
        let claims = self.dialects(&mut object);
        self.leftovers(
            &object,
            "",
            &[
                "audience",
                "site",
                "base_url",
                "mode",
                "key",
                "key_next",
                "allow_inline_key",
                "origins",
                "dialects",
            ],
        );
        Some(Plan {
            audience: audience?,
            site: site?,
            base_url: base_url?,
            origins,
            claims,
            warnings: core::mem::take(&mut self.warnings),
        })
    }

    fn name(&mut self, object: &mut Object, key: &str, default: Option<&str>) -> Option<Name> {
        let text = match self.text(object, "", key) {
            Some(text) => text,
            None => default?.to_owned(),
        };
        let name = Name::parse(&text);
        if name.is_none() {
            self.fault(key, "must be 1 to 64 characters of A-Z a-z 0-9 . _ -");
        }
        name
    }

    fn base_url(&mut self, object: &mut Object) -> Option<String> {
        let text = self.text(object, "", "base_url")?;
        let bare = text.trim_end_matches('/');
        if is_origin(bare) {
            return Some(bare.to_owned());
        }
        self.fault(
            "base_url",
            "must be scheme://host[:port] without a path, like \"https://accounts.example.org\"",
        );
        None
    }

    fn mode(&mut self, object: &mut Object) -> Mode {
        match object.take("mode").as_ref().map(Value::as_str) {
            Some(Some("portable")) => Mode::Portable,
            None | Some(Some("natural")) => Mode::Natural,
            Some(_) => {
                self.fault("mode", "must be \"natural\" or \"portable\"");
                Mode::Natural
            }
        }
    }

    fn key(
        &mut self,
        value: Option<Value>,
        place: &str,
        inline: bool,
        environment: Environment<'_>,
    ) -> Option<EdgeKey> {
        let Some(Value::Object(mut key)) = value else {
            self.fault(place, "must be {\"id\": \"..\", \"env\": \"REKEY_EDGE_KEY\"}");
            return None;
        };
        let inside = format!("{place}.");
        let id = self.text(&mut key, &inside, "id").and_then(|id| Name::parse(&id));
        let secret = match (key.take("env"), key.take("inline")) {
            (Some(Value::String(variable)), None) => {
                let found = environment(&variable);
                if found.is_none() {
                    self.fault(&format!("{place}.env"), "the variable is not set, or not in host_env_keys of the VM's configuration");
                }
                found?
            }
            (None, Some(Value::String(secret))) if inline => (*secret).clone(),
            (None, Some(_)) => {
                self.fault(&format!("{place}.inline"), "a key in the configuration can be read in config dumps; use \"env\", or set \"allow_inline_key\": true for a demonstration");
                return None;
            }
            _ => {
                self.fault(place, "needs exactly one of \"env\" and \"inline\"");
                return None;
            }
        };
        self.leftovers(&key, &inside, &["id", "env", "inline"]);
        let key = id.and_then(|id| EdgeKey::parse(id, &secret));
        match key {
            None => self.fault(
                place,
                "needs an \"id\" (a short name) and 64 lower-case hexadecimal digits",
            ),
            Some(ref key) if key.is_example() => {
                self.fault(place, "is an example key; draw one with `openssl rand -hex 32`")
            }
            Some(_) => return key,
        }
        None
    }

    /// One id for two keys, or two ids for one, would make the exchange none.
    fn check_differ(&mut self, key: Option<&EdgeKey>, next: Option<&EdgeKey>) {
        let (Some(key), Some(next)) = (key, next) else { return };
        if key.id() == next.id() || key.has_secret_of(next) {
            self.fault("key_next", "must have another id and other digits than `key`");
        }
    }

    pub(super) fn origins(&mut self, object: &mut Object, place: &str) -> Vec<String> {
        let place = format!("{place}origins");
        let items = match object.take("origins") {
            None => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.fault(&place, "must be a list");
                return Vec::new();
            }
        };
        let mut origins = Vec::new();
        for item in items {
            match item.into_string() {
                Some(origin) if is_origin(&origin) => origins.push(origin),
                _ => self.fault(
                    &place,
                    "each must be scheme://host[:port] in lower case, without a path",
                ),
            }
        }
        origins
    }

    pub(super) fn flag(&mut self, object: &mut Object, place: &str, key: &str) -> bool {
        match object.take(key) {
            None => false,
            Some(Value::Bool(flag)) => flag,
            Some(_) => {
                self.fault(&format!("{place}{key}"), "must be true or false");
                false
            }
        }
    }

    pub(super) fn text(&mut self, object: &mut Object, place: &str, key: &str) -> Option<String> {
        if object.get(key).is_none() && key != "site" {
            self.fault(&format!("{place}{key}"), "is missing");
            return None;
        }
        self.optional_text(object, place, key)
    }

    pub(super) fn optional_text(
        &mut self,
        object: &mut Object,
        place: &str,
        key: &str,
    ) -> Option<String> {
        let value = object.take(key)?;
        let text = value.into_string().filter(|text| !text.is_empty());
        if text.is_none() {
            self.fault(&format!("{place}{key}"), "must be a string that is not empty");
        }
        text
    }

    pub(super) fn leftovers(&mut self, object: &Object, place: &str, known: &[&str]) {
        for (name, _) in object.iter() {
            self.fault(
                &format!("{place}{name}"),
                &format!("is not a key; known are {}", known.join(", ")),
            );
        }
    }
}

fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else {
        return false;
    };
    let plain = |byte: u8| {
        byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || matches!(byte, b'.' | b'-' | b':' | b'[' | b']')
    };
    matches!(scheme, "http" | "https") && !host.is_empty() && host.bytes().all(plain)
}
