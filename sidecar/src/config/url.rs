//! URLs that the configuration gives and that mails and redirects begin with.
//! Invariant: absolute, without user, query, fragment and trailing slash, harmless in a header and in HTML; `http` only to
//! this machine.

use std::net::IpAddr;

/// `https://host[:port][/path]`, or `http://` to a loopback host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(String);

/// What is wrong with a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    #[error("it does not begin with https://")]
    Scheme,
    #[error("its host is missing or malformed")]
    Host,
    #[error(
        "its path holds what does not belong there: a query, a fragment, or characters to be percent-encoded"
    )]
    Path,
    #[error("plain http would show the links that it begins to everybody on the way")]
    Plain,
}

impl BaseUrl {
    pub fn parse(text: &str) -> Result<Self, UrlFault> {
        let text = text.trim_end_matches('/');
        let (scheme, rest) = text.split_once("://").ok_or(UrlFault::Scheme)?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = host_of(authority).ok_or(UrlFault::Host)?;
        if !path.bytes().all(is_path) {
            return Err(UrlFault::Path);
        }
        match scheme {
            "https" => Ok(Self(text.to_owned())),
            "http" if is_loopback(host) => Ok(Self(text.to_owned())),
            "http" => Err(UrlFault::Plain),
            _ => Err(UrlFault::Scheme),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The host of `host[:port]`, when both are well formed.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => authority.find(':').map_or((authority, ""), |at| authority.split_at(at)),
    };
    let named = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let good_host = match authority.starts_with('[') {
        true => host.parse::<std::net::Ipv6Addr>().is_ok(),
        false => !host.is_empty() && host.bytes().all(named),
    };
    let good_port =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    (good_host && good_port).then_some(host)
}

fn is_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~' | b'%' | b'+' | b'=' | b'@' | b':')
}

/// Whether a host is this machine by its very name; nothing is resolved.
pub(super) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::{BaseUrl, UrlFault};

    #[test]
    fn urls_are_judged() {
        let table = [
            ("https://id.example.com", Ok("https://id.example.com")),
            ("https://id.example.com/app/", Ok("https://id.example.com/app")),
            ("https://[2001:db8::1]:8443/x", Ok("https://[2001:db8::1]:8443/x")),
            ("http://127.0.0.1:8080", Ok("http://127.0.0.1:8080")),
            ("http://localhost:8080/", Ok("http://localhost:8080")),
            ("http://[::1]:80", Ok("http://[::1]:80")),
            ("http://id.example.com", Err(UrlFault::Plain)),
            ("http://localhost.example.com", Err(UrlFault::Plain)),
            ("id.example.com", Err(UrlFault::Scheme)),
            ("javascript://x", Err(UrlFault::Scheme)),
            ("https://", Err(UrlFault::Scheme)),
            ("https:///x", Err(UrlFault::Host)),
            ("https://user@host/", Err(UrlFault::Host)),
            ("https://host:port", Err(UrlFault::Host)),
            ("https://[::1", Err(UrlFault::Host)),
            ("https://例え.jp", Err(UrlFault::Host)),
            ("https://host/?a=b", Err(UrlFault::Path)),
            ("https://host/#a", Err(UrlFault::Path)),
            ("https://host/a\r\nSet-Cookie:x", Err(UrlFault::Path)),
        ];
        for (text, expected) in table {
            let found = BaseUrl::parse(text);
            assert_eq!(
                found.as_ref().map(BaseUrl::as_str).map_err(|fault| *fault),
                expected,
                "{text}"
            );
        }
    }
}
