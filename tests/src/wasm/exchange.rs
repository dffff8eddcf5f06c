//! What a test puts into an exchange and what it gets back. Header names and values are bytes: the
//! interesting requests are those that are not text.

use std::collections::BTreeMap;

/// A header or trailer: name, value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// How the end of a message is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// An extra, empty body call carries the end.
    #[default]
    Http1,
    /// The last piece carries the end.
    Http2,
}

/// A client's request as the gateway's codec delivers it.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Vec<u8>,
    pub path: Vec<u8>,
    pub authority: Vec<u8>,
    pub scheme: Vec<u8>,
    pub headers: Vec<Pair>,
    /// The body in the pieces the network brings. No piece: the message ends with its headers. One
    /// empty piece: a chunked body of no bytes.
    pub body: Vec<Vec<u8>>,
    pub trailers: Option<Vec<Pair>>,
    pub framing: Framing,
    /// Property `source.address`.
    pub source_address: String,
    /// Property `request.id`.
    pub request_id: String,
    /// Further properties; the path is joined with `.`.
    pub properties: Vec<(String, Vec<u8>)>,
}

impl Request {
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.into(),
            path: path.into(),
            authority: b"gateway.example".to_vec(),
            scheme: b"http".to_vec(),
            headers: Vec::new(),
            body: Vec::new(),
            trailers: None,
            framing: Framing::default(),
            source_address: "192.0.2.1:40000".to_owned(),
            request_id: "8f6c2a34-0000-4000-8000-000000000001".to_owned(),
            properties: Vec::new(),
        }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), value.as_ref().to_vec()));
        self
    }

    /// The whole body in one piece, with its `content-length`.
    #[must_use]
    pub fn body(self, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let length = body.len().to_string();
        self.header("content-length", length).pieces([body.to_vec()])
    }

    /// The body in these pieces; no header is added.
    #[must_use]
    pub fn pieces(mut self, pieces: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.body = pieces.into_iter().collect();
        self
    }

    /// The same bytes again in pieces of `size` (0 counts as 1).
    #[must_use]
    pub fn in_pieces_of(mut self, size: usize) -> Self {
        let whole = self.body.concat();
        if !whole.is_empty() {
            self.body = whole.chunks(size.max(1)).map(<[u8]>::to_vec).collect();
        }
        self
    }

    #[must_use]
    pub fn trailers(mut self, trailers: Vec<Pair>) -> Self {
        self.trailers = Some(trailers);
        self
    }

    #[must_use]
    pub const fn framing(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// The header map the filter is given, pseudo headers first.
    #[must_use]
    pub fn header_map(&self) -> Vec<Pair> {
        let pseudo = [
            (":authority", &self.authority),
            (":path", &self.path),
            (":method", &self.method),
            (":scheme", &self.scheme),
        ];
        let pseudo = pseudo.into_iter().map(|(name, value)| (name.into(), value.clone()));
        pseudo.chain(self.headers.iter().cloned()).collect()
    }
}

/// What the upstream cluster got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardedRequest {
    /// With the pseudo headers.
    pub headers: Vec<Pair>,
    pub body: Vec<u8>,
    pub trailers: Option<Vec<Pair>>,
}

impl ForwardedRequest {
    /// The first value of this header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        first(&self.headers, name)
    }

    /// True when the filter changed nothing: the case of header names is the host's.
    #[must_use]
    pub fn is_unchanged(&self, request: &Request) -> bool {
        let given = request.header_map();
        let same = |(mine, theirs): (&Pair, &Pair)| {
            mine.0.eq_ignore_ascii_case(&theirs.0) && mine.1 == theirs.1
        };
        self.headers.len() == given.len()
            && self.headers.iter().zip(&given).all(same)
            && self.body == request.body.concat()
            && self.trailers == request.trailers
    }
}

/// A message from upstream.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<Pair>,
    /// As in [`Request::body`].
    pub body: Vec<Vec<u8>>,
    pub trailers: Option<Vec<Pair>>,
    pub framing: Framing,
}

/// What comes back for a forwarded request.
#[derive(Clone, Debug)]
pub enum UpstreamReply {
    /// The upstream's own answer (`via_upstream`).
    Sidecar(Answer),
    /// The gateway could not reach it: 503 `no_healthy_upstream`, 504 `upstream_response_timeout`.
    Local { status: u16, body: Vec<u8>, code_details: String },
}

impl UpstreamReply {
    /// An answer in one piece, with its `content-length`.
    #[must_use]
    pub fn answer(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut pairs: Vec<Pair> =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        pairs.push((b"content-length".to_vec(), body.len().to_string().into()));
        let body = if body.is_empty() { Vec::new() } else { vec![body.to_vec()] };
        Self::Sidecar(Answer { status, headers: pairs, body, ..Answer::default() })
    }

    #[must_use]
    pub fn local(status: u16, body: &str, code_details: &str) -> Self {
        Self::Local { status, body: body.into(), code_details: code_details.to_owned() }
    }
}

/// What the client got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// Without `:status`.
    pub headers: Vec<Pair>,
    pub body: Vec<u8>,
    pub trailers: Option<Vec<Pair>>,
}

impl Response {
    /// The first value of this header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        first(&self.headers, name)
    }
}

/// How the exchange ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The upstream (or the gateway in its place) answered and that answer, perhaps rewritten, went out.
    Forwarded,
    /// The filter answered before the request was forwarded.
    LocalReply,
    /// The filter threw the answer away and sent its own.
    Replaced,
    /// The host answered for the filter: 413 on a request, 500 on an answer beyond its limit.
    HostReply,
    /// The filter paused in this callback and nothing would ever wake it.
    Hung(&'static str),
    /// The stream was reset: the answer's head was out already, or the filter asked for it.
    Reset,
    /// The filter trapped; its VM is dead from now on.
    Trapped(String),
    /// The VM had died before.
    VmDead,
}

/// Something that a strict host refuses or a peer chokes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The import that was called.
    pub hostcall: &'static str,
    /// The callback it was called from.
    pub during: &'static str,
    pub what: &'static str,
}

/// One call into the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callback {
    pub name: &'static str,
    /// Headers or bytes announced.
    pub size: u32,
    pub end_of_stream: bool,
    pub paused: bool,
}

/// A line the filter logged (`proxy_log`), or wrote to standard output (level 2) or error (level 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// 0 trace, 1 debug, 2 info, 3 warn, 4 error, 5 critical.
    pub level: u32,
    pub text: String,
}

/// What was seen in one exchange.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub verdict: Verdict,
    /// Nothing when the client got no complete answer.
    pub response: Option<Response>,
    /// What the upstream got, if it got anything.
    pub forwarded: Option<ForwardedRequest>,
    pub violations: Vec<Violation>,
    pub callbacks: Vec<Callback>,
    /// Calls of imports by name.
    pub hostcalls: BTreeMap<&'static str, u64>,
    /// How often the route was matched again.
    pub route_cache_clears: u64,
    /// Property `response.code_details` at the end.
    pub code_details: Option<String>,
    pub log: Vec<LogLine>,
    /// Wasm instructions spent.
    pub fuel: u64,
}

pub(super) fn first<'a>(pairs: &'a [Pair], name: &str) -> Option<&'a [u8]> {
    let found = pairs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes()));
    found.map(|(_, value)| value.as_slice())
}
