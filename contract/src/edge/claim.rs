//! Which requests are claimed, by path. Invariant: a spelling that a lenient router may treat like a claimed path is
//! never free.

use alloc::{format, string::String, sync::Arc, vec::Vec};

use crate::dialect::{Dialect, Does, Route, Sharing};
use crate::edge::Settings;
use crate::json::fold;
use crate::lookalike::is_ignorable;

/// How often a chain of routers may decode one path.
const MAX_DECODES: usize = 4;

/// One claimed path of a configured dialect.
#[derive(Clone, Debug)]
pub struct Claim {
    pub dialect: &'static dyn Dialect,
    pub route: &'static Route,
    pub path: String,
    pub settings: Arc<Settings>,
    pub standing: Standing,
    loose: String,
}

/// Whether a route is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    On,
    /// Switched off, and answered 404: the app's own is not to be reached by it either.
    Closed,
    /// Left to the app by the configuration.
    Left,
}

/// How a request's path stands to the claims.
#[derive(Debug)]
pub(super) enum Found<'e> {
    Free,
    /// Claimed, spelt exactly so.
    Exact(Vec<&'e Arc<Claim>>),
    /// Another spelling of a claimed path.
    Spelling(&'e Arc<Claim>),
}

impl Claim {
    pub(super) fn new(
        dialect: &'static dyn Dialect,
        route: &'static Route,
        path: String,
        settings: Arc<Settings>,
        standing: Standing,
    ) -> Self {
        let loose = loose(&path);
        Self { dialect, route, path, settings, standing, loose }
    }

    pub(super) fn is_shared(&self) -> bool {
        !matches!(self.route.sharing, Sharing::Exclusive)
    }

    pub(super) fn method(&self) -> &'static str {
        match self.route.does {
            Does::Call(_) => "POST",
            Does::Keys | Does::Link => "GET",
        }
    }
}

pub(super) fn find<'e>(claims: &'e [Arc<Claim>], path: &str) -> Found<'e> {
    let exact: Vec<&Arc<Claim>> = claims.iter().filter(|claim| claim.path == path).collect();
    if exact.iter().any(|claim| claim.standing != Standing::Left) {
        return Found::Exact(exact);
    }
    if !exact.is_empty() {
        return Found::Free;
    }
    let readings = readings(path);
    let mut taken = claims.iter().filter(|claim| claim.standing != Standing::Left);
    match taken.find(|claim| readings.contains(&claim.loose)) {
        Some(claim) => Found::Spelling(claim),
        None => Found::Free,
    }
}

/// Every way in which a lenient router may read the path. Routers differ in whether they cut parameters (`;x`) before or
/// after they decode, and in how often they decode.
fn readings(path: &str) -> Vec<String> {
    let mut readings = Vec::from([loose(path)]);
    let mut text: String = path.into();
    for _ in 0..=MAX_DECODES {
        let cut: Vec<&str> = text.split(['/', '\\']).map(without_parameters).collect();
        readings.push(loose(&cut.join("/")));
        let Some(next) = decode_once(&text) else { break };
        text = next;
    }
    let bare = |reading: &String| without_suffix(reading).map(Into::into);
    let without: Vec<String> = readings.iter().filter_map(bare).collect();
    readings.extend(without);
    readings
}

/// Some routers take `/reset.json` for `/reset` with a format.
fn without_suffix(path: &str) -> Option<&str> {
    let (before, suffix) = path.rsplit_once('.')?;
    let is_format = !suffix.is_empty() && suffix.chars().all(|c| c.is_ascii_alphanumeric());
    (is_format && !before.ends_with('/')).then_some(before)
}

fn without_parameters(segment: &str) -> &str {
    segment.split(';').next().unwrap_or_default()
}

/// The path as the most lenient router would read it: percent-decoded up to four times, `\` as `/`, parameters and
/// what follows a decoded `?`, `#` or NUL cut, empty and dot segments resolved, white space, controls and invisible
/// characters dropped, case folded.
pub fn loose(path: &str) -> String {
    let decoded = decode(path);
    let cut = decoded.split(['?', '#', '\0']).next().unwrap_or_default();
    let mut segments: Vec<String> = Vec::new();
    for raw in cut.split(['/', '\\']) {
        let plain = without_parameters(raw);
        let kept: String = fold(plain).filter(|c| !is_ignorable(*c)).collect();
        match kept.as_str() {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(kept.trim_end_matches('.').into()),
        }
    }
    format!("/{}", segments.join("/"))
}

fn decode(path: &str) -> String {
    let mut text: String = path.into();
    for _ in 0..MAX_DECODES {
        let Some(next) = decode_once(&text) else { break };
        text = next;
    }
    text
}

/// `None` when nothing was left to decode.
fn decode_once(text: &str) -> Option<String> {
    let mut bytes: Vec<u8> = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    let mut changed = false;
    while let Some((first, tail)) = rest.split_first() {
        match (first, tail) {
            (b'%', [high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap_or_default();
                bytes.push((digit(high) << 4 | digit(low)) as u8);
                rest = after;
                changed = true;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    changed.then(|| String::from_utf8_lossy(&bytes).into_owned())
}
