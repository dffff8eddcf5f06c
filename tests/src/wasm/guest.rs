//! The filter's memory as an import sees it. Every access is checked: a wild pointer of the filter is
//! a status, never a panic of the host.

use wasmtime::{Caller, Extern, Memory};

use super::exchange::Pair;
use super::host::Host;

/// The ABI's result codes, as far as this host gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    NotFound = 1,
    BadArgument = 2,
    InvalidMemoryAccess = 6,
    Empty = 7,
    CasMismatch = 8,
}

/// Why an import did not return `Ok`.
pub(super) enum Fault {
    Status(Status),
    Trap(wasmtime::Error),
}

impl From<Status> for Fault {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<wasmtime::Error> for Fault {
    fn from(error: wasmtime::Error) -> Self {
        Self::Trap(error)
    }
}

/// What every import returns before it becomes a number.
pub(super) type Outcome = Result<(), Fault>;

/// The number the filter gets, or the trap.
pub(super) fn answer(outcome: Outcome) -> wasmtime::Result<u32> {
    match outcome {
        Ok(()) => Ok(0),
        Err(Fault::Status(status)) => Ok(status as u32),
        Err(Fault::Trap(error)) => Err(error),
    }
}

/// The filter during one import.
pub(super) struct Guest<'a> {
    caller: Caller<'a, Host>,
    memory: Memory,
}

impl<'a> Guest<'a> {
    /// Counts the call.
    pub(super) fn enter(
        mut caller: Caller<'a, Host>,
        hostcall: &'static str,
    ) -> wasmtime::Result<Self> {
        caller.data_mut().enter(hostcall);
        let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
            wasmtime::bail!("the module exports no memory");
        };
        Ok(Self { caller, memory })
    }

    pub(super) fn host(&mut self) -> &mut Host {
        self.caller.data_mut()
    }

    pub(super) fn read(&self, at: u32, length: u32) -> Result<Vec<u8>, Fault> {
        let memory = self.memory.data(&self.caller);
        let from = at as usize;
        let bytes = from.checked_add(length as usize).and_then(|to| memory.get(from..to));
        Ok(bytes.ok_or(Status::InvalidMemoryAccess)?.to_vec())
    }

    pub(super) fn read_u32(&self, at: u32) -> Result<u32, Fault> {
        let bytes = self.read(at, 4)?;
        let bytes = <[u8; 4]>::try_from(bytes).map_err(|_| Status::InvalidMemoryAccess)?;
        Ok(u32::from_le_bytes(bytes))
    }

    pub(super) fn read_text(&self, at: u32, length: u32) -> Result<String, Fault> {
        Ok(String::from_utf8_lossy(&self.read(at, length)?).into_owned())
    }

    pub(super) fn write(&mut self, at: u32, bytes: &[u8]) -> Outcome {
        let from = at as usize;
        let memory = self.memory.data_mut(&mut self.caller);
        let room = from.checked_add(bytes.len()).and_then(|to| memory.get_mut(from..to));
        room.ok_or(Status::InvalidMemoryAccess)?.copy_from_slice(bytes);
        Ok(())
    }

    pub(super) fn write_u32(&mut self, at: u32, value: u32) -> Outcome {
        self.write(at, &value.to_le_bytes())
    }

    /// Hands bytes over in memory that the filter allocates; nothing at all is a null pointer.
    pub(super) fn give(&mut self, bytes: &[u8], pointer_at: u32, size_at: u32) -> Outcome {
        let size = u32::try_from(bytes.len()).map_err(|_| Status::InvalidMemoryAccess)?;
        let pointer = if size == 0 { 0 } else { self.allocate(size)? };
        self.write(pointer, bytes)?;
        self.write_u32(pointer_at, pointer)?;
        self.write_u32(size_at, size)
    }

    fn allocate(&mut self, size: u32) -> Result<u32, Fault> {
        let names = ["proxy_on_memory_allocate", "malloc"];
        let found = names.into_iter().find_map(|name| self.caller.get_export(name)?.into_func());
        let Some(function) = found else {
            return Err(wasmtime::format_err!("the module exports no allocator").into());
        };
        let function = function.typed::<u32, u32>(&self.caller)?;
        let pointer = function.call(&mut self.caller, size)?;
        if pointer == 0 { Err(Status::InvalidMemoryAccess.into()) } else { Ok(pointer) }
    }
}

/// The ABI's form of a header map: count, sizes, then names and values with a zero behind each.
pub(super) fn encode_pairs(pairs: &[Pair]) -> Vec<u8> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut out = u32::try_from(pairs.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
    for (name, value) in pairs {
        out.extend(length(name));
        out.extend(length(value));
    }
    for part in pairs.iter().flat_map(|(name, value)| [name, value]) {
        out.extend_from_slice(part);
        out.push(0);
    }
    out
}

/// The inverse of [`encode_pairs`]; nothing when the bytes contradict themselves.
pub(super) fn decode_pairs(bytes: &[u8]) -> Option<Vec<Pair>> {
    let word = |index: usize| {
        let at = index.checked_mul(4)?;
        let word = bytes.get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(word.try_into().ok()?) as usize)
    };
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let count = word(0)?;
    let mut at = count.checked_mul(8)?.checked_add(4)?;
    let mut take = |length: usize| {
        let end = at.checked_add(length)?;
        let part = bytes.get(at..end)?.to_vec();
        at = end.checked_add(1)?;
        Some(part)
    };
    (0..count)
        .map(|index| Some((take(word(1 + 2 * index)?)?, take(word(2 + 2 * index)?)?)))
        .collect()
}
