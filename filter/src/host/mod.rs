//! The host, as far as the filter needs it: bytes in, bytes out, every status that is not OK a `HostFault`.
//! Invariant: the only caller of the ABI; whatever the host refuses, the caller learns and fails closed.

mod abi;

use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use abi::{Buffer, Map};
pub(crate) use abi::{HostFault, Kind, Level, MALFORMED, log};
use contract::edge::{Answer, Circumstances, Headers};

pub(crate) fn configuration() -> Result<Vec<u8>, HostFault> {
    abi::buffer(Buffer::PluginConfiguration, usize::MAX)
}

pub(crate) fn request_headers() -> Result<Headers, HostFault> {
    abi::map(Map::RequestHeaders)
}

pub(crate) fn set_request_headers(headers: &[(&[u8], &[u8])]) -> Result<(), HostFault> {
    abi::set_map(Map::RequestHeaders, headers)
}

pub(crate) fn remove_request_header(name: &[u8]) -> Result<(), HostFault> {
    abi::remove(Map::RequestHeaders, name)
}

pub(crate) fn clear_request_trailers() -> Result<(), HostFault> {
    abi::set_map(Map::RequestTrailers, &[])
}

/// At most `limit` bytes of what is buffered of the request's body.
pub(crate) fn request_body(limit: usize) -> Result<Vec<u8>, HostFault> {
    abi::buffer(Buffer::RequestBody, limit)
}

pub(crate) fn replace_request_body(body: &[u8]) -> Result<(), HostFault> {
    abi::replace(Buffer::RequestBody, body)
}

pub(crate) fn response_headers() -> Result<Headers, HostFault> {
    abi::map(Map::ResponseHeaders)
}

pub(crate) fn set_response_headers(headers: &[(&[u8], &[u8])]) -> Result<(), HostFault> {
    abi::set_map(Map::ResponseHeaders, headers)
}

pub(crate) fn response_body(limit: usize) -> Result<Vec<u8>, HostFault> {
    abi::buffer(Buffer::ResponseBody, limit)
}

pub(crate) fn replace_response_body(body: &[u8]) -> Result<(), HostFault> {
    abi::replace(Buffer::ResponseBody, body)
}

/// Whether the answer came from upstream; not every host tells.
pub(crate) fn is_from_upstream() -> Option<bool> {
    let details = abi::property("response\0code_details").ok()?;
    (!details.is_empty()).then(|| details == b"via_upstream")
}

/// Whether this is nginx, which tells nobody that a request ends with its head, and the client speaks HTTP/1 to it.
/// nginx shows its variables as properties; no other host has these.
pub(crate) fn is_http1_in_nginx() -> bool {
    abi::property("ngx\0server_protocol").is_ok_and(|protocol| protocol.starts_with(b"HTTP/1"))
}

pub(crate) fn reply(answer: &Answer) -> Result<(), HostFault> {
    let headers: Vec<(&[u8], &[u8])> =
        answer.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    abi::send_local_response(answer.status, &headers, &answer.body)
}

pub(crate) fn define_metric(kind: Kind, name: &str) -> Result<u32, HostFault> {
    abi::define_metric(kind, name)
}

pub(crate) fn increment(counter: u32) -> Result<(), HostFault> {
    abi::increment(counter)
}

pub(crate) fn record(histogram: u32, value: u64) -> Result<(), HostFault> {
    abi::record(histogram, value)
}

/// Says something of this stream to whoever writes the gateway's access log.
pub(crate) fn set_property(name: &str, value: &[u8]) -> Result<(), HostFault> {
    abi::set_property(name, value)
}

/// Nanoseconds since 1970; it moves within a callback.
pub(crate) fn nanoseconds() -> Result<u64, HostFault> {
    abi::nanoseconds()
}

/// A variable that the host lets the VM see; one that is empty or not UTF-8 is none.
pub(crate) fn variable(name: &str) -> Option<String> {
    let environment = abi::environment().ok()?;
    let mut texts = environment.split(|byte| *byte == 0);
    let value = texts.find_map(|text| text.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
    String::from_utf8(value.to_vec()).ok().filter(|value| !value.is_empty())
}

/// Time, randomness and sender, as this host gives them.
pub(crate) struct Host;

impl Circumstances for Host {
    fn now(&mut self) -> Option<u64> {
        abi::nanoseconds().ok().map(|nanoseconds| nanoseconds / 1_000_000_000)
    }

    fn random(&mut self) -> Option<[u8; 16]> {
        let mut bytes = [0; 16];
        abi::fill_random(&mut bytes).ok().map(|()| bytes)
    }

    fn sender(&mut self) -> Option<IpAddr> {
        let address = abi::property("source\0address").ok()?;
        parse_address(core::str::from_utf8(&address).ok()?)
    }
}

/// Reads `ip:port`, `[ip]:port` and a bare address.
fn parse_address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let (host, _) = text.rsplit_once(':')?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}
