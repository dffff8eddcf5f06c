//! A compiled filter and one VM of it, from instantiation to its configured root context. A trap
//! kills the VM for good: from then on it is not called again.

use std::collections::BTreeMap;
use std::path::Path;

use wasmtime::{Config, Engine, Instance, Linker, Store, Val};

use super::exchange::{LogLine, Violation};
use super::host::{Host, ROOT};
use super::linker;
use super::profile::Profile;

/// A compiled module; compile once, start often, from any thread.
#[derive(Clone, Debug)]
pub struct Module {
    module: wasmtime::Module,
}

/// How a VM is started.
#[derive(Clone)]
pub struct Options {
    /// The plugin configuration.
    pub configuration: Vec<u8>,
    /// The environment variables the host passes on.
    pub environment: Vec<(String, String)>,
    /// Nanoseconds since 1970; see [`Vm::set_now`].
    pub now: u64,
    /// Where the random numbers begin.
    pub seed: u64,
    pub profile: Profile,
    /// Bytes of a body the host collects for a filter, in each direction.
    pub body_limit: usize,
    /// Instructions one callback may take; an endless loop is never interrupted by a real host.
    pub fuel: u64,
}

/// As silent as that of [`Vm`].
impl std::fmt::Debug for Options {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Options").field("profile", &self.profile).finish_non_exhaustive()
    }
}

impl Default for Options {
    /// Envoy, in the first second of 2026, without configuration.
    fn default() -> Self {
        Self {
            configuration: Vec::new(),
            environment: Vec::new(),
            now: 1_767_225_600_000_000_000,
            seed: 1,
            profile: Profile::default(),
            body_limit: 64 * 1024,
            fuel: 2_000_000_000,
        }
    }
}

/// Why a filter did not start, and what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartFault {
    pub kind: StartFaultKind,
    pub log: Vec<LogLine>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartFaultKind {
    /// The host does not load the module.
    Refused(String),
    /// It trapped before it was configured.
    Trapped(String),
    /// `proxy_on_vm_start` returned false.
    VmStart,
    /// `proxy_on_configure` returned false.
    Configure,
}

impl Module {
    /// # Errors
    /// When the file cannot be read or is no module.
    pub fn load(path: &Path) -> wasmtime::Result<Self> {
        Self::compile(&std::fs::read(path)?)
    }

    /// # Errors
    /// When the bytes are no module.
    pub fn compile(bytes: &[u8]) -> wasmtime::Result<Self> {
        let mut config = Config::new();
        config.consume_fuel(true);
        let engine = Engine::new(&config)?;
        Ok(Self { module: wasmtime::Module::new(&engine, bytes)? })
    }

    /// A VM with its root context configured.
    ///
    /// # Errors
    /// What a gateway would refuse to start with.
    pub fn start(&self, options: &Options) -> Result<Vm, StartFault> {
        let mut host =
            Host::new(options.profile.strictness(), &options.configuration, &options.environment);
        host.now = options.now;
        host.random = options.seed;
        let strictness = host.strictness;
        let mut store = Store::new(self.module.engine(), host);
        let mut linker = Linker::new(self.module.engine());
        let linked = linker::link(&mut linker, &self.module, &strictness);
        let instance = linked
            .and_then(|()| store.set_fuel(options.fuel))
            .and_then(|()| linker.instantiate(&mut store, &self.module));
        let instance = instance.map_err(|error| StartFault {
            kind: StartFaultKind::Refused(format!("{error:#}")),
            log: Vec::new(),
        })?;
        let mut vm = Vm {
            store,
            instance,
            last_context: ROOT,
            dead: false,
            options: options.clone(),
            fuel: 0,
        };
        let started = vm.start();
        started.map_err(|kind| StartFault { kind, log: vm.take_log() })?;
        Ok(vm)
    }
}

/// A running filter.
pub struct Vm {
    store: Store<Host>,
    instance: Instance,
    last_context: u32,
    dead: bool,
    options: Options,
    fuel: u64,
}

/// Neither configuration nor environment: both can hold keys.
impl std::fmt::Debug for Vm {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Vm").field("dead", &self.dead).finish_non_exhaustive()
    }
}

