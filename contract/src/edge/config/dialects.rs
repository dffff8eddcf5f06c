//! Reads the `dialects` object: settings and claimed paths of every dialect that is on.

use alloc::{borrow::ToOwned, format, string::String, sync::Arc, vec::Vec};

use super::reader::Reader;
use crate::address::{Channel, Country};
use crate::dialect::{DIALECTS, Dialect, Does, Route, Setting, Sharing};
use crate::edge::claim::Standing;
use crate::edge::{Claim, Client, Clients, LegacyUntil, Settings};
use crate::json::{Object, Value};
use crate::language::Language;
use crate::message::Operation;
use crate::name::Name;

impl Reader {
    pub(super) fn dialects(&mut self, object: &mut Object, observe: bool) -> Vec<Arc<Claim>> {
        let Some(Value::Object(mut chosen)) = object.take("dialects") else {
            self.fault("dialects", "must be an object with one member for each dialect that is on");
            return Vec::new();
        };
        let mut claims = Vec::new();
        for dialect in DIALECTS {
            match chosen.take(dialect.name()) {
                None => {}
                Some(Value::Object(object)) => {
                    claims.extend(self.dialect(*dialect, object, observe));
                }
                Some(_) => self.fault(
                    &format!("dialects.{}", dialect.name()),
                    "must be an object; {} takes every default",
                ),
            }
        }
        let known: Vec<&str> = DIALECTS.iter().map(|dialect| dialect.name()).collect();
        self.leftovers(&chosen, "dialects.", &known);
        if !claims.iter().any(|claim| claim.standing == Standing::On) {
            self.fault("dialects", "none is on");
        }
        self.check_unique(&claims);
        claims
    }

    fn dialect(
        &mut self,
        dialect: &'static dyn Dialect,
        mut object: Object,
        observe: bool,
    ) -> Vec<Arc<Claim>> {
        let place = format!("dialects.{}.", dialect.name());
        let mut settings = Settings {
            language: dialect.languages().first().copied().unwrap_or(Language::English),
            clients: Clients::Any,
            country: None,
            fields: Vec::new(),
            observe: self.flag(&mut object, &place, "observe").unwrap_or(observe),
            legacy_until: None,
        };
        let (mut mobile, mut keys) = (false, true);
        let mut known = Vec::from(["paths", "observe"]);
        for setting in dialect.settings() {
            known.push(setting.key());
            match setting {
                Setting::Language => self.language(dialect, &mut object, &place, &mut settings),
                Setting::Clients => settings.clients = self.clients(&mut object, &place),
                Setting::Country => settings.country = self.country(&mut object, &place),
                Setting::Captcha => self.captcha(&mut object, &place),
                Setting::LegacyUntil => {
                    settings.legacy_until = self.legacy_until(&mut object, &place);
                }
                Setting::Keys => keys = self.keys(&mut object, &place),
                Setting::Mobile => {
                    mobile = self.flag(&mut object, &place, "mobile").unwrap_or(false);
                }
                Setting::Fields(names) => settings.fields = self.fields(names, &mut object, &place),
            }
        }
        let is_shared = dialect.routes().iter().any(is_shared_call);
        let exclusive = is_shared && self.flag(&mut object, &place, "exclusive").unwrap_or(false);
        known.extend(is_shared.then_some("exclusive"));
        let paths = self.paths(dialect, &mut object, &place);
        self.leftovers(&object, &place, &known);
        self.warn_of_the_open(&settings, &place);
        let settings = Arc::new(settings);
        let claim = |(route, path): (&'static Route, Option<String>)| {
            let standing = match path {
                None => Standing::Left,
                Some(_) if route.needs == Some(Setting::Mobile) && !mobile => Standing::Closed,
                Some(_) if route.needs == Some(Setting::Keys) && !keys => Standing::Left,
                Some(_) => Standing::On,
            };
            let path = path.unwrap_or_else(|| route.path.to_owned());
            let exclusive = exclusive && is_shared_call(route);
            Arc::new(Claim::new(dialect, route, path, Arc::clone(&settings), standing, exclusive))
        };
        paths.into_iter().map(claim).collect()
    }

    /// What lets requests through to the app's own reset is told at each start, so that nobody forgets it.
    fn warn_of_the_open(&mut self, settings: &Settings, place: &str) {
        if settings.observe {
            self.warnings
                .push(format!("{place}observe: nothing is refused, the app's own reset answers"));
        }
        if settings.legacy_until.is_some() {
            self.warnings.push(format!(
                "{place}legacy_until: until then tokens that are not of our shape reach the app's own reset"
            ));
        }
    }

