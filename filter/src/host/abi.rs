//! The proxy-wasm ABI 0.2.1, thinly. Our own externs, because the SDK's wrappers panic on every status that they do not
//! expect, and one panic is an outage. Invariant: memory that the host hands over is freed exactly once, here.
#![expect(
    unsafe_code,
    reason = "foreign functions of the host; every pointer is used in this file only"
)]

use alloc::alloc::{Layout, alloc};
use alloc::vec;
use alloc::vec::Vec;
use core::ptr;

use contract::edge::Headers;

/// The host refused a call; the number is its status.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostFault(pub(crate) u32);

const OK: u32 = 0;
const NOT_FOUND: u32 = 1;
const EMPTY: u32 = 7;
/// What the host gave cannot be what was asked for.
pub(crate) const MALFORMED: HostFault = HostFault(u32::MAX);

#[derive(Clone, Copy)]
pub(super) enum Map {
    RequestHeaders = 0,
    RequestTrailers = 1,
    ResponseHeaders = 2,
}

#[derive(Clone, Copy)]
pub(super) enum Buffer {
    RequestBody = 0,
    ResponseBody = 1,
    PluginConfiguration = 7,
}

/// What a metric does with its values. Gauges trap in some hosts.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Counter = 0,
    Histogram = 2,
}

/// The level of a log line.
#[derive(Clone, Copy)]
pub(crate) enum Level {
    Warn = 3,
    Error = 4,
    Critical = 5,
}

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: u32, text: *const u8, size: usize) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_get_buffer_bytes(
        buffer: u32,
        start: usize,
        max: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_buffer_bytes(
        buffer: u32,
        start: usize,
        replaced: usize,
        data: *const u8,
        size: usize,
    ) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_set_header_map_pairs(map: u32, data: *const u8, size: usize) -> u32;
    fn proxy_remove_header_map_value(map: u32, name: *const u8, size: usize) -> u32;
    fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_property(path: *const u8, path_size: usize, data: *const u8, size: usize) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, size: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    fn proxy_record_metric(id: u32, value: u64) -> u32;
}

// The target's `memcmp`; without std nobody else asks for it.
#[link(name = "c")]
unsafe extern "C" {}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn environ_get(places: *mut *mut u8, texts: *mut u8) -> u32;
    fn environ_sizes_get(count: *mut usize, size: *mut usize) -> u32;
    fn random_get(bytes: *mut u8, size: usize) -> u32;
}

/// The host asks for room for what it hands over: a boxed slice, or null when there is no room.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    match Layout::array::<u8>(size) {
        Ok(layout) if size > 0 => unsafe { alloc(layout) },
        _ => ptr::null_mut(),
    }
}

pub(crate) fn log(level: Level, text: &str) {
    // A host that cannot log has nobody to tell.
    let _ = unsafe { proxy_log(level as u32, text.as_ptr(), text.len()) };
}

pub(super) fn nanoseconds() -> Result<u64, HostFault> {
    let mut time = 0;
    check(unsafe { proxy_get_current_time_nanoseconds(&raw mut time) })?;
    Ok(time)
}

/// At most `max` bytes of a buffer; one that is not there is empty.
pub(super) fn buffer(buffer: Buffer, max: usize) -> Result<Vec<u8>, HostFault> {
    take(|data, size| unsafe { proxy_get_buffer_bytes(buffer as u32, 0, max, data, size) })
}

/// Puts `body` in the place of all that is buffered.
pub(super) fn replace(buffer: Buffer, body: &[u8]) -> Result<(), HostFault> {
    check(unsafe {
        proxy_set_buffer_bytes(buffer as u32, 0, usize::MAX, body.as_ptr(), body.len())
    })
}

pub(super) fn map(map: Map) -> Result<Headers, HostFault> {
    let bytes = take(|data, size| unsafe { proxy_get_header_map_pairs(map as u32, data, size) })?;
    read_pairs(&bytes).ok_or(MALFORMED)
}

pub(super) fn set_map(map: Map, pairs: &[(&[u8], &[u8])]) -> Result<(), HostFault> {
    let bytes = write_pairs(pairs)?;
    check(unsafe { proxy_set_header_map_pairs(map as u32, bytes.as_ptr(), bytes.len()) })
}

pub(super) fn remove(map: Map, name: &[u8]) -> Result<(), HostFault> {
    check(unsafe { proxy_remove_header_map_value(map as u32, name.as_ptr(), name.len()) })
}

