//! The part of WASI that Rust's std asks for, answered as Envoy answers it: there are no files, no
//! arguments, one clock, and what is written to standard output or error is logged.

use super::guest::{Fault, Guest};

/// WASI's error numbers, as far as they are given.
const BAD_FILE: u32 = 8;
const FAULT: u32 = 21;
const NOT_SUPPORTED: u32 = 58;

const REALTIME: u32 = 0;
const LOG_INFO: u32 = 2;
const LOG_ERROR: u32 = 4;

/// What every import here returns before it becomes a number.
pub(super) type Outcome = Result<(), Errno>;

pub(super) enum Errno {
    Number(u32),
    Trap(wasmtime::Error),
}

impl From<Fault> for Errno {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Status(_) => Self::Number(FAULT),
            Fault::Trap(error) => Self::Trap(error),
        }
    }
}

pub(super) fn answer(outcome: Outcome) -> wasmtime::Result<u32> {
    match outcome {
        Ok(()) => Ok(0),
        Err(Errno::Number(number)) => Ok(number),
        Err(Errno::Trap(error)) => Err(error),
    }
}

pub(super) fn clock_time(
    guest: &mut Guest<'_>,
    clock: u32,
    _precision: u64,
    result: u32,
) -> Outcome {
    if clock != REALTIME {
        return Err(Errno::Number(NOT_SUPPORTED));
    }
    let now = guest.host().now;
    Ok(guest.write(result, &now.to_le_bytes())?)
}

pub(super) fn random(guest: &mut Guest<'_>, at: u32, length: u32) -> Outcome {
    let mut bytes = Vec::new();
    while bytes.len() < length as usize {
        bytes.extend(guest.host().next_random().to_le_bytes());
    }
    bytes.truncate(length as usize);
    Ok(guest.write(at, &bytes)?)
}

pub(super) fn environ_sizes(guest: &mut Guest<'_>, count: u32, size: u32) -> Outcome {
    let entries = environment(guest);
    let bytes: usize = entries.iter().map(Vec::len).sum();
    guest.write_u32(count, u32::try_from(entries.len()).unwrap_or(u32::MAX))?;
    Ok(guest.write_u32(size, u32::try_from(bytes).unwrap_or(u32::MAX))?)
}

pub(super) fn environ(guest: &mut Guest<'_>, mut array: u32, mut buffer: u32) -> Outcome {
    for entry in environment(guest) {
        guest.write_u32(array, buffer)?;
        guest.write(buffer, &entry)?;
        array = array.saturating_add(4);
        buffer = buffer.saturating_add(u32::try_from(entry.len()).unwrap_or(u32::MAX));
    }
    Ok(())
}

fn environment(guest: &mut Guest<'_>) -> Vec<Vec<u8>> {
    let entries = guest.host().environment.iter();
    entries.map(|(name, value)| format!("{name}={value}\0").into_bytes()).collect()
}

pub(super) fn args_sizes(guest: &mut Guest<'_>, count: u32, size: u32) -> Outcome {
    guest.write_u32(count, 0)?;
    Ok(guest.write_u32(size, 0)?)
}

pub(super) fn args(_guest: &mut Guest<'_>, _array: u32, _buffer: u32) -> Outcome {
    Ok(())
}

pub(super) fn write(
    guest: &mut Guest<'_>,
    file: u32,
    vectors: u32,
    count: u32,
    written: u32,
) -> Outcome {
    let level = match file {
        1 => LOG_INFO,
        2 => LOG_ERROR,
        _ => return Err(Errno::Number(BAD_FILE)),
    };
    let mut text = Vec::new();
    for index in 0..count {
        let at = vectors.saturating_add(index.saturating_mul(8));
        let (from, length) = (guest.read_u32(at)?, guest.read_u32(at.saturating_add(4))?);
        text.extend(guest.read(from, length)?);
    }
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let line = String::from_utf8_lossy(&text);
    guest.host().log(level, line.strip_suffix('\n').unwrap_or(&line));
    Ok(guest.write_u32(written, length)?)
}

pub(super) fn close(_guest: &mut Guest<'_>, _file: u32) -> Outcome {
    Ok(())
}

pub(super) fn seek(
    _guest: &mut Guest<'_>,
    _file: u32,
    _offset: i64,
    _whence: u32,
    _result: u32,
) -> Outcome {
    Ok(())
}

pub(super) fn fdstat(guest: &mut Guest<'_>, file: u32, at: u32) -> Outcome {
    if file != 1 && file != 2 {
        return Err(Errno::Number(BAD_FILE));
    }
    let mut stat = [0; 24];
    stat[8] = 64;
    Ok(guest.write(at, &stat)?)
}

pub(super) fn yield_now(_guest: &mut Guest<'_>) -> Outcome {
    Ok(())
}
