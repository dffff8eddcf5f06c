//! Where a directory's server is. Invariant: one without TLS is on this machine.

use std::fmt;

use toml::de::DeValue;

use super::super::super::forms::{self, Formed, Wrong};
use super::super::super::url::is_loopback;

/// A server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LdapServer {
    /// The path of its socket.
    Socket(String),
    Tcp {
        host: String,
        port: u16,
        tls: LdapTls,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LdapTls {
    None,
    Implicit,
    /// A server that has it not is not used.
    Starttls,
}

impl LdapServer {
    pub fn is_encrypted(&self) -> bool {
        matches!(self, Self::Tcp { tls: LdapTls::Implicit | LdapTls::Starttls, .. })
    }

    /// As the driver reads it.
    pub fn url(&self) -> String {
        match self {
            Self::Socket(path) => {
                format!("ldapi://{}", path.replace('%', "%25").replace('/', "%2F"))
            }
            Self::Tcp { host, port, tls } => {
                let scheme = if *tls == LdapTls::Implicit { "ldaps" } else { "ldap" };
                let bracketed = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                format!("{scheme}://{bracketed}:{port}")
            }
        }
    }

    pub fn is_starttls(&self) -> bool {
        matches!(self, Self::Tcp { tls: LdapTls::Starttls, .. })
    }
}

impl fmt::Display for LdapServer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => out.write_str(path),
            Self::Tcp { host, port, .. } => write!(out, "{host}:{port}"),
        }
    }
}

pub(super) fn parse(value: &DeValue<'_>) -> Formed<LdapServer> {
    let schemes = [
        ("ldap://", LdapTls::None, 389),
        ("ldap+starttls://", LdapTls::Starttls, 389),
        ("ldaps://", LdapTls::Implicit, 636),
    ];
    let text = forms::text(value)?;
    let form = || {
        Wrong::new(
            format!("\"{text}\" is not an LDAP server"),
            "write ldaps://host[:port] or ldap+starttls://host[:port]; user, password and base are keys of their own",
        )
    };
    if let Some(path) = text.strip_prefix("ldapi://") {
        let path = path.replace("%2F", "/").replace("%2f", "/");
        return if path.starts_with('/') && path.len() > 1 {
            Ok(LdapServer::Socket(path))
        } else {
            Err(form())
        };
    }
    let found = schemes
        .iter()
        .find_map(|(scheme, tls, port)| Some((text.strip_prefix(scheme)?, *tls, *port)));
    let (rest, tls, port) = found.ok_or_else(form)?;
    let (host, port) = forms::host_and_port(rest.trim_end_matches('/'), port).ok_or_else(form)?;
    if tls == LdapTls::None && !is_loopback(&host) {
        return Err(Wrong::new(
            "passwords would cross the network in the clear",
            "write ldaps:// or ldap+starttls://",
        ));
    }
    Ok(LdapServer::Tcp { host, port, tls })
}