    fn legacy_until(&mut self, object: &mut Object, place: &str) -> Option<LegacyUntil> {
        let until = LegacyUntil::parse(&self.optional_text(object, place, "legacy_until")?);
        if until.is_none() {
            self.fault_at(place, "legacy_until", "must be a day like \"2027-03-01\"");
        }
        until
    }

    fn language(
        &mut self,
        dialect: &dyn Dialect,
        object: &mut Object,
        place: &str,
        settings: &mut Settings,
    ) {
        let Some(tag) = self.optional_text(object, place, "language") else {
            return;
        };
        match Language::parse(&tag).filter(|language| dialect.languages().contains(language)) {
            Some(language) => settings.language = language,
            None => {
                let tags: Vec<&str> =
                    dialect.languages().iter().map(|language| language.tag()).collect();
                self.fault_at(place, "language", &format!("must be one of {}", tags.join(", ")));
            }
        }
    }

    fn clients(&mut self, object: &mut Object, place: &str) -> Clients {
        let place = format!("{place}clients");
        match object.take("clients") {
            Some(Value::String(any)) if any.as_str() == "any" => Clients::Any,
            Some(Value::Array(items)) => Clients::Listed(
                items.into_iter().filter_map(|item| self.client(item, &place)).collect(),
            ),
            _ => {
                self.fault(
                    &place,
                    "must be \"any\" or a list of {\"id\": \"..\", \"origins\": [..]}",
                );
                Clients::Listed(Vec::new())
            }
        }
    }

    fn client(&mut self, item: Value, place: &str) -> Option<Client> {
        let Value::Object(mut object) = item else {
            self.fault(place, "each client is an object");
            return None;
        };
        let place = format!("{place}[].");
        let id = self.text(&mut object, &place, "id");
        let id = id.and_then(|id| Name::parse(&id));
        if id.is_none() {
            self.fault_at(&place, "id", "must be 1 to 64 characters of A-Z a-z 0-9 . _ -");
        }
        let origins = self.origins(&mut object, &place);
        self.leftovers(&object, &place, &["id", "origins"]);
        Some(Client { id: id?, origins })
    }

    fn country(&mut self, object: &mut Object, place: &str) -> Option<Country> {
        let text = self.optional_text(object, place, "country")?;
        let country = Country::parse(&text).ok();
        if country.is_none() {
            self.fault_at(place, "country", "must be a calling code like \"86\"");
        }
        country
    }

    fn captcha(&mut self, object: &mut Object, place: &str) {
        let place = format!("{place}captcha");
        match object.take("captcha").as_ref().map(Value::as_str) {
            Some(Some("app")) => self.warnings.push(format!(
                "{place}: \"app\": captcha_token is required and not judged; the app behind must guard its own sends"
            )),
            Some(Some("own")) => self.fault(&place, "\"own\" is not in this version; choose \"app\""),
            _ => self.fault(&place, "must be chosen: \"app\" (calls pass on to the app) or \"own\""),
        }
    }

    /// Whether the public keys are ours to give out.
    fn keys(&mut self, object: &mut Object, place: &str) -> bool {
        let place = format!("{place}keys");
        match object.take("keys").as_ref().map(Value::as_str) {
            Some(Some("own")) => return true,
            Some(Some("app")) => self.warnings.push(format!(
                "{place}: \"app\": the app publishes its own keys; passwords that are encrypted for them are read only \
                 where the sidecar has the private ones (`rekey keys add rsa --from FILE`)"
            )),
            _ => self.fault(
                &place,
                "must be chosen: \"own\" (the sidecar's keys are published) or \"app\" (the call passes on to the app)",
            ),
        }
        false
    }

