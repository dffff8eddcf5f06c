//! The dialects: one vendor's documented reset API per file, and the only list of them.
//! Invariant: a dialect is data and pure functions; nothing outside its file knows its name.

mod anqicms;
mod authing;
mod bamboocloud;
mod native;
mod vastly;

use core::fmt;

use alloc::{string::String, vec::Vec};

use crate::address::Channel;
use crate::edge::{Answer, Asking, Exchanged, Head, Settings};
use crate::json::Names;
use crate::language::Language;
use crate::message::{Call, Claim, Operation};
use crate::name::Name;
use crate::outcome::{Outcome, Refusal};
use crate::profile::Profile;

/// Every dialect that Rekey speaks, alphabetically.
pub static DIALECTS: &[&dyn Dialect] = &[
    &anqicms::AnQiCms,
    &authing::Authing,
    &bamboocloud::BambooCloud,
    &native::Native,
    &vastly::Vastly,
];

pub fn by_name(name: &str) -> Option<&'static dyn Dialect> {
    DIALECTS.iter().copied().find(|dialect| dialect.name() == name)
}

/// One vendor's documented reset API: how it is recognised, read and answered.
pub trait Dialect: Sync {
    /// The short name: configuration, metrics, canonical messages.
    fn name(&self) -> &'static str;

    /// Who serves this API, for people; and where it is documented.
    fn vendor(&self) -> &'static str;

    fn profile(&self) -> &'static Profile;

    fn routes(&self) -> &'static [Route];

    /// The languages of its texts; the first is the default.
    fn languages(&self) -> &'static [Language];

    /// The configuration keys that it has beside `paths`.
    fn settings(&self) -> &'static [Setting];

    /// How member names of its bodies compare.
    fn names(&self) -> Names {
        Names::Exact
    }

    /// Whether bodies are read as JSON whatever the content type says.
    fn reads_any_content_type(&self) -> bool {
        false
    }

    /// The language of the answer.
    fn language(&self, head: &Head, settings: &Settings) -> Language;

    /// Who calls, from the headers. Checked before the body's members.
    fn caller(&self, _head: &Head, _settings: &Settings) -> Result<Caller, Refusal> {
        Ok(Caller::default())
    }

    /// The body's members, in the documented order of checks.
    fn read(&self, asking: &mut Asking<'_>) -> Result<Call, Refusal>;

    /// The documented answer.
    fn answer(&self, exchanged: &Exchanged<'_>, outcome: &Outcome) -> Answer;

    /// Where an old link leads, for dialects with a `link` route: the page with the values in the fragment.
    fn link(&self, _query: &[(String, String)]) -> Option<String> {
        None
    }

    /// Whether initiate gives the browser a cookie that marks the place.
    fn marks_place(&self) -> bool {
        false
    }
}

impl fmt::Debug for dyn Dialect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// One path of a dialect.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// Its key under `paths`: the operation, with the channel where a dialect has one path for each.
    pub name: &'static str,
    pub does: Does,
    pub path: &'static str,
    /// Which channel the path serves; `None` where the body says it.
    pub channel: Option<Channel>,
    pub sharing: Sharing,
    /// The setting without which this route is off.
    pub needs: Option<Setting>,
}

/// What a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// POST, to the sidecar.
    Call(Operation),
    /// GET: the public keys, from the sidecar. It has no body, and says nothing that wants a signature.
    Keys,
    /// GET, answered by the edge alone.
    Link,
}

/// Whether the path also serves calls that are not ours.
#[derive(Clone, Copy, Debug)]
pub enum Sharing {
    /// Every request is ours.
    Exclusive,
    /// Ours when this member (or query parameter) has this value.
    Value { member: &'static str, ours: &'static str },
    /// Not ours when the caller is signed in (`Authorization`) and all of these members are absent.
    SignedIn { members: &'static [&'static str] },
}

/// A configuration key that a dialect may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// `language`: the language of all answers.
    Language,
    /// `clients`: `"any"`, or a list of `{"id", "origins"?}`.
    Clients,
    /// `country`: calling code for national phone numbers.
    Country,
    /// `captcha`: `"app"` (passes through) or `"own"`.
    Captcha,
    /// `keys`: `"app"` (the app publishes them; the route is left to it) or `"own"`.
    Keys,
    /// `legacy_until`: until when tokens of the app's pass on to it. For dialects that have tokens; a code tells nobody whose
    /// it is.
    LegacyUntil,
    /// `mobile`: whether the operations by phone are on.
    Mobile,
    /// `fields`: names of members that no source documents.
    Fields(&'static [&'static str]),
}

/// Who calls.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    pub client: Option<Name>,
    pub device: Option<Claim>,
    /// Origins that this client may send from, beside the configured ones; `None`: no rule of its own.
    pub origins: Option<Vec<String>>,
}
