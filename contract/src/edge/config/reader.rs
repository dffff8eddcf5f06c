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
        self.fault_at(place, "", what);
    }

    pub(super) fn fault_at(&mut self, place: &str, key: &str, what: &str) {
        self.faults.push([place, key, ": ", what].concat());
    }

    fn edge(&mut self, mut object: Object, environment: Environment<'_>) -> Option<Edge> {
        let mode = self.mode(&mut object);
        let inline = self.flag(&mut object, "", "allow_inline_key").unwrap_or(false);
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
        let audience = self.name(&mut object, "", "audience");
        let observe = self.flag(&mut object, "", "observe").unwrap_or(false);
        let claims = self.dialects(&mut object, observe);
        let sites = self.sites(&mut object, &claims);
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
                "observe",
                "dialects",
                "sites",
            ],
        );
        Some(Plan {
            audience: audience?,
            sites: sites?,
            claims,
            warnings: core::mem::take(&mut self.warnings),
        })
    }

    /// Only a site's has a default, at the top.
    pub(super) fn name(&mut self, object: &mut Object, place: &str, key: &str) -> Option<Name> {
        let text = self.text(object, place, key).or_else(|| {
            let is_preset = key == "site" && place.is_empty();
            is_preset.then(|| "default".to_owned())
        })?;
        let name = Name::parse(&text);
        if name.is_none() {
            self.fault_at(place, key, "must be 1 to 64 characters of A-Z a-z 0-9 . _ -");
        }
        name
    }

    pub(super) fn base_url(&mut self, object: &mut Object, place: &str) -> Option<String> {
        let text = self.text(object, place, "base_url")?;
        let bare = text.trim_end_matches('/');
        if is_origin(bare) {
            return Some(bare.to_owned());
        }
        self.fault_at(
            place,
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

    pub(super) fn flag(&mut self, object: &mut Object, place: &str, key: &str) -> Option<bool> {
        let value = object.take(key)?;
        if value.as_bool().is_none() {
            self.fault_at(place, key, "must be true or false");
        }
        value.as_bool()
    }

    pub(super) fn text(&mut self, object: &mut Object, place: &str, key: &str) -> Option<String> {
        if object.get(key).is_none() && (key != "site" || !place.is_empty()) {
            self.fault_at(place, key, "is missing");
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
            self.fault_at(place, key, "must be a string that is not empty");
        }
        text
    }

    pub(super) fn leftovers(&mut self, object: &Object, place: &str, known: &[&str]) {
        for (name, _) in object.iter() {
            self.fault_at(place, name, &format!("is not a key; known are {}", known.join(", ")));
        }
    }
}

fn is_origin(text: &str) -> bool {
    let parts = text.split_once("://");
    parts.is_some_and(|(scheme, host)| matches!(scheme, "http" | "https") && is_host(host))
}

/// A host in lower case, perhaps with its port.
pub(super) fn is_host(text: &str) -> bool {
    let plain = |byte: u8| {
        byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || matches!(byte, b'.' | b'-' | b':' | b'[' | b']')
    };
    !text.is_empty() && text.bytes().all(plain)
}
