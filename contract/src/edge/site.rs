//! The sites of a gateway, by the host that a request names. Invariant: the list is closed; whatever a request says, it
//! chooses among the sites that are written in the configuration.

use alloc::{string::String, sync::Arc, vec::Vec};

use crate::dialect::Dialect;
use crate::name::Name;

/// Whose accounts, links and pages a request is about.
#[derive(Clone, Debug)]
pub struct Site {
    pub name: Name,
    /// What links begin with, without a slash behind.
    pub base_url: String,
    /// Pages that may call, those of `base_url` among them.
    pub(super) origins: Vec<String>,
    /// The dialects that are on here; `None`: all that are configured.
    pub(super) dialects: Option<Vec<&'static str>>,
}

/// The site of each listed host, and that of all others.
#[derive(Clone, Debug)]
pub(super) struct Sites {
    pub(super) top: Arc<Site>,
    pub(super) hosts: Vec<(String, Arc<Site>)>,
}

impl Site {
    /// Whether requests in this dialect are ours here; what is not is the app's.
    pub(super) fn speaks(&self, dialect: &dyn Dialect) -> bool {
        self.dialects.as_ref().is_none_or(|on| on.contains(&dialect.name()))
    }
}

impl Sites {
    /// The site of an authority as a request names it: `Host`, host:port, with the dot of the root or without.
    pub(super) fn of(&self, authority: &str) -> &Arc<Site> {
        let host = bare_host(authority);
        let listed = self.hosts.iter().find(|(known, _)| known.eq_ignore_ascii_case(host));
        listed.map_or(&self.top, |(_, site)| site)
    }
}

pub(super) fn bare_host(authority: &str) -> &str {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    host.strip_suffix('.').unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_one_whatever_its_spelling() {
        let table = [
            ("a.example", "a.example"),
            ("a.example:8443", "a.example"),
            ("a.example:", "a.example"),
            ("a.example.", "a.example"),
            ("a.example.:80", "a.example"),
            ("a.example..", "a.example."),
            ("a.example:80:80", "a.example:80"),
            ("[::1]", "[::1]"),
            ("[::1]:80", "[::1]"),
            ("u@a.example", "u@a.example"),
            ("", ""),
        ];
        for (authority, host) in table {
            assert_eq!(bare_host(authority), host, "{authority}");
        }
    }
}
