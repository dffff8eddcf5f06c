//! What the host calls: ABI 0.2.1, as far as a filter of HTTP requests has it. Our own, because the SDK's dispatcher
//! panics where a host errs. Invariant: no callback panics; a request of an unknown stream is refused.
#![expect(unsafe_code, reason = "exported names, and one static for one thread")]

use alloc::boxed::Box;
use core::cell::RefCell;

use crate::http_context::{Action, Http, refuse_blindly};
use crate::metrics::Timed;
use crate::vm::Vm;

struct OneThread(RefCell<Vm>);

/// A wasm module without threads is entered by one thread at a time.
unsafe impl Sync for OneThread {}

static VM: OneThread = OneThread(RefCell::new(Vm::new()));

/// `None` when the VM is lent already, which it never is while the host is called.
fn with_vm<T>(act: impl FnOnce(&mut Vm) -> T) -> Option<T> {
    VM.0.try_borrow_mut().ok().map(|mut vm| act(&mut vm))
}

/// One function for all callbacks: the module is to be small.
fn with_stream(id: u32, act: &mut dyn FnMut(&mut Http) -> Action) -> Option<Action> {
    let mut stream: Box<Timed> = with_vm(|vm| vm.take_stream(id))??;
    let began = stream.begin();
    let action = act(&mut stream.http);
    stream.end(began);
    with_vm(|vm| vm.give_stream(id, stream));
    Some(action)
}

fn on_request(id: u32, act: &mut dyn FnMut(&mut Http) -> Action) -> u32 {
    with_stream(id, act).unwrap_or_else(refuse_blindly) as u32
}

/// A reply of our own may come back while its request is still at work: it is complete already.
fn on_response(id: u32, act: &mut dyn FnMut(&mut Http) -> Action) -> u32 {
    with_stream(id, act).unwrap_or(Action::Continue) as u32
}

#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

#[unsafe(no_mangle)]
extern "C" fn _initialize() {}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(id: u32, parent: u32) {
    with_vm(|vm| vm.create(id, parent));
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_vm_start(_root: u32, _size: u32) -> u32 {
    1
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(root: u32, _size: u32) -> u32 {
    let is_good = with_vm(|vm| vm.root(root).is_some_and(|root| root.on_configure()));
    u32::from(is_good.unwrap_or(false))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(id: u32, _count: u32, is_whole: u32) -> u32 {
    on_request(id, &mut |http| http.on_request_headers(is_whole != 0))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_body(id: u32, size: usize, is_whole: u32) -> u32 {
    on_request(id, &mut |http| http.on_request_body(size, is_whole != 0))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_trailers(id: u32, _count: u32) -> u32 {
    on_request(id, &mut Http::on_request_trailers)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_headers(id: u32, _count: u32, is_whole: u32) -> u32 {
    on_response(id, &mut |http| http.on_response_headers(is_whole != 0))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_body(id: u32, size: usize, is_whole: u32) -> u32 {
    on_response(id, &mut |http| http.on_response_body(size, is_whole != 0))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_trailers(id: u32, _count: u32) -> u32 {
    on_response(id, &mut Http::on_response_trailers)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_done(_id: u32) -> u32 {
    1
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_log(_id: u32) {}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_delete(id: u32) {
    with_vm(|vm| vm.delete(id));
}