/// The parts of a path have a NUL between them.
pub(super) fn property(path: &str) -> Result<Vec<u8>, HostFault> {
    take(|data, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) })
}

pub(super) fn set_property(name: &str, value: &[u8]) -> Result<(), HostFault> {
    check(unsafe { proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
}

pub(super) fn send_local_response(
    status: u16,
    headers: &[(&[u8], &[u8])],
    body: &[u8],
) -> Result<(), HostFault> {
    let headers = write_pairs(headers)?;
    check(unsafe {
        proxy_send_local_response(
            u32::from(status),
            ptr::null(),
            0,
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            -1,
        )
    })
}

pub(super) fn define_metric(kind: Kind, name: &str) -> Result<u32, HostFault> {
    let mut id = 0;
    check(unsafe { proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &raw mut id) })?;
    Ok(id)
}

pub(super) fn increment(counter: u32) -> Result<(), HostFault> {
    check(unsafe { proxy_increment_metric(counter, 1) })
}

pub(super) fn record(histogram: u32, value: u64) -> Result<(), HostFault> {
    check(unsafe { proxy_record_metric(histogram, value) })
}

pub(super) fn fill_random(bytes: &mut [u8]) -> Result<(), HostFault> {
    check(unsafe { random_get(bytes.as_mut_ptr(), bytes.len()) })
}

/// The variables that the host shows, `name=value`, with a NUL behind each.
pub(super) fn environment() -> Result<Vec<u8>, HostFault> {
    let (mut count, mut size) = (0, 0);
    check(unsafe { environ_sizes_get(&raw mut count, &raw mut size) })?;
    let (mut places, mut texts) = (vec![ptr::null_mut(); count], vec![0; size]);
    check(unsafe { environ_get(places.as_mut_ptr(), texts.as_mut_ptr()) })?;
    Ok(texts)
}

fn check(status: u32) -> Result<(), HostFault> {
    if status == OK { Ok(()) } else { Err(HostFault(status)) }
}

/// Takes over what the host allocated in our memory for an answer.
fn take(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Result<Vec<u8>, HostFault> {
    let mut data: *mut u8 = ptr::null_mut();
    let mut size = 0;
    match call(&raw mut data, &raw mut size) {
        OK if data.is_null() => Ok(Vec::new()),
        // The host allocated `size` bytes by `proxy_on_memory_allocate`, a boxed slice, and gave it up to us.
        OK => Ok(unsafe { Vec::from_raw_parts(data, size, size) }),
        NOT_FOUND | EMPTY => Ok(Vec::new()),
        status => Err(HostFault(status)),
    }
}

/// A map on the wire: count, then the two sizes of each pair, then names and values with a NUL behind each.
fn read_pairs(bytes: &[u8]) -> Option<Headers> {
    if bytes.is_empty() {
        return Some(Headers::default());
    }
    let (count, mut sizes) = read_size(bytes)?;
    let mut data = sizes.get(count.checked_mul(8)?..)?;
    let mut headers = Headers::with_capacity(count, data.len());
    for _ in 0..count {
        let (name, after) = read_size(sizes)?;
        let (value, after) = read_size(after)?;
        sizes = after;
        headers.push(read_text(&mut data, name)?, read_text(&mut data, value)?);
    }
    Some(headers)
}

fn read_size(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (size, rest) = bytes.split_first_chunk()?;
    Some((usize::try_from(u32::from_le_bytes(*size)).ok()?, rest))
}

fn read_text<'d>(data: &mut &'d [u8], size: usize) -> Option<&'d [u8]> {
    let (text, rest) = data.split_at_checked(size)?;
    *data = rest.get(1..)?;
    Some(text)
}

fn write_pairs(pairs: &[(&[u8], &[u8])]) -> Result<Vec<u8>, HostFault> {
    let size = |length: usize| u32::try_from(length).map(u32::to_le_bytes).map_err(|_| MALFORMED);
    let texts = pairs.iter().map(|(name, value)| name.len() + value.len() + 10);
    let mut bytes = Vec::with_capacity(4 + texts.sum::<usize>());
    bytes.extend(size(pairs.len())?);
    for (name, value) in pairs {
        bytes.extend(size(name.len())?);
        bytes.extend(size(value.len())?);
    }
    for (name, value) in pairs {
        bytes.extend_from_slice(name);
        bytes.push(0);
        bytes.extend_from_slice(value);
        bytes.push(0);
    }
    Ok(bytes)
}
