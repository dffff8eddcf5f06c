//! The edge's configuration: one JSON object. Invariant: an `Edge` exists only when every key is known and every value
//! good; all faults are reported at once, each with its place and its remedy.

mod dialects;
mod reader;
mod sites;

use alloc::{borrow::ToOwned, format, string::String, sync::Arc, vec::Vec};

use crate::edge::claim::Standing;
use crate::edge::site::Sites;
use crate::edge::{Claim, Site};
use crate::json::{self, Names, Object, Value};
use crate::name::Name;
use crate::signature::EdgeKey;

/// Every key of the configuration with its meaning, for the reference in the README. Keys of a dialect follow a dot.
pub const KEYS: &[(&str, &str)] = &[
    ("audience", "required; name of this deployment: the sidecar's `audience`"),
    ("site", "name of the site: the sidecar's `site`; default `default`"),
    ("base_url", "required; the sidecar's `base_url`: `https://host` of the pages that links open"),
    (
        "mode",
        "default `natural`: hold the request at its headers (Envoy with `allow_on_headers_stop_iteration`); `portable`: never hold a head, for hosts without that switch (`envoy/portable.yaml`)",
    ),
    (
        "key",
        "required; `{\"id\", \"env\"}`: the edge key that signs; its id, and the variable that holds its 64 hexadecimal digits",
    ),
    (
        "key_next",
        "`{\"id\", \"env\"}`: a key that is judged and signs nothing yet. Once every sidecar holds it, it takes the place of `key`, by a change of this configuration alone",
    ),
    (
        "allow_inline_key",
        "`true` lets `key` and `key_next` be `{\"id\", \"inline\"}`; for demonstrations",
    ),
    (
        "origins",
        "list of `scheme://host[:port]`: pages, beside those of `base_url`, that may call; of the same site as the gateway",
    ),
    (
        "observe",
        "`true`: requests are judged and counted as `observed_*`, and pass on to the app as they came; default `false`",
    ),
    (
        "sites",
        "object: host to `{\"site\", \"base_url\", \"origins\"?, \"dialects\"?}`, 64 at most, for hosts that have not the `site`, `base_url` and `origins` above, or not all dialects: one that `dialects` leaves out is the app's on this host",
    ),
    (
        "dialects",
        "required; object: a dialect is on when its name is a member, `{}` takes its defaults",
    ),
    (
        "dialects.*.paths",
        "object: route name to another path, or to `false` to leave it to the app",
    ),
    ("dialects.*.observe", "takes the place of `observe` for one dialect"),
    (
        "dialects.*.legacy_until",
        "a day like `\"2027-03-01\"` (UTC): until it begins, a confirm or an old link that is the dialect's in all else, and whose token has no run of just 64 hexadecimal digits, passes on to the app; tokens of that shape are taken for ours. All but bamboocloud, which has codes only, and codes do not tell whose they are. Try it with `observe`",
    ),
    (
        "dialects.*.exclusive",
        "anqicms, authing, bamboocloud; `true`: no POST on its shared paths passes on to the app, what is not ours is refused; portable mode wants it",
    ),
    (
        "dialects.*.language",
        "language of the answers where the request names none; anqicms, authing, bamboocloud, native",
    ),
    (
        "dialects.*.clients",
        "required for authing, bamboocloud, vastly; `\"any\"` or a list of `{\"id\", \"origins\"}`: who may call",
    ),
    (
        "dialects.*.country",
        "calling code of phone numbers in national form, like `\"86\"`; all but anqicms",
    ),
    (
        "dialects.*.captcha",
        "required for bamboocloud; `\"app\"`: captcha calls pass on to the app, which judges them",
    ),
    (
        "dialects.*.keys",
        "required for authing; `\"own\"`: the sidecar's public keys are given out, `\"app\"`: calls for public keys pass on to the app, whose private keys can be taken up (`rekey keys add rsa --from FILE`)",
    ),
    (
        "dialects.*.mobile",
        "vastly; `true` switches the operations by phone on; off, their paths are answered 404",
    ),
    (
        "dialects.*.fields",
        "vastly; object: other names for the members `email` and `mobile` of the asks",
    ),
];

/// A configured edge.
#[derive(Debug)]
pub struct Edge {
    plan: Plan,
    key: EdgeKey,
    mode: Mode,
}

/// What a filter may hold back until it is whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Heads and bodies.
    #[default]
    Natural,
    /// Bodies: a head goes on when it comes.
    Portable,
}

/// A configuration without its key: for hosts that keep the key elsewhere, and exchange it.
#[derive(Clone, Debug)]
pub struct Plan {
    audience: Name,
    sites: Sites,
    claims: Vec<Arc<Claim>>,
    warnings: Vec<String>,
}

/// Looks a variable up in the host's environment.
pub type Environment<'e> = &'e mut dyn FnMut(&str) -> Option<String>;

impl Edge {
    /// Reads a configuration; the error lists every fault as a sentence.
    pub fn from_json(bytes: &[u8], environment: Environment<'_>) -> Result<Self, Vec<String>> {
        reader::read(object(bytes)?, environment)
    }

    pub fn audience(&self) -> &Name {
        &self.plan.audience
    }

    /// The site of every host that is not listed.
    pub fn site(&self) -> &Site {
        &self.plan.sites.top
    }

    pub fn key(&self) -> &EdgeKey {
        &self.key
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What is configured as wished and still wants a thought; to be logged at start.
    pub fn warnings(&self) -> &[String] {
        &self.plan.warnings
    }

    /// A warning that depends on the time, in Unix seconds.
    pub fn overdue(&self, now: u64) -> Option<&'static str> {
        self.plan.overdue(now)
    }

    pub(in crate::edge) fn claims(&self) -> &[Arc<Claim>] {
        &self.plan.claims
    }

    pub(in crate::edge) fn sites(&self) -> &Sites {
        &self.plan.sites
    }

    /// Stands in for a request id when the host gave neither id nor randomness.
    pub(in crate::edge) fn nameless(&self) -> Name {
        self.plan.sites.top.name.clone()
    }
}

impl Plan {
    /// Reads a configuration as [`Edge::from_json`] does. A key in it is not used, and a warning says so; `mode` means
    /// nothing to a host that is no filter.
    pub fn from_json(bytes: &[u8]) -> Result<Self, Vec<String>> {
        reader::read_plan(object(bytes)?)
    }

    /// The edge that signs with this key.
    pub fn with_key(&self, key: EdgeKey) -> Edge {
        Edge { plan: self.clone(), key, mode: Mode::default() }
    }

    pub fn audience(&self) -> &Name {
        &self.audience
    }

    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// A warning that depends on the time, in Unix seconds.
    pub fn overdue(&self, now: u64) -> Option<&'static str> {
        let mut until = self.claims.iter().filter_map(|claim| claim.settings.legacy_until);
        until
            .any(|until| until.is_over(now))
            .then_some("dialects.*.legacy_until: is over for one of them; remove it there")
    }

    /// The claimed paths that are served, each with its dialect's name.
    pub fn served(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let on = self.claims.iter().filter(|claim| claim.standing == Standing::On);
        on.map(|claim| (claim.dialect.name(), claim.path.as_str()))
    }
}

fn object(bytes: &[u8]) -> Result<Object, Vec<String>> {
    match json::parse(bytes, Names::Exact) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Vec::from(["the configuration must be a JSON object".to_owned()])),
        Err(fault) => Err(Vec::from([format!("the configuration is not strict JSON: {fault}")])),
    }
}
