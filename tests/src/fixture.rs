//! Fixtures: a folder holds one raw request and one verdict, and every driver (pure, wasm, Envoy) is judged by the same
//! bytes. `cases/<dialect>/<case>/`: `request.http`, perhaps `settings.json`, and exactly one of `pass`, `answer.http`,
//! `message.json` and `keys`; beside the latter two, `answers/` may hold what the client gets for everything that can come back.
//! `attacks/<attack>/<dialect>-<case>/` is the same for what is sent in bad faith.

mod back;
mod fixed;
pub mod gateway;
mod judge;
mod reply;
mod request;

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use contract::dialect::{DIALECTS, Dialect, Does, Route, Sharing};
use contract::edge::Edge;
use serde_json::{Map, Value};

pub use back::{Back, backs};
pub use fixed::Fixed;
pub use judge::{Driver, Seen, bless, judge};
pub use reply::{Reply, lines_that_differ};
pub use request::Request;

use crate::stage::root;

/// The clock of the pure driver and of the strict host: the first second of 2026.
pub const NOW: u64 = 1_767_225_600;

/// Where the client sits in every driver, because Envoy is tested on the loopback address.
pub const SENDER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// One folder.
#[derive(Clone, Debug)]
pub struct Case {
    pub dialect: String,
    /// The folder that it lies in: the dialect, or the attack.
    pub room: String,
    pub name: String,
    /// Whether it comes from `attacks/`, where a gateway may be stricter than the edge.
    pub is_attack: bool,
    pub dir: PathBuf,
    pub request: Request,
    /// The plugin configuration it runs with.
    pub configuration: String,
    /// Whether that is of portable mode, where a case with a `portable.http` is answered so.
    pub is_portable: bool,
    /// Why Envoy cannot play it as it stands: `envoy.skip`.
    pub not_in_envoy: Option<String>,
}

impl Case {
    /// The same request to a filter in portable mode; shared paths are exclusive there.
    ///
    /// # Panics
    /// The configuration is no JSON.
    #[must_use]
    pub fn in_portable_mode(&self) -> Self {
        let mut json: Value = serde_json::from_str(&self.configuration).expect("JSON");
        json["mode"] = Value::from("portable");
        for dialect in DIALECTS.iter().filter(|dialect| shares_calls(**dialect)) {
            if let Some(settings) = json["dialects"].get_mut(dialect.name()) {
                settings["exclusive"] = Value::Bool(true);
            }
        }
        Self { configuration: format!("{json:#}"), is_portable: true, ..self.clone() }
    }
}

/// Whether the body tells whose a call of this dialect is, so that portable mode wants `exclusive`.
pub fn shares_calls(dialect: &dyn Dialect) -> bool {
    let is_shared_call = |route: &Route| {
        matches!(route.does, Does::Call(_)) && !matches!(route.sharing, Sharing::Exclusive)
    };
    dialect.routes().iter().any(is_shared_call)
}

impl std::fmt::Display for Case {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mode = if self.is_portable { " (portable)" } else { "" };
        write!(out, "{}/{}{mode}", self.room, self.name)
    }
}

/// `tests/fixtures`.
#[must_use]
pub fn folder() -> PathBuf {
    root().join("tests/fixtures")
}

/// Whether golden files are to be written instead of compared.
#[must_use]
pub fn blessing() -> bool {
    std::env::var_os("REKEY_BLESS").is_some_and(|value| value == "1")
}

/// Every case, by dialect and name.
///
/// # Panics
/// A folder cannot be read or is no case.
#[must_use]
pub fn cases() -> Vec<Case> {
    let base = configuration();
    let dialects = folders(&folder().join("cases"));
    let cases = dialects.iter().flat_map(|dialect| folders(dialect));
    cases.map(|dir| load(&dir, &name_of(dir.parent()), &base)).collect()
}

/// Every case of every attack. The dialect is the first word of the case's name.
///
/// # Panics
/// As [`cases`].
#[must_use]
pub fn attacks() -> Vec<Case> {
    let base = configuration();
    let attacks = folders(&folder().join("attacks"));
    let cases = attacks.iter().flat_map(|attack| folders(attack));
    let dialect = |dir: &Path| name_of(Some(dir)).split('-').next().unwrap_or_default().to_owned();
    cases.map(|dir| Case { is_attack: true, ..load(&dir, &dialect(&dir), &base) }).collect()
}

fn configuration() -> Value {
    let text = fs::read_to_string(folder().join("edge.json")).expect("fixtures/edge.json");
    serde_json::from_str(&text).expect("fixtures/edge.json is JSON")
}

fn name_of(path: Option<&Path>) -> String {
    let name = path.and_then(Path::file_name).unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// An edge with this configuration.
///
/// # Panics
/// The configuration is refused.
#[must_use]
pub fn edge(configuration: &str) -> Edge {
    Edge::from_json(configuration.as_bytes(), &mut |_| None)
        .unwrap_or_else(|faults| panic!("a fixture's configuration is refused: {faults:#?}"))
}

/// The folders in a folder, sorted.
fn folders(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a folder's entry").path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

fn load(dir: &Path, dialect: &str, base: &Value) -> Case {
    let raw = fs::read(dir.join("request.http"))
        .unwrap_or_else(|error| panic!("{}: request.http: {error}", dir.display()));
    let mut configuration = base.clone();
    let settings = &mut configuration["dialects"][dialect];
    if settings.is_null() {
        // A dialect that edge.json does not name yet takes every default.
        *settings = Value::Object(Map::new());
    }
    if let Ok(text) = fs::read_to_string(dir.join("settings.json")) {
        let changes: Map<String, Value> = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: settings.json: {error}", dir.display()));
        merge(&mut configuration["dialects"][dialect], changes);
    }
    Case {
        name: name_of(Some(dir)),
        room: name_of(dir.parent()),
        is_attack: false,
        request: Request::parse(&raw)
            .unwrap_or_else(|| panic!("{}: request.http is not HTTP/1.1", dir.display())),
        configuration: format!("{configuration:#}"),
        is_portable: false,
        not_in_envoy: fs::read_to_string(dir.join("envoy.skip")).ok(),
        dialect: dialect.to_owned(),
        dir: dir.to_owned(),
    }
}

/// Members of `changes` take the place of the dialect's; `null` removes one.
fn merge(settings: &mut Value, changes: Map<String, Value>) {
    let settings = settings.as_object_mut().expect("a dialect's settings are an object");
    for (key, value) in changes {
        if value.is_null() {
            settings.remove(&key);
        } else {
            settings.insert(key, value);
        }
    }
}
