//! Properties: what the gateway tells a filter about the stream. A path is its parts with a zero
//! byte between them.

use super::guest::{Guest, Outcome, Status};
use super::host::{Host, Stream};

pub(super) fn get(
    guest: &mut Guest<'_>,
    path: u32,
    length: u32,
    pointer: u32,
    size: u32,
) -> Outcome {
    let path = trimmed(guest.read(path, length)?);
    let value = lookup(guest.host(), &path).ok_or(Status::NotFound)?;
    guest.give(&value, pointer, size)
}

pub(super) fn set(guest: &mut Guest<'_>, path: u32, length: u32, value: u32, size: u32) -> Outcome {
    let path = trimmed(guest.read(path, length)?);
    let value = guest.read(value, size)?;
    let stream = guest.host().acting_stream().ok_or(Status::NotFound)?;
    stream.properties.insert(path, value);
    Ok(())
}

/// `source.address` as a path of the ABI.
pub(super) fn path_of(dotted: &str) -> Vec<u8> {
    dotted.bytes().map(|byte| if byte == b'.' { 0 } else { byte }).collect()
}

fn trimmed(mut path: Vec<u8>) -> Vec<u8> {
    if path.last() == Some(&0) {
        path.pop();
    }
    path
}

fn lookup(host: &mut Host, path: &[u8]) -> Option<Vec<u8>> {
    let (as_text, tells) = (host.strictness.numbers_as_text, host.strictness.tells_who_answers);
    match path {
        b"plugin_root_id" | b"plugin_vm_id" => return Some(Vec::new()),
        b"plugin_name" => return Some(b"rekey".to_vec()),
        _ => {}
    }
    let stream = host.acting_stream()?;
    if let Some(value) = stream.properties.get(path) {
        return Some(value.clone());
    }
    match path {
        b"response\0code_details" => {
            stream.code_details.clone().filter(|_| tells).map(String::into_bytes)
        }
        b"response\0code" => Some(number(response_code(stream)?, as_text)),
        _ => request_part(stream, path),
    }
}

fn request_part(stream: &Stream, path: &[u8]) -> Option<Vec<u8>> {
    let name: &[u8] = match path {
        b"request\0path" => b":path",
        b"request\0method" => b":method",
        b"request\0host" => b":authority",
        b"request\0scheme" => b":scheme",
        _ => path.strip_prefix(b"request\0headers\0")?,
    };
    let found = stream.request.headers.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.clone())
}

fn response_code(stream: &Stream) -> Option<i64> {
    let found = stream.response.headers.iter().find(|(key, _)| key == b":status");
    std::str::from_utf8(&found?.1).ok()?.parse().ok()
}

fn number(value: i64, as_text: bool) -> Vec<u8> {
    if as_text { value.to_string().into_bytes() } else { value.to_le_bytes().to_vec() }
}