impl Vm {
    fn start(&mut self) -> Result<(), StartFaultKind> {
        let size = i32::try_from(self.options.configuration.len()).unwrap_or(i32::MAX);
        let context = ROOT.cast_signed();
        let entry = if self.exports("_initialize") { "_initialize" } else { "_start" };
        let trapped = StartFaultKind::Trapped;
        self.call(entry, ROOT, &[]).map_err(trapped)?;
        self.call("proxy_on_context_create", ROOT, &[context, 0]).map_err(trapped)?;
        if self.call("proxy_on_vm_start", ROOT, &[context, 0]).map_err(trapped)? == Some(0) {
            return Err(StartFaultKind::VmStart);
        }
        if self.call("proxy_on_configure", ROOT, &[context, size]).map_err(trapped)? == Some(0) {
            return Err(StartFaultKind::Configure);
        }
        Ok(())
    }

    fn exports(&mut self, name: &str) -> bool {
        self.instance.get_func(&mut self.store, name).is_some()
    }

    /// Runs one callback; what the module does not export is skipped.
    pub(super) fn call(
        &mut self,
        name: &'static str,
        context: u32,
        arguments: &[i32],
    ) -> Result<Option<i32>, String> {
        let Some(function) = self.instance.get_func(&mut self.store, name) else {
            return Ok(None);
        };
        self.store.data_mut().begin(name, context);
        let arguments: Vec<Val> = arguments.iter().map(|value| Val::I32(*value)).collect();
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        let ran = self
            .store
            .set_fuel(self.options.fuel)
            .and_then(|()| function.call(&mut self.store, &arguments, &mut results));
        let left = self.store.get_fuel().unwrap_or_default();
        self.fuel += self.options.fuel.saturating_sub(left);
        self.store.data_mut().configuring = false;
        ran.map_err(|error| {
            self.dead = true;
            format!("{name}: {error:?}")
        })?;
        Ok(results.first().and_then(Val::i32))
    }

    /// `proxy_on_tick`, as the timer would call it. False when the VM is dead or just died.
    pub fn tick(&mut self) -> bool {
        !self.dead && self.call("proxy_on_tick", ROOT, &[ROOT.cast_signed()]).is_ok()
    }

    /// Milliseconds between ticks, as the filter asked; 0 is never.
    #[must_use]
    pub fn tick_period(&self) -> u32 {
        self.host().tick_period
    }

    /// Sets the clock, in nanoseconds since 1970.
    pub fn set_now(&mut self, now: u64) {
        self.store.data_mut().now = now;
    }

    /// True after a trap.
    #[must_use]
    pub const fn is_dead(&self) -> bool {
        self.dead
    }

    /// Bytes of memory that it has taken; it gives none back.
    pub fn memory(&mut self) -> usize {
        let memory = self.instance.get_memory(&mut self.store, "memory");
        memory.map_or(0, |memory| memory.data_size(&self.store))
    }

    /// All metrics by name.
    #[must_use]
    pub fn metrics(&self) -> BTreeMap<String, u64> {
        self.host().metrics.iter().map(|metric| (metric.name.clone(), metric.value)).collect()
    }

    /// What was logged since the last exchange, or the last call of this.
    pub fn take_log(&mut self) -> Vec<LogLine> {
        std::mem::take(&mut self.store.data_mut().log)
    }

    /// What was done wrong outside exchanges (at the start, in ticks).
    pub fn take_violations(&mut self) -> Vec<Violation> {
        std::mem::take(&mut self.store.data_mut().violations)
    }

    pub(super) fn host(&self) -> &Host {
        self.store.data()
    }

    pub(super) fn host_mut(&mut self) -> &mut Host {
        self.store.data_mut()
    }

    pub(super) const fn body_limit(&self) -> usize {
        self.options.body_limit
    }

    pub(super) const fn next_context(&mut self) -> u32 {
        self.last_context += 1;
        self.last_context
    }

    /// Instructions spent since the last call of this.
    pub(super) const fn take_fuel(&mut self) -> u64 {
        std::mem::replace(&mut self.fuel, 0)
    }
}
