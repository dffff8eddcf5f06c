//! The imports that are neither maps nor buffers nor properties: replies, log, clock, metrics,
//! shared data and queues.

use std::collections::VecDeque;

use super::guest::{Guest, Outcome, Status, decode_pairs};
use super::host::{LocalReply, Metric, MetricKind, ROOT};
use super::maps;

const LAST_LOG_LEVEL: u32 = 5;
const LAST_STREAM: u32 = 3;

pub(super) fn log(guest: &mut Guest<'_>, level: u32, at: u32, length: u32) -> Outcome {
    if level > LAST_LOG_LEVEL {
        return Err(Status::BadArgument.into());
    }
    let text = guest.read_text(at, length)?;
    guest.host().log(level, &text);
    Ok(())
}

/// Trace: everything is kept.
pub(super) fn log_level(guest: &mut Guest<'_>, result: u32) -> Outcome {
    guest.write_u32(result, 0)
}

pub(super) fn now(guest: &mut Guest<'_>, result: u32) -> Outcome {
    let now = guest.host().now;
    guest.write(result, &now.to_le_bytes())
}

pub(super) fn tick_period(guest: &mut Guest<'_>, milliseconds: u32) -> Outcome {
    guest.host().tick_period = milliseconds;
    Ok(())
}

pub(super) fn status(guest: &mut Guest<'_>, code: u32, pointer: u32, size: u32) -> Outcome {
    guest.write_u32(code, 0)?;
    guest.give(b"", pointer, size)
}

pub(super) fn effective_context(guest: &mut Guest<'_>, context: u32) -> Outcome {
    let host = guest.host();
    let known = context == ROOT || host.stream.as_ref().is_some_and(|stream| stream.id == context);
    if !known {
        host.violate("a context that does not exist");
        return Err(Status::BadArgument.into());
    }
    host.active = context;
    Ok(())
}

/// Wakes a paused stream; the request's headers are closed at once, whichever direction it was.
pub(super) fn continue_stream(guest: &mut Guest<'_>, stream: u32) -> Outcome {
    if stream > LAST_STREAM {
        return Err(Status::BadArgument.into());
    }
    if let Some(stream) = guest.host().acting_stream() {
        stream.resumed = true;
        stream.request.headers_open = false;
    }
    Ok(())
}

pub(super) fn close_stream(guest: &mut Guest<'_>, stream: u32) -> Outcome {
    if stream > LAST_STREAM {
        return Err(Status::BadArgument.into());
    }
    if let Some(stream) = guest.host().acting_stream() {
        stream.closed = true;
    }
    Ok(())
}

/// The arguments of `proxy_send_local_response`, as they come.
pub(super) type ReplyArguments = (u32, u32, u32, u32, u32, u32, u32, i32);

/// Kept until the callback is over. The first reply of a stream wins, the details of the last.
pub(super) fn local_response(guest: &mut Guest<'_>, arguments: ReplyArguments) -> Outcome {
    let (status, details, details_size, body, body_size, headers, headers_size, _grpc) = arguments;
    let code_details = guest.read_text(details, details_size)?.replace(char::is_whitespace, "_");
    let body = guest.read(body, body_size)?;
    let pairs = decode_pairs(&guest.read(headers, headers_size)?);
    let host = guest.host();
    if pairs.is_none() {
        host.violate("a header map that contradicts itself");
    }
    let headers = pairs.unwrap_or_default().into_iter();
    let headers = headers.map(|(name, value)| maps::checked(host, &name, value)).collect();
    let status = u16::try_from(status)
        .ok()
        .filter(|status| (200..600).contains(status))
        .unwrap_or_else(|| {
            host.violate("a local reply with an impossible status");
            500
        });
    let Some(stream) = host.acting_stream() else {
        host.violate("a local reply without a stream");
        return Ok(());
    };
    stream.code_details = Some(code_details);
    match &stream.reply {
        None => stream.reply = Some(LocalReply { status, headers, body, by_filter: true }),
        Some(first) if first.by_filter => host.violate("a second local reply"),
        Some(_) => {}
    }
    Ok(())
}

pub(super) fn define_metric(
    guest: &mut Guest<'_>,
    kind: u32,
    name: u32,
    length: u32,
    result: u32,
) -> Outcome {
    let name = guest.read_text(name, length)?;
    let kind = match kind {
        0 => MetricKind::Counter,
        1 => MetricKind::Gauge,
        2 => MetricKind::Histogram,
        _ => return Err(Status::BadArgument.into()),
    };
    let metrics = &mut guest.host().metrics;
    let known = metrics.iter().position(|metric| metric.name == name && metric.kind == kind);
    let index = known.unwrap_or(metrics.len());
    if known.is_none() {
        metrics.push(Metric { name, kind, value: 0 });
    }
    guest.write_u32(result, u32::try_from(index).unwrap_or(u32::MAX))
}

