//! The PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt). Invariant: not a byte behind the header is read,
//! and what is not exactly a header is a fault; there is no connection without one.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tokio::io::{AsyncRead, AsyncReadExt};

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Of a line of version 1, its end included.
const MAX_LINE: usize = 107;
/// Of version 2, addresses and extensions together; more than any proxy sends.
const MAX_REST: usize = 2048;
/// Extension: TLS of the client's connection. The first bit of its first byte says that there is any.
const TLS: u8 = 0x20;

/// What a header says of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announced {
    /// The connection is the proxy's own: a health check, or a client of a kind that has no address.
    Own,
    Client {
        address: IpAddr,
        is_secure: bool,
    },
}

#[derive(Debug, thiserror::Error)]
pub(super) enum HeaderFault {
    #[error("the connection broke off: {0}")]
    Io(#[from] io::Error),
    #[error("this is no header of the PROXY protocol")]
    Malformed,
}

pub(super) async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Announced, HeaderFault> {
    // Shorter than the shortest header of either version.
    let mut start = [0; 12];
    stream.read_exact(&mut start).await?;
    if start == SIGNATURE { second(stream).await } else { first(stream, &start).await }
}

async fn first<S: AsyncRead + Unpin>(
    stream: &mut S,
    start: &[u8],
) -> Result<Announced, HeaderFault> {
    if !start.starts_with(b"PROXY ") {
        return Err(HeaderFault::Malformed);
    }
    let mut line = start.to_vec();
    while !line.ends_with(b"\r\n") {
        if line.len() >= MAX_LINE {
            return Err(HeaderFault::Malformed);
        }
        line.push(stream.read_u8().await?);
    }
    parse_line(&line).ok_or(HeaderFault::Malformed)
}

fn parse_line(line: &[u8]) -> Option<Announced> {
    let text = std::str::from_utf8(line).ok()?.strip_suffix("\r\n")?;
    let mut words = text.strip_prefix("PROXY ")?.split(' ');
    let family = words.next()?;
    if family == "UNKNOWN" {
        return Some(Announced::Own);
    }
    let (source, target) = (words.next()?, words.next()?);
    let address = |text: &str| -> Option<IpAddr> {
        match family {
            "TCP4" => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
            "TCP6" => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            _ => None,
        }
    };
    let (address, _) = (address(source)?, address(target)?);
    let is_port = |word: Option<&str>| {
        word.is_some_and(|digits| {
            digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok()
        })
    };
    let fits = is_port(words.next()) && is_port(words.next()) && words.next().is_none();
    fits.then(|| Announced::Client { address: address.to_canonical(), is_secure: false })
}

async fn second<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Announced, HeaderFault> {
    let command = stream.read_u8().await?;
    let family = stream.read_u8().await?;
    let length = usize::from(stream.read_u16().await?);
    if length > MAX_REST {
        return Err(HeaderFault::Malformed);
    }
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).await?;
    parse_rest(command, family, &rest).ok_or(HeaderFault::Malformed)
}

fn parse_rest(command: u8, family: u8, rest: &[u8]) -> Option<Announced> {
    match command {
        0x20 => return Some(Announced::Own),
        0x21 => {}
        _ => return None,
    }
    let (address, extensions) = match family {
        0x11 => {
            let (addresses, extensions) = rest.split_at_checked(12)?;
            (IpAddr::from(*addresses.first_chunk::<4>()?), extensions)
        }
        0x21 => {
            let (addresses, extensions) = rest.split_at_checked(36)?;
            (IpAddr::from(*addresses.first_chunk::<16>()?), extensions)
        }
        // No address, or that of a Unix socket.
        0x00 | 0x31 | 0x32 => return Some(Announced::Own),
        _ => return None,
    };
    Some(Announced::Client { address: address.to_canonical(), is_secure: has_tls(extensions)? })
}

