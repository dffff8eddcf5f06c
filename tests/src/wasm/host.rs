//! Everything the host knows while the filter runs: one root context, at most one stream, and what
//! outlives streams (metrics, shared data, clock). Which map or buffer a callback may touch is kept
//! here as `open` flags; the imports only ask.

use std::collections::{BTreeMap, VecDeque};

use super::exchange::{Callback, LogLine, Pair, Violation};
use super::profile::Strictness;

/// Ids as the C++ host library hands them out: the root first.
pub(super) const ROOT: u32 = 1;

/// A direction of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Response,
}

/// One direction's message on its way through the filter.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// With pseudo headers.
    pub(super) headers: Vec<Pair>,
    pub(super) headers_open: bool,
    /// The head has left the filter.
    pub(super) released: bool,
    /// All of the message has left the filter.
    pub(super) finished: bool,
    /// What the filter sees as the body now.
    pub(super) body: Vec<u8>,
    pub(super) body_open: bool,
    /// The body is being collected because the filter paused in it.
    pub(super) buffering: bool,
    pub(super) sent_body: Vec<u8>,
    pub(super) trailers: Option<Vec<Pair>>,
    pub(super) trailers_open: bool,
}

impl Flow {
    /// The head and whatever is collected goes on; none of it can be touched any more.
    pub(super) fn release(&mut self) {
        self.released = true;
        self.headers_open = false;
        self.body_open = false;
        self.buffering = false;
        self.sent_body.append(&mut self.body);
    }
}

/// An answer made inside the gateway.
#[derive(Clone, Debug)]
pub(super) struct LocalReply {
    pub(super) status: u16,
    pub(super) headers: Vec<Pair>,
    pub(super) body: Vec<u8>,
    pub(super) by_filter: bool,
}

/// One exchange's state.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: u32,
    pub(super) request: Flow,
    pub(super) response: Flow,
    pub(super) properties: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(super) code_details: Option<String>,
    pub(super) route_cache_clears: u64,
    pub(super) callbacks: Vec<Callback>,
    /// Set by `proxy_send_local_response`, or by the host itself; acted upon after the callback.
    pub(super) reply: Option<LocalReply>,
    /// Set by `proxy_close_stream`.
    pub(super) closed: bool,
    /// Set by `proxy_continue_stream`, per callback.
    pub(super) resumed: bool,
    /// `proxy_on_log` runs: headers can be read once more.
    pub(super) logging: bool,
}

impl Stream {
    pub(super) fn new(id: u32) -> Self {
        Self {
            id,
            request: Flow::default(),
            response: Flow::default(),
            properties: BTreeMap::new(),
            code_details: None,
            route_cache_clears: 0,
            callbacks: Vec::new(),
            reply: None,
            closed: false,
            resumed: false,
            logging: false,
        }
    }

    pub(super) const fn flow(&mut self, side: Side) -> &mut Flow {
        match side {
            Side::Request => &mut self.request,
            Side::Response => &mut self.response,
        }
    }
}

/// What kind of metric a number belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MetricKind {
    Counter,
    Gauge,
    Histogram,
}

#[derive(Debug)]
pub(super) struct Metric {
    pub(super) name: String,
    pub(super) kind: MetricKind,
    pub(super) value: u64,
}

/// The store's data.
pub(super) struct Host {
    pub(super) strictness: Strictness,
    pub(super) configuration: Vec<u8>,
    /// The configuration can be read in `proxy_on_configure` only.
    pub(super) configuring: bool,
    pub(super) environment: Vec<(String, String)>,
    /// Nanoseconds since 1970.
    pub(super) now: u64,
    pub(super) random: u64,
    pub(super) tick_period: u32,
    /// The context imports act on.
    pub(super) active: u32,
    pub(super) stream: Option<Stream>,
    pub(super) log: Vec<LogLine>,
    pub(super) metrics: Vec<Metric>,
    pub(super) shared: BTreeMap<Vec<u8>, (Vec<u8>, u32)>,
    pub(super) queues: Vec<(Vec<u8>, VecDeque<Vec<u8>>)>,
    pub(super) hostcalls: BTreeMap<&'static str, u64>,
    pub(super) violations: Vec<Violation>,
    hostcall: &'static str,
    callback: &'static str,
}

impl Host {
    pub(super) fn new(
        strictness: Strictness,
        configuration: &[u8],
        environment: &[(String, String)],
    ) -> Self {
        Self {
            strictness,
            configuration: configuration.to_vec(),
            configuring: false,
            environment: environment.to_vec(),
            now: 0,
            random: 0,
            tick_period: 0,
            active: ROOT,
            stream: None,
            log: Vec::new(),
            metrics: Vec::new(),
            shared: BTreeMap::new(),
            queues: Vec::new(),
            hostcalls: BTreeMap::new(),
            violations: Vec::new(),
            hostcall: "",
            callback: "",
        }
    }

    /// A callback of this context begins.
    pub(super) fn begin(&mut self, callback: &'static str, context: u32) {
        self.callback = callback;
        self.hostcall = "";
        self.active = context;
        self.configuring = callback == "proxy_on_configure";
        if let Some(stream) = &mut self.stream {
            stream.resumed = false;
        }
    }

    pub(super) fn enter(&mut self, hostcall: &'static str) {
        self.hostcall = hostcall;
        *self.hostcalls.entry(hostcall).or_default() += 1;
    }

    pub(super) fn violate(&mut self, what: &'static str) {
        self.violations.push(Violation { hostcall: self.hostcall, during: self.callback, what });
    }

    /// The stream that imports act on; the root context has none.
    pub(super) fn acting_stream(&mut self) -> Option<&mut Stream> {
        let active = self.active;
        self.stream.as_mut().filter(|stream| stream.id == active)
    }

    pub(super) fn log(&mut self, level: u32, text: &str) {
        self.log.push(LogLine { level, text: text.to_owned() });
    }

    /// SplitMix64: the same seed gives the same exchange.
    pub(super) fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
