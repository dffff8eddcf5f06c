//! Header and trailer maps. A map is open from its callback until its direction goes on; a closed map
//! answers `BadArgument` (the list of all pairs: `Ok` and nothing), and asking is a violation.

use super::exchange::Pair;
use super::guest::{Fault, Guest, Outcome, Status, decode_pairs, encode_pairs};
use super::host::{Flow, Host, Side, Stream};

/// The ABI's numbers of the four maps of a stream.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Map {
    Headers(Side),
    Trailers(Side),
}

/// Numbers above belong to calls that this host does not make.
const MAPS: [Map; 4] = [
    Map::Headers(Side::Request),
    Map::Trailers(Side::Request),
    Map::Headers(Side::Response),
    Map::Trailers(Side::Response),
];
const LAST_MAP: u32 = 7;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

pub(super) fn get_pairs(guest: &mut Guest<'_>, map: u32, pointer: u32, size: u32) -> Outcome {
    if map > LAST_MAP {
        return Err(Status::BadArgument.into());
    }
    let pairs =
        open(guest.host(), map, Access::Read).map(|pairs| pairs.clone()).unwrap_or_default();
    let bytes = if pairs.is_empty() { Vec::new() } else { encode_pairs(&pairs) };
    guest.give(&bytes, pointer, size)
}

pub(super) fn get_value(
    guest: &mut Guest<'_>,
    map: u32,
    key: u32,
    length: u32,
    pointer: u32,
    size: u32,
) -> Outcome {
    let key = guest.read(key, length)?;
    let pairs = open(guest.host(), map, Access::Read)?;
    let found = pairs.iter().find(|(name, _)| name.eq_ignore_ascii_case(&key));
    let value = found.map(|(_, value)| value.clone()).ok_or(Status::NotFound)?;
    guest.give(&value, pointer, size)
}

pub(super) fn set_pairs(guest: &mut Guest<'_>, map: u32, at: u32, length: u32) -> Outcome {
    let bytes = guest.read(at, length)?;
    let decoded = decode_pairs(&bytes);
    if decoded.is_none() {
        guest.host().violate("a header map that contradicts itself");
    }
    let pairs = decoded.unwrap_or_default();
    let pairs =
        pairs.into_iter().map(|(name, value)| checked(guest.host(), &name, value)).collect();
    *open(guest.host(), map, Access::Write)? = pairs;
    written(guest.host(), map);
    Ok(())
}

pub(super) fn add(
    guest: &mut Guest<'_>,
    map: u32,
    key: u32,
    length: u32,
    value: u32,
    size: u32,
) -> Outcome {
    let pair = read_pair(guest, key, length, value, size)?;
    open(guest.host(), map, Access::Write)?.push(pair);
    written(guest.host(), map);
    Ok(())
}

/// The first of that name gets the value, further ones go.
pub(super) fn replace(
    guest: &mut Guest<'_>,
    map: u32,
    key: u32,
    length: u32,
    value: u32,
    size: u32,
) -> Outcome {
    let pair = read_pair(guest, key, length, value, size)?;
    let pairs = open(guest.host(), map, Access::Write)?;
    let place = pairs
        .iter()
        .position(|(name, _)| name.eq_ignore_ascii_case(&pair.0))
        .unwrap_or(pairs.len());
    pairs.retain(|(name, _)| !name.eq_ignore_ascii_case(&pair.0));
    pairs.insert(place, pair);
    written(guest.host(), map);
    Ok(())
}

pub(super) fn remove(guest: &mut Guest<'_>, map: u32, key: u32, length: u32) -> Outcome {
    let key = guest.read(key, length)?;
    open(guest.host(), map, Access::Write)?.retain(|(name, _)| !name.eq_ignore_ascii_case(&key));
    written(guest.host(), map);
    Ok(())
}

pub(super) fn byte_size(guest: &mut Guest<'_>, map: u32, result: u32) -> Outcome {
    let pairs = open(guest.host(), map, Access::Read)?;
    let size: usize = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
    guest.write_u32(result, u32::try_from(size).unwrap_or(u32::MAX))
}

fn read_pair(
    guest: &mut Guest<'_>,
    key: u32,
    length: u32,
    value: u32,
    size: u32,
) -> Result<Pair, Fault> {
    let name = guest.read(key, length)?;
    let value = guest.read(value, size)?;
    Ok(checked(guest.host(), &name, value))
}

/// Bytes that would split the message on the wire are written down, as is a name that is none.
pub(super) fn checked(host: &mut Host, name: &[u8], value: Vec<u8>) -> Pair {
    let token = name.strip_prefix(b":").unwrap_or(name);
    if token.is_empty()
        || !token
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
    {
        host.violate("a header name that is no token");
    }
    if value.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n')) {
        host.violate("a header value with a line break or zero byte");
    }
    let name =
        if host.strictness.lower_case_names { name.to_ascii_lowercase() } else { name.to_vec() };
    (name, value)
}

fn open(host: &mut Host, map: u32, access: Access) -> Result<&mut Vec<Pair>, Status> {
    let late = host.strictness.late_response_headers;
    let known = usize::try_from(map).ok().and_then(|index| MAPS.get(index)).copied();
    let usable = match (known, host.acting_stream()) {
        (Some(which), Some(stream)) => is_open(stream, which, access, late),
        _ => false,
    };
    if !usable {
        host.violate("a header map out of its phase");
        return Err(Status::BadArgument);
    }
    let stream = host.acting_stream().ok_or(Status::BadArgument)?;
    match known.ok_or(Status::BadArgument)? {
        Map::Headers(side) => Ok(&mut stream.flow(side).headers),
        Map::Trailers(side) => stream.flow(side).trailers.as_mut().ok_or(Status::BadArgument),
    }
}

fn is_open(stream: &mut Stream, map: Map, access: Access, late: bool) -> bool {
    if stream.logging {
        return access == Access::Read && matches!(map, Map::Headers(_));
    }
    let in_body = |flow: &Flow| flow.body_open || flow.trailers_open;
    match map {
        Map::Headers(Side::Response) if access == Access::Write && !late => {
            stream.response.headers_open && !in_body(&stream.response)
        }
        Map::Headers(side) => stream.flow(side).headers_open,
        Map::Trailers(side) => stream.flow(side).trailers_open,
    }
}

/// Any write to the request's headers makes the gateway match the route again.
fn written(host: &mut Host, map: u32) {
    if map == 0
        && let Some(stream) = host.acting_stream()
    {
        stream.route_cache_clears += 1;
    }
}
