//! The table of imports. What is not in it traps when it is called, with its name.

use wasmtime::{Caller, ExternType, Linker, Module, Val};

use super::guest::{Guest, Status, answer};
use super::host::Host;
use super::profile::Strictness;
use super::{buffers, calls, maps, property, wasi};

macro_rules! imports {
    ($linker:ident, $module:literal, $answer:path; $($name:ident($($arg:ident: $kind:ty),*) => $body:expr;)*) => {
        $($linker.func_wrap($module, stringify!($name), |caller: Caller<'_, Host>, $($arg: $kind),*| {
            let mut guest = Guest::enter(caller, stringify!($name))?;
            $answer($body(&mut guest, $($arg),*))
        })?;)*
    };
}

/// Imports that exist and refuse: this host makes no calls of its own and knows no functions.
const REFUSED: [(&str, Status); 8] = [
    ("proxy_call_foreign_function", Status::NotFound),
    ("proxy_grpc_call", Status::BadArgument),
    ("proxy_grpc_cancel", Status::NotFound),
    ("proxy_grpc_close", Status::NotFound),
    ("proxy_grpc_send", Status::NotFound),
    ("proxy_grpc_stream", Status::BadArgument),
    ("proxy_http_call", Status::BadArgument),
    ("proxy_done", Status::NotFound),
];

/// Everything a module can import from this host; an error where the profile's host would not load it.
pub(super) fn link(
    linker: &mut Linker<Host>,
    module: &Module,
    strictness: &Strictness,
) -> wasmtime::Result<()> {
    if let Some(import) =
        module.imports().find(|import| strictness.missing_imports.contains(&import.name()))
    {
        wasmtime::bail!("this host has no import {}", import.name());
    }
    link_streams(linker)?;
    link_root(linker)?;
    link_wasi(linker)?;
    link_refused(linker, module)?;
    linker.define_unknown_imports_as_traps(module)
}

fn link_streams(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    imports! { linker, "env", answer;
        proxy_add_header_map_value(map: u32, k: u32, kl: u32, v: u32, vl: u32) => maps::add;
        proxy_close_stream(stream: u32) => calls::close_stream;
        proxy_continue_stream(stream: u32) => calls::continue_stream;
        proxy_get_buffer_bytes(buffer: u32, start: u32, most: u32, p: u32, s: u32) => buffers::get;
        proxy_get_buffer_status(buffer: u32, length: u32, flags: u32) => buffers::status;
        proxy_get_header_map_pairs(map: u32, p: u32, s: u32) => maps::get_pairs;
        proxy_get_header_map_size(map: u32, result: u32) => maps::byte_size;
        proxy_get_header_map_value(map: u32, k: u32, kl: u32, p: u32, s: u32) => maps::get_value;
        proxy_get_property(path: u32, l: u32, p: u32, s: u32) => property::get;
        proxy_remove_header_map_value(map: u32, k: u32, kl: u32) => maps::remove;
        proxy_replace_header_map_value(map: u32, k: u32, kl: u32, v: u32, vl: u32) => maps::replace;
        proxy_set_buffer_bytes(buffer: u32, start: u32, l: u32, d: u32, dl: u32) => buffers::set;
        proxy_set_effective_context(context: u32) => calls::effective_context;
        proxy_set_header_map_pairs(map: u32, d: u32, dl: u32) => maps::set_pairs;
        proxy_set_property(path: u32, l: u32, v: u32, vl: u32) => property::set;
        proxy_send_local_response(a: u32, b: u32, c: u32, d: u32, e: u32, f: u32, g: u32, h: i32) =>
            |guest: &mut Guest<'_>, a, b, c, d, e, f, g, h| calls::local_response(guest, (a, b, c, d, e, f, g, h));
    }
    Ok(())
}

fn link_root(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    imports! { linker, "env", answer;
        proxy_define_metric(kind: u32, n: u32, nl: u32, result: u32) => calls::define_metric;
        proxy_dequeue_shared_queue(queue: u32, p: u32, s: u32) => calls::dequeue;
        proxy_enqueue_shared_queue(queue: u32, d: u32, dl: u32) => calls::enqueue;
        proxy_get_current_time_nanoseconds(result: u32) => calls::now;
        proxy_get_log_level(result: u32) => calls::log_level;
        proxy_get_metric(metric: u32, result: u32) => calls::get_metric;
        proxy_get_shared_data(k: u32, kl: u32, p: u32, s: u32, cas: u32) => calls::get_shared;
        proxy_get_status(code: u32, p: u32, s: u32) => calls::status;
        proxy_increment_metric(metric: u32, offset: i64) => calls::increment_metric;
        proxy_log(level: u32, m: u32, ml: u32) => calls::log;
        proxy_record_metric(metric: u32, value: u64) => calls::record_metric;
        proxy_register_shared_queue(n: u32, nl: u32, result: u32) => calls::register_queue;
        proxy_resolve_shared_queue(v: u32, vl: u32, n: u32, nl: u32, result: u32) => calls::resolve_queue;
        proxy_set_shared_data(k: u32, kl: u32, v: u32, vl: u32, cas: u32) => calls::set_shared;
        proxy_set_tick_period_milliseconds(period: u32) => calls::tick_period;
    }
    Ok(())
}

fn link_wasi(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    imports! { linker, "wasi_snapshot_preview1", wasi::answer;
        args_get(array: u32, buffer: u32) => wasi::args;
        args_sizes_get(count: u32, size: u32) => wasi::args_sizes;
        clock_time_get(clock: u32, precision: u64, result: u32) => wasi::clock_time;
        environ_get(array: u32, buffer: u32) => wasi::environ;
        environ_sizes_get(count: u32, size: u32) => wasi::environ_sizes;
        fd_close(file: u32) => wasi::close;
        fd_fdstat_get(file: u32, at: u32) => wasi::fdstat;
        fd_seek(file: u32, offset: i64, whence: u32, result: u32) => wasi::seek;
        fd_write(file: u32, vectors: u32, count: u32, written: u32) => wasi::write;
        random_get(at: u32, length: u32) => wasi::random;
        sched_yield() => wasi::yield_now;
    }
    linker.func_wrap(
        "wasi_snapshot_preview1",
        "proc_exit",
        |code: i32| -> wasmtime::Result<()> { wasmtime::bail!("proc_exit({code})") },
    )?;
    Ok(())
}

/// Their shapes are taken from the module: they never look at an argument.
fn link_refused(linker: &mut Linker<Host>, module: &Module) -> wasmtime::Result<()> {
    for import in module.imports().filter(|import| import.module() == "env") {
        let found = REFUSED.into_iter().find(|(name, _)| *name == import.name());
        let (Some((name, status)), ExternType::Func(shape)) = (found, import.ty()) else {
            continue;
        };
        linker.func_new("env", name, shape, move |mut caller, _, results| {
            caller.data_mut().enter(name);
            if let Some(result) = results.first_mut() {
                *result = Val::I32(status as i32);
            }
            Ok(())
        })?;
    }
    Ok(())
}
