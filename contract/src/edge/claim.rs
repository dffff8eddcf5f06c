//! Which requests are claimed, by path. Invariant: a spelling that a lenient router may treat like a claimed path is
//! never free.

use alloc::{string::String, sync::Arc, vec::Vec};

use crate::dialect::{Dialect, Does, Route, Sharing};
use crate::edge::Settings;
use crate::edge::spelling::{loose, readings};

/// One claimed path of a configured dialect.
#[derive(Clone, Debug)]
pub struct Claim {
    pub dialect: &'static dyn Dialect,
    pub route: &'static Route,
    pub path: String,
    pub settings: Arc<Settings>,
    pub standing: Standing,
    /// Whether the configuration says that no call on this path is the app's: what is not ours is refused.
    pub exclusive: bool,
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
        exclusive: bool,
    ) -> Self {
        let loose = loose(&path);
        Self { dialect, route, path, settings, standing, exclusive, loose }
    }

    /// Whether requests may pass on to the app.
    pub(super) fn is_shared(&self) -> bool {
        !self.exclusive && !matches!(self.route.sharing, Sharing::Exclusive)
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
    let mut taken = claims.iter().filter(|claim| claim.standing != Standing::Left);
    let found = match readings(path) {
        Some(readings) => taken.find(|claim| readings.contains(&claim.loose)),
        None => taken.next(),
    };
    found.map_or(Found::Free, Found::Spelling)
}