pub(super) fn increment_metric(guest: &mut Guest<'_>, metric: u32, offset: i64) -> Outcome {
    let host = guest.host();
    let gauges_trap = host.strictness.gauges_trap;
    let metric = metric_of(&mut host.metrics, metric)?;
    match metric.kind {
        MetricKind::Gauge if gauges_trap => {
            return Err(wasmtime::format_err!("a gauge was incremented").into());
        }
        MetricKind::Counter if offset > 0 => {
            metric.value = metric.value.wrapping_add_signed(offset)
        }
        MetricKind::Gauge => metric.value = metric.value.wrapping_add_signed(offset),
        MetricKind::Counter | MetricKind::Histogram => return Err(Status::BadArgument.into()),
    }
    Ok(())
}

pub(super) fn record_metric(guest: &mut Guest<'_>, metric: u32, value: u64) -> Outcome {
    let metric = metric_of(&mut guest.host().metrics, metric)?;
    metric.value =
        if metric.kind == MetricKind::Counter { metric.value.wrapping_add(value) } else { value };
    Ok(())
}

pub(super) fn get_metric(guest: &mut Guest<'_>, metric: u32, result: u32) -> Outcome {
    let value = metric_of(&mut guest.host().metrics, metric)?.value;
    guest.write(result, &value.to_le_bytes())
}

fn metric_of(metrics: &mut [Metric], id: u32) -> Result<&mut Metric, Status> {
    metrics.get_mut(id as usize).ok_or(Status::NotFound)
}

pub(super) fn get_shared(
    guest: &mut Guest<'_>,
    key: u32,
    length: u32,
    pointer: u32,
    size: u32,
    cas: u32,
) -> Outcome {
    let key = guest.read(key, length)?;
    let (value, version) = guest.host().shared.get(&key).cloned().ok_or(Status::NotFound)?;
    guest.give(&value, pointer, size)?;
    guest.write_u32(cas, version)
}

/// `cas` 0 writes in any case.
pub(super) fn set_shared(
    guest: &mut Guest<'_>,
    key: u32,
    length: u32,
    value: u32,
    size: u32,
    cas: u32,
) -> Outcome {
    let key = guest.read(key, length)?;
    let value = guest.read(value, size)?;
    let entry = guest.host().shared.entry(key).or_default();
    if cas != 0 && entry.1 != 0 && cas != entry.1 {
        return Err(Status::CasMismatch.into());
    }
    *entry = (value, entry.1 + 1);
    Ok(())
}

pub(super) fn register_queue(
    guest: &mut Guest<'_>,
    name: u32,
    length: u32,
    result: u32,
) -> Outcome {
    let name = guest.read(name, length)?;
    let queues = &mut guest.host().queues;
    let known = queues.iter().position(|(known, _)| *known == name);
    let index = known.unwrap_or(queues.len());
    if known.is_none() {
        queues.push((name, VecDeque::new()));
    }
    guest.write_u32(result, u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1))
}

/// The name of the VM is not looked at: there is one.
pub(super) fn resolve_queue(
    guest: &mut Guest<'_>,
    _vm: u32,
    _size: u32,
    name: u32,
    length: u32,
    result: u32,
) -> Outcome {
    let name = guest.read(name, length)?;
    let index =
        guest.host().queues.iter().position(|(known, _)| *known == name).ok_or(Status::NotFound)?;
    guest.write_u32(result, u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1))
}

pub(super) fn enqueue(guest: &mut Guest<'_>, queue: u32, at: u32, length: u32) -> Outcome {
    let value = guest.read(at, length)?;
    let queue = queue_of(&mut guest.host().queues, queue)?;
    queue.push_back(value);
    Ok(())
}

pub(super) fn dequeue(guest: &mut Guest<'_>, queue: u32, pointer: u32, size: u32) -> Outcome {
    let value = queue_of(&mut guest.host().queues, queue)?.pop_front().ok_or(Status::Empty)?;
    guest.give(&value, pointer, size)
}

type Queue = (Vec<u8>, VecDeque<Vec<u8>>);

fn queue_of(queues: &mut [Queue], id: u32) -> Result<&mut VecDeque<Vec<u8>>, Status> {
    let index = id.checked_sub(1).ok_or(Status::NotFound)?;
    queues.get_mut(index as usize).map(|(_, queue)| queue).ok_or(Status::NotFound)
}
