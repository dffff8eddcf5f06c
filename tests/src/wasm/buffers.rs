//! Body buffers and the configuration. Offsets mean what they mean in Envoy: a write at 0 replaces
//! that many bytes at the front, a write at or behind the end appends, anything between is refused.

use super::guest::{Guest, Outcome, Status};
use super::host::{Host, Side};

/// The ABI's buffer numbers.
const REQUEST_BODY: u32 = 0;
const RESPONSE_BODY: u32 = 1;
const VM_CONFIGURATION: u32 = 6;
const PLUGIN_CONFIGURATION: u32 = 7;
const CALL_DATA: u32 = 8;

pub(super) fn get(
    guest: &mut Guest<'_>,
    buffer: u32,
    start: u32,
    most: u32,
    pointer: u32,
    size: u32,
) -> Outcome {
    let bytes = content(guest.host(), buffer)?;
    let from = start as usize;
    let to = from.saturating_add(most as usize).min(bytes.len());
    if from > bytes.len() {
        guest.host().violate("a read behind the end of a buffer");
        return Err(Status::InvalidMemoryAccess.into());
    }
    match bytes.get(from..to) {
        Some(part) if !part.is_empty() => guest.give(part, pointer, size),
        _ => Ok(()),
    }
}

pub(super) fn status(guest: &mut Guest<'_>, buffer: u32, length: u32, flags: u32) -> Outcome {
    let bytes = content(guest.host(), buffer)?;
    guest.write_u32(length, u32::try_from(bytes.len()).unwrap_or(u32::MAX))?;
    guest.write_u32(flags, 0)
}

pub(super) fn set(
    guest: &mut Guest<'_>,
    buffer: u32,
    start: u32,
    length: u32,
    at: u32,
    size: u32,
) -> Outcome {
    let bytes = guest.read(at, size)?;
    let Some(body) = side(buffer).and_then(|side| open_body(guest.host(), side)) else {
        guest.host().violate("a write to a buffer out of its phase");
        return Err(Status::BadArgument.into());
    };
    if start == 0 {
        let replaced = (length as usize).min(body.len());
        body.splice(..replaced, bytes);
        return Ok(());
    }
    if (start as usize) < body.len() {
        guest.host().violate("a write into the middle of a buffer");
        return Err(Status::BadArgument.into());
    }
    body.extend(bytes);
    Ok(())
}

fn content(host: &mut Host, buffer: u32) -> Result<Vec<u8>, Status> {
    match buffer {
        REQUEST_BODY | RESPONSE_BODY => {
            let body = side(buffer).and_then(|side| open_body(host, side)).map(|body| body.clone());
            if body.is_none() {
                host.violate("a body out of its phase");
            }
            Ok(body.unwrap_or_default())
        }
        VM_CONFIGURATION => Ok(Vec::new()),
        PLUGIN_CONFIGURATION if host.configuring => Ok(host.configuration.clone()),
        PLUGIN_CONFIGURATION => Err(Status::NotFound),
        _ if buffer < CALL_DATA => Err(Status::NotFound),
        _ => Err(Status::BadArgument),
    }
}

const fn side(buffer: u32) -> Option<Side> {
    match buffer {
        REQUEST_BODY => Some(Side::Request),
        RESPONSE_BODY => Some(Side::Response),
        _ => None,
    }
}

fn open_body(host: &mut Host, side: Side) -> Option<&mut Vec<u8>> {
    let flow = host.acting_stream()?.flow(side);
    flow.body_open.then_some(&mut flow.body)
}
