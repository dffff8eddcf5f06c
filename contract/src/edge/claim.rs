//! Which requests are claimed, by path. Invariant: a spelling that a lenient router may treat like a claimed path is
//! never free.

use alloc::{string::String, sync::Arc, vec::Vec};

use crate::dialect::{Dialect, Does, Route, Sharing};
use crate::edge::spelling::{loose, readings};
use crate::edge::{Settings, Site};

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

    /// Whether it is the app's on this site.
    pub(super) fn is_left(&self, site: &Site) -> bool {
        self.standing == Standing::Left || !site.speaks(self.dialect)
    }

    /// Whether a lenient router may take the one for the other.
    pub(super) fn is_near(&self, other: &Self) -> bool {
        self.loose == other.loose
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

pub(super) fn find<'e>(claims: &'e [Arc<Claim>], path: &str, site: &Site) -> Found<'e> {
    let exact: Vec<&Arc<Claim>> = claims.iter().filter(|claim| claim.path == path).collect();
    if exact.iter().any(|claim| !claim.is_left(site)) {
        return Found::Exact(exact);
    }
    // A path that is left to the app may still be a spelling of one that is not.
    let readings = readings(path);
    let is_near = |claim: &&Arc<Claim>| {
        let read = readings.as_ref().is_none_or(|readings| readings.contains(&claim.loose));
        read && !claim.is_left(site)
    };
    // What one dialect only observes, another may refuse.
    let mut found = Found::Free;
    for claim in claims.iter().filter(is_near) {
        found = Found::Spelling(claim);
        if !claim.settings.observe {
            break;
        }
    }
    found
}
