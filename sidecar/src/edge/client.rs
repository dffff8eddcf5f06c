//! Whose request it is: the address that limits and audit go by. Invariant: no header is believed that a peer sent who is not
//! trusted, and without `trusted_hops` none is believed at all.

use std::net::{IpAddr, SocketAddr};

use hyper::HeaderMap;
use hyper::header::HeaderName;

use crate::config::{ClientSource, Network};

pub(super) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Who is at the other end of a connection, as the system or the PROXY protocol says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Peer {
    /// Absent behind a Unix socket.
    pub(super) address: Option<IpAddr>,
    /// Whether what it says of clients is believed.
    pub(super) is_trusted: bool,
    /// Whether the client's own connection is known to be encrypted.
    pub(super) is_secure: bool,
}

impl Peer {
    pub(super) fn of(address: IpAddr, trusted: &[Network]) -> Self {
        let is_trusted = trusted.iter().any(|network| network.holds(address));
        Self { address: Some(address.to_canonical()), is_trusted, is_secure: false }
    }

    /// Behind a Unix socket, whose file says who may connect.
    pub(super) fn local() -> Self {
        Self { address: None, is_trusted: true, is_secure: false }
    }
}

/// The client's address, if it is known.
pub(super) fn address(source: ClientSource, peer: &Peer, headers: &HeaderMap) -> Option<IpAddr> {
    match source {
        ClientSource::Hops(hops) if peer.is_trusted => {
            forwarded(headers, usize::from(hops)).or(peer.address)
        }
        _ => peer.address,
    }
}

/// The so many'th from the right, over all lines of the header.
fn forwarded(headers: &HeaderMap, hops: usize) -> Option<IpAddr> {
    let lines: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
    let mut entries = lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|b| *b == b','));
    let entry = entries.nth(hops.checked_sub(1)?)?;
    parse(std::str::from_utf8(entry).ok()?.trim())
}

/// Some proxies add the port.
fn parse(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().ok();
    address
        .or_else(|| text.parse::<SocketAddr>().ok().map(|at| at.ip()))
        .map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_peers_speak_for_clients() {
        let networks = [Network::parse("127.0.0.0/8").unwrap()];
        let near = Peer::of("127.0.0.1".parse().unwrap(), &networks);
        let far = Peer::of("203.0.113.9".parse().unwrap(), &networks);
        let (one, two) = (ClientSource::Hops(1), ClientSource::Hops(2));
        let none = ClientSource::Connection;
        let table = [
            (none, near, vec!["1.1.1.1"], Some("127.0.0.1")),
            (one, near, vec!["1.1.1.1"], Some("1.1.1.1")),
            (one, near, vec!["9.9.9.9, 1.1.1.1"], Some("1.1.1.1")),
            (one, near, vec!["9.9.9.9", "2.2.2.2 ,1.1.1.1"], Some("1.1.1.1")),
            (two, near, vec!["9.9.9.9", "1.1.1.1"], Some("9.9.9.9")),
            (two, near, vec!["1.1.1.1"], Some("127.0.0.1")),
            (one, near, vec!["unknown"], Some("127.0.0.1")),
            (one, near, vec![], Some("127.0.0.1")),
            (one, near, vec!["[2001:db8::1]:99"], Some("2001:db8::1")),
            (one, near, vec!["::ffff:1.1.1.1"], Some("1.1.1.1")),
            (one, far, vec!["1.1.1.1"], Some("203.0.113.9")),
            (one, Peer::local(), vec!["1.1.1.1"], Some("1.1.1.1")),
            (one, Peer::local(), vec![], None),
            (none, Peer::local(), vec!["1.1.1.1"], None),
        ];
        for (source, peer, lines, expected) in table {
            let mut headers = HeaderMap::new();
            for line in &lines {
                headers.append(FORWARDED_FOR, line.parse().unwrap());
            }
            let found = address(source, &peer, &headers);
            assert_eq!(found, expected.map(|text| text.parse().unwrap()), "{source:?} {lines:?}");
        }
    }
}
