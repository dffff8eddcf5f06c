//! Rekey's filter for proxy-wasm hosts: callbacks in, `contract::edge` decides, hostcalls out.
//! Invariant: nothing here panics on anything that a client, a proxy or a sidecar can send. There is no std: what prints
//! and unwinds panics is not in the module, and a bug ends in one line and a trap.
#![no_std]

extern crate alloc;

mod exports;
mod head;
mod host;
mod http_context;
mod metrics;
mod root_context;
mod vm;

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[panic_handler]
fn on_panic(_: &core::panic::PanicInfo<'_>) -> ! {
    host::log(
        host::Level::Critical,
        "rekey: the filter panicked, which is a bug: please report it",
    );
    core::arch::wasm32::unreachable()
}
