//! What the filter imports, answered without a question.

use wasmtime::{Caller, Error, Linker, Result};

use super::{Host, Text};
use crate::pen::now;

type At<'c> = Caller<'c, Host>;

const OK: u32 = 0;
const NOT_FOUND: u32 = 1;

pub(super) fn link(linker: &mut Linker<Host>) -> Result<()> {
    let env = "env";
    linker.func_wrap(env, "proxy_define_metric", define_metric)?;
    linker.func_wrap(env, "proxy_get_buffer_bytes", get_buffer)?;
    linker.func_wrap(env, "proxy_get_current_time_nanoseconds", |mut at: At<'_>, to: u32| {
        clock(&mut at, to)
    })?;
    linker.func_wrap(env, "proxy_get_header_map_pairs", get_map)?;
    linker.func_wrap(env, "proxy_get_property", get_property)?;
    linker.func_wrap(env, "proxy_increment_metric", |_: u32, _: i64| OK)?;
    linker.func_wrap(env, "proxy_log", log)?;
    linker.func_wrap(env, "proxy_record_metric", |_: u32, _: u64| OK)?;
    linker.func_wrap(env, "proxy_send_local_response", reply)?;
    linker.func_wrap(env, "proxy_set_buffer_bytes", set_buffer)?;
    linker.func_wrap(env, "proxy_set_header_map_pairs", set_map)?;
    linker.func_wrap(env, "proxy_set_property", |_: u32, _: u32, _: u32, _: u32| OK)?;
    let wasi = "wasi_snapshot_preview1";
    linker.func_wrap(wasi, "clock_time_get", |mut at: At<'_>, _: u32, _: u64, to: u32| {
        clock(&mut at, to)
    })?;
    linker.func_wrap(wasi, "environ_get", |_: u32, _: u32| OK)?;
    linker.func_wrap(wasi, "environ_sizes_get", no_environment)?;
    linker.func_wrap(wasi, "random_get", random)?;
    Ok(())
}

fn define_metric(mut at: At<'_>, _kind: u32, _name: u32, _size: u32, to: u32) -> Result<u32> {
    at.data_mut().metrics += 1;
    let id = at.data().metrics;
    write(&mut at, to, &id.to_le_bytes())
}

fn get_buffer(
    mut at: At<'_>,
    which: u32,
    _from: u32,
    most: u32,
    data: u32,
    size: u32,
) -> Result<u32> {
    let host = at.data();
    let bytes = match which {
        0 => &host.traffic.request_body,
        1 => &host.traffic.response_body,
        _ => &host.configuration,
    };
    let bytes = bytes.get(..most as usize).unwrap_or(bytes).to_vec();
    give(&mut at, &bytes, data, size)
}

fn set_buffer(
    mut at: At<'_>,
    which: u32,
    _from: u32,
    _old: u32,
    data: u32,
    size: u32,
) -> Result<u32> {
    let bytes = read(&at, data, size)?.to_vec();
    let traffic = &mut at.data_mut().traffic;
    match which {
        0 => traffic.request_body = bytes,
        _ => traffic.response_body = bytes,
    }
    Ok(OK)
}

fn get_map(mut at: At<'_>, map: u32, data: u32, size: u32) -> Result<u32> {
    let traffic = &at.data().traffic;
    let bytes = if map == 0 { &traffic.request } else { &traffic.response }.clone();
    give(&mut at, &bytes, data, size)
}

fn set_map(mut at: At<'_>, map: u32, data: u32, size: u32) -> Result<u32> {
    let bytes = read(&at, data, size)?.to_vec();
    let traffic = &mut at.data_mut().traffic;
    match map {
        0 => traffic.request = bytes,
        _ => traffic.response = bytes,
    }
    Ok(OK)
}

fn get_property(mut at: At<'_>, path: u32, length: u32, data: u32, size: u32) -> Result<u32> {
    let value: &[u8] = match read(&at, path, length)?.rsplit(|byte| *byte == 0).next() {
        Some(b"address") => b"203.0.113.7:40000",
        Some(b"code_details") => b"via_upstream",
        _ => return Ok(NOT_FOUND),
    };
    give(&mut at, value, data, size)
}

#[expect(clippy::too_many_arguments, reason = "the ABI's")]
fn reply(
    mut at: At<'_>,
    status: u32,
    _details: u32,
    _details_size: u32,
    body: u32,
    size: u32,
    _headers: u32,
    _headers_size: u32,
    _grpc: i32,
) -> Result<u32> {
    let body = read(&at, body, size)?.to_vec();
    let traffic = &mut at.data_mut().traffic;
    (traffic.replied, traffic.response_body) = (Some(status), body);
    Ok(OK)
}

fn log(mut at: At<'_>, _level: u32, text: u32, size: u32) -> Result<u32> {
    let line = String::from_utf8_lossy(read(&at, text, size)?).into_owned();
    at.data_mut().log.push(line);
    Ok(OK)
}

fn clock(at: &mut At<'_>, to: u32) -> Result<u32> {
    write(at, to, &now().wrapping_mul(1_000_000_000).to_le_bytes())
}

/// Another one for each call; nobody looks whether it can be guessed.
fn random(mut at: At<'_>, to: u32, size: u32) -> Result<u32> {
    at.data_mut().random += 1;
    let drawn = at.data().random.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
    let bytes: Text = drawn.into_iter().cycle().take(size as usize).collect();
    write(&mut at, to, &bytes)
}

fn no_environment(mut at: At<'_>, count: u32, size: u32) -> Result<u32> {
    write(&mut at, count, &[0; 4])?;
    write(&mut at, size, &[0; 4])
}

/// Puts bytes into room that the filter makes.
fn give(at: &mut At<'_>, bytes: &[u8], data: u32, size: u32) -> Result<u32> {
    let allocate = at.data_mut().allocate.take().ok_or_else(|| Error::msg("no allocator"))?;
    let length = u32::try_from(bytes.len())?;
    let place = if length == 0 { 0 } else { allocate.call(&mut *at, length)? };
    at.data_mut().allocate = Some(allocate);
    write(at, place, bytes)?;
    write(at, data, &place.to_le_bytes())?;
    write(at, size, &length.to_le_bytes())
}

fn read<'m>(at: &'m At<'_>, from: u32, size: u32) -> Result<&'m [u8]> {
    let memory = at.data().memory.ok_or_else(|| Error::msg("no memory"))?;
    let bytes = memory.data(at).get(from as usize..).and_then(|bytes| bytes.get(..size as usize));
    bytes.ok_or_else(|| Error::msg("a wild pointer"))
}

fn write(at: &mut At<'_>, to: u32, bytes: &[u8]) -> Result<u32> {
    let memory = at.data().memory.ok_or_else(|| Error::msg("no memory"))?;
    memory.write(at, to as usize, bytes)?;
    Ok(OK)
}