    fn fields(
        &mut self,
        names: &'static [&'static str],
        object: &mut Object,
        place: &str,
    ) -> Vec<(&'static str, String)> {
        let place = format!("{place}fields.");
        let mut chosen = match object.take("fields") {
            None => return Vec::new(),
            Some(Value::Object(chosen)) => chosen,
            Some(_) => {
                self.fault(&place, "must be an object");
                return Vec::new();
            }
        };
        let set = names
            .iter()
            .filter_map(|name| Some((*name, self.optional_text(&mut chosen, &place, name)?)))
            .collect();
        self.leftovers(&chosen, &place, names);
        set
    }

    /// The routes, each with its path; without one it is left to the app.
    fn paths(
        &mut self,
        dialect: &'static dyn Dialect,
        object: &mut Object,
        place: &str,
    ) -> Vec<(&'static Route, Option<String>)> {
        let place = format!("{place}paths.");
        let mut chosen = match object.take("paths") {
            None => None,
            Some(Value::Object(chosen)) => Some(chosen),
            Some(_) => {
                self.fault(&place, "must be an object");
                None
            }
        };
        let paths = dialect
            .routes()
            .iter()
            .filter_map(|route| {
                let path = match chosen.as_mut().and_then(|chosen| chosen.take(route.name)) {
                    None => route.path.to_owned(),
                    Some(Value::Bool(false)) => return Some((route, None)),
                    Some(value) => self.path(value, &place, route)?,
                };
                if is_unknown_to_gateways(&path) {
                    self.warnings.push(format!(
                        "{place}{}: the gateway's regex of claimed paths holds the default paths only; \
                         add this one to it, or requests never reach the filter",
                        route.name
                    ));
                }
                Some((route, Some(path)))
            })
            .collect();
        let names: Vec<&str> = dialect.routes().iter().map(|route| route.name).collect();
        if let Some(chosen) = &chosen {
            self.leftovers(chosen, &place, &names);
        }
        paths
    }

    fn path(&mut self, value: Value, place: &str, route: &Route) -> Option<String> {
        let text = value.into_string();
        let path = text.filter(|path| path.len() > 1 && path.len() <= 200 && is_plain_path(path));
        if path.is_none() {
            self.fault_at(
                place,
                route.name,
                "must be `false`, or a path like \"/api/reset\": segments of A-Z a-z 0-9 . _ - ~",
            );
        }
        path
    }

    /// Portable mode has let a request's head go by the time its body is judged: no call can pass on.
    pub(super) fn check_exclusive(&mut self, claims: &[Arc<Claim>]) {
        for claim in claims.iter().filter(|claim| !claim.settings.observe) {
            let (dialect, route) = (claim.dialect.name(), claim.route.name);
            let takes_tokens = claim.route.does == Does::Call(Operation::Confirm)
                && claim.route.channel != Some(Channel::Sms);
            if claim.settings.legacy_until.is_some() && takes_tokens {
                self.fault(
                    &format!("dialects.{dialect}.legacy_until"),
                    "cannot be in portable mode, which can pass no call on; remove it",
                );
            }
            if !is_shared_call(claim.route) || claim.standing != Standing::On || !claim.is_shared()
            {
                continue;
            }
            self.fault(
                &format!("dialects.{dialect}.paths.{route}"),
                &format!(
                    "is shared with the app, and portable mode can pass no call on; if all calls of it are ours, say so \
                     by `\"exclusive\": true` in dialects.{dialect}, else leave the path to the app by `false`"
                ),
            );
        }
    }

    /// One path may not serve two routes by the same method.
    fn check_unique(&mut self, claims: &[Arc<Claim>]) {
        for (index, claim) in claims.iter().enumerate() {
            let is_same =
                |known: &Arc<Claim>| known.path == claim.path && known.method() == claim.method();
            if claims.iter().take(index).any(is_same)
                || claims.iter().any(|known| is_seen_through(claim, known))
            {
                let place = format!("dialects.{}.paths.{}", claim.dialect.name(), claim.route.name);
                self.fault(&place, "another route has the same path, or is spelt alike and not observed; give one of them another");
            }
        }
    }
}

impl Setting {
    /// The key under the dialect's name.
    pub fn key(self) -> &'static str {
        match self {
            Self::Language => "language",
            Self::Clients => "clients",
            Self::Country => "country",
            Self::Captcha => "captcha",
            Self::Keys => "keys",
            Self::LegacyUntil => "legacy_until",
            Self::Mobile => "mobile",
            Self::Fields(_) => "fields",
        }
    }
}

/// Whether the body tells whose a request of this route is. A link's is told by its query, which stands in the head.
fn is_shared_call(route: &Route) -> bool {
    matches!(route.does, Does::Call(_)) && !matches!(route.sharing, Sharing::Exclusive)
}

/// Whether requests to the one could pass on under the path of the other, which is only observed.
fn is_seen_through(observed: &Claim, other: &Claim) -> bool {
    observed.settings.observe && !other.settings.observe && observed.is_near(other)
}

/// Whether no default path of any dialect is this one.
fn is_unknown_to_gateways(path: &str) -> bool {
    !DIALECTS.iter().any(|dialect| dialect.routes().iter().any(|route| route.path == path))
}

fn is_plain_path(path: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'~');
    path.strip_prefix('/').is_some_and(|rest| {
        rest.split('/').all(|segment| {
            !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(plain)
        })
    })
}
