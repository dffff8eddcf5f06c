//! A proxy-wasm host for tests, as strict as the gateways it stands for: it plays one HTTP exchange
//! at a time through the real filter module and tells what the gateway would have done, and what the
//! filter did that only a lenient host would have forgiven. Statuses and orders are those of Envoy's
//! wasm extension (`context.cc`) and its filter manager.

mod buffers;
mod calls;
mod exchange;
mod frame;
mod guest;
mod host;
mod linker;
mod maps;
mod profile;
mod property;
mod reply;
mod stream;
mod vm;
mod wasi;

#[cfg(test)]
mod tests;

pub use exchange::{
    Answer, Callback, Exchange, ForwardedRequest, Framing, LogLine, Pair, Request, Response,
    UpstreamReply, Verdict, Violation,
};
pub use profile::{Profile, Strictness};
pub use vm::{Module, Options, StartFault, StartFaultKind, Vm};