/// Walks over the extensions, which must fill their place exactly.
fn has_tls(mut extensions: &[u8]) -> Option<bool> {
    let mut found = false;
    while let Some((head, rest)) = extensions.split_first_chunk::<3>() {
        let [kind, high, low] = *head;
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
        found |= kind == TLS && value.first().is_some_and(|flags| flags & 1 == 1);
        extensions = rest;
    }
    extensions.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: &str, is_secure: bool) -> Option<Announced> {
        Some(Announced::Client { address: address.parse().unwrap(), is_secure })
    }

    async fn announced(bytes: &[u8]) -> Option<Announced> {
        let with_rest = [bytes, b"GET"].concat();
        let mut stream = with_rest.as_slice();
        let found = read(&mut stream).await.ok()?;
        assert_eq!(stream, b"GET", "bytes of the request were taken");
        Some(found)
    }

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    #[tokio::test]
    async fn lines_of_version_1_are_read() {
        let table = [
            ("PROXY TCP4 192.0.2.7 10.0.0.1 1 443\r\n", client("192.0.2.7", false)),
            ("PROXY TCP6 2001:db8::7 ::1 65535 443\r\n", client("2001:db8::7", false)),
            ("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n", client("192.0.2.7", false)),
            ("PROXY UNKNOWN\r\n", Some(Announced::Own)),
            ("PROXY UNKNOWN ff ff 1 2\r\n", Some(Announced::Own)),
            ("PROXY TCP4 192.0.2.7 10.0.0.1 1\r\n", None),
            ("PROXY TCP4 192.0.2.7 10.0.0.1 1 2 3\r\n", None),
            ("PROXY TCP4 192.0.2.7 10.0.0.1 1 65536\r\n", None),
            ("PROXY TCP4 192.0.2.7 10.0.0.1 +1 2\r\n", None),
            ("PROXY TCP4 2001:db8::7 ::1 1 2\r\n", None),
            ("PROXY TCP4  192.0.2.7 10.0.0.1 1 2\r\n", None),
            ("PROXY UDP4 192.0.2.7 10.0.0.1 1 2\r\n", None),
            ("proxy TCP4 192.0.2.7 10.0.0.1 1 2\r\n", None),
            ("GET / HTTP/1.1\r\nhost: a\r\n\r\n", None),
        ];
        for (line, expected) in table {
            assert_eq!(announced(line.as_bytes()).await, expected, "{line}");
        }
        let long = format!("PROXY UNKNOWN {}\r\n", "f".repeat(100));
        assert_eq!(announced(long.as_bytes()).await, None);
    }

    #[tokio::test]
    async fn headers_of_version_2_are_read() {
        let four = [192, 0, 2, 7, 10, 0, 0, 1, 0, 1, 1, 187];
        let mut six = [0; 36];
        six[..4].copy_from_slice(&[0x20, 1, 0xD, 0xB8]);
        let tls = [&four[..], &[4, 0, 1, 9], &[TLS, 0, 5, 1, 0, 0, 0, 0]].concat();
        let plain = [&four[..], &[TLS, 0, 5, 0, 0, 0, 0, 0]].concat();
        let broken = [&four[..], &[4, 0, 9, 1]].concat();
        let table = [
            (v2(0x21, 0x11, &four), client("192.0.2.7", false)),
            (v2(0x21, 0x21, &six), client("2001:db8::", false)),
            (v2(0x21, 0x11, &tls), client("192.0.2.7", true)),
            (v2(0x21, 0x11, &plain), client("192.0.2.7", false)),
            (v2(0x21, 0x11, &broken), None),
            (v2(0x20, 0x00, &[]), Some(Announced::Own)),
            (v2(0x21, 0x31, &[0; 216]), Some(Announced::Own)),
            (v2(0x21, 0x11, &four[..11]), None),
            (v2(0x21, 0x12, &four), None),
            (v2(0x11, 0x11, &four), None),
            (v2(0x22, 0x11, &four), None),
            (v2(0x21, 0x11, &[0; 2049]), None),
        ];
        for (header, expected) in table {
            assert_eq!(announced(&header).await, expected, "{header:?}");
        }
    }
}
