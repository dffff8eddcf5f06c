//! A bare wasmtime host: the filter's imports and nothing else, each as short as it can be. It checks nothing; what a strict
//! host finds is the tests' matter. Invariant: one exchange at a time.

mod imports;

use std::path::Path;

use wasmtime::{Engine, Instance, Linker, Memory, Module, Store, TypedFunc};

use crate::fault::{Benched, fault};

type Text = Vec<u8>;

/// What one exchange has, and what the filter left of it. Maps are as the ABI has them on the wire, so that this host has
/// nothing to do with them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) request: Text,
    pub(crate) request_body: Text,
    pub(crate) response: Text,
    pub(crate) response_body: Text,
    /// The status of a local reply.
    pub(crate) replied: Option<u32>,
}

#[derive(Default)]
struct Host {
    configuration: Text,
    traffic: Traffic,
    memory: Option<Memory>,
    allocate: Option<TypedFunc<u32, u32>>,
    random: u64,
    metrics: u32,
    log: Vec<String>,
}

/// The filter, configured.
pub(crate) struct Vm {
    store: Store<Host>,
    calls: Calls,
    next: u32,
}

struct Calls {
    create: TypedFunc<(u32, u32), ()>,
    request_headers: TypedFunc<(u32, u32, u32), u32>,
    request_body: TypedFunc<(u32, u32, u32), u32>,
    response_headers: TypedFunc<(u32, u32, u32), u32>,
    response_body: TypedFunc<(u32, u32, u32), u32>,
    done: TypedFunc<u32, u32>,
    log: TypedFunc<u32, ()>,
    delete: TypedFunc<u32, ()>,
}

const ROOT: u32 = 1;

impl Vm {
    pub(crate) fn start(wasm: &Path, configuration: &str) -> Benched<Self> {
        let engine = Engine::default();
        let module = Module::from_file(&engine, wasm).map_err(|error| told(&error))?;
        let mut linker = Linker::new(&engine);
        imports::link(&mut linker).map_err(|error| told(&error))?;
        linker.define_unknown_imports_as_traps(&module).map_err(|error| told(&error))?;
        let host = Host { configuration: configuration.into(), ..Host::default() };
        let mut store = Store::new(&engine, host);
        let instance = linker.instantiate(&mut store, &module).map_err(|error| told(&error))?;
        let allocate = instance
            .get_typed_func(&mut store, "proxy_on_memory_allocate")
            .map_err(|error| told(&error))?;
        let memory = instance.get_memory(&mut store, "memory");
        (store.data_mut().allocate, store.data_mut().memory) = (Some(allocate), memory);
        let calls = Calls::of(&instance, &mut store).map_err(|error| told(&error))?;
        let mut vm = Self { store, calls, next: ROOT };
        vm.configure(&instance)?;
        Ok(vm)
    }

    fn configure(&mut self, instance: &Instance) -> Benched<()> {
        let store = &mut self.store;
        let begin: TypedFunc<(), ()> =
            instance.get_typed_func(&mut *store, "_initialize").map_err(|error| told(&error))?;
        begin.call(&mut *store, ()).map_err(|error| told(&error))?;
        self.calls.create.call(&mut *store, (ROOT, 0)).map_err(|error| told(&error))?;
        let configure: TypedFunc<(u32, u32), u32> = instance
            .get_typed_func(&mut *store, "proxy_on_configure")
            .map_err(|error| told(&error))?;
        let size = u32::try_from(store.data().configuration.len()).unwrap_or(0);
        if configure.call(&mut *store, (ROOT, size)).map_err(|error| told(&error))? == 1 {
            return Ok(());
        }
        Err(fault(format!("the filter refuses its configuration: {}", store.data().log.join("\n"))))
    }

    /// One exchange in natural mode, and what was left of it. `answer` is what the sidecar says.
    pub(crate) fn exchange(&mut self, traffic: Traffic) -> Benched<&Traffic> {
        self.play(traffic).map_err(|error| told(&error))?;
        Ok(&self.store.data().traffic)
    }

    fn play(&mut self, traffic: Traffic) -> wasmtime::Result<()> {
        let size = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        let count = |map: &[u8]| map.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        self.next = self.next.wrapping_add(1);
        let (id, store, calls) = (self.next, &mut self.store, &self.calls);
        let (request, body) = (count(&traffic.request), size(traffic.request_body.len()));
        let (response, answer) = (count(&traffic.response), size(traffic.response_body.len()));
        store.data_mut().traffic = traffic;
        calls.create.call(&mut *store, (id, ROOT))?;
        calls.request_headers.call(&mut *store, (id, request, 0))?;
        calls.request_body.call(&mut *store, (id, body, 1))?;
        if store.data().traffic.replied.is_none() {
            calls.response_headers.call(&mut *store, (id, response, 0))?;
            calls.response_body.call(&mut *store, (id, answer, 1))?;
        }
        calls.done.call(&mut *store, id)?;
        calls.log.call(&mut *store, id)?;
        calls.delete.call(&mut *store, id)
    }
}

impl Calls {
    fn of(instance: &Instance, store: &mut Store<Host>) -> wasmtime::Result<Self> {
        Ok(Self {
            create: instance.get_typed_func(&mut *store, "proxy_on_context_create")?,
            request_headers: instance.get_typed_func(&mut *store, "proxy_on_request_headers")?,
            request_body: instance.get_typed_func(&mut *store, "proxy_on_request_body")?,
            response_headers: instance.get_typed_func(&mut *store, "proxy_on_response_headers")?,
            response_body: instance.get_typed_func(&mut *store, "proxy_on_response_body")?,
            done: instance.get_typed_func(&mut *store, "proxy_on_done")?,
            log: instance.get_typed_func(&mut *store, "proxy_on_log")?,
            delete: instance.get_typed_func(&mut *store, "proxy_on_delete")?,
        })
    }
}

/// Signatures alone, in wasm.
pub(crate) struct Signing {
    store: Store<()>,
    sign: TypedFunc<u32, u32>,
}

impl Signing {
    pub(crate) fn load(wasm: &Path) -> Benched<Self> {
        let engine = Engine::default();
        let module = Module::from_file(&engine, wasm).map_err(|error| told(&error))?;
        let mut linker = Linker::new(&engine);
        linker.define_unknown_imports_as_traps(&module).map_err(|error| told(&error))?;
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &module).map_err(|error| told(&error))?;
        let sign =
            instance.get_typed_func(&mut store, "signatures").map_err(|error| told(&error))?;
        Ok(Self { store, sign })
    }

    /// Signs so many messages.
    pub(crate) fn sign(&mut self, count: usize) -> Benched<()> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        match self.sign.call(&mut self.store, count).map_err(|error| told(&error))? {
            0 => Err(fault("nothing was signed")),
            _ => Ok(()),
        }
    }
}

/// A map on the wire: count, the two sizes of each pair, then names and values with a NUL behind each.
pub(crate) fn wire(pairs: &[(&str, &str)]) -> Vec<u8> {
    let size = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let mut bytes = Vec::from(size(pairs.len()));
    for (name, value) in pairs {
        bytes.extend(size(name.len()));
        bytes.extend(size(value.len()));
    }
    for text in pairs.iter().flat_map(|(name, value)| [name, value]) {
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
    }
    bytes
}

fn told(error: &wasmtime::Error) -> crate::fault::Fault {
    fault(format!("the filter in wasmtime: {error:#}"))
}
