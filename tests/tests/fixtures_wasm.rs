//! Every fixture against the real filter in the strict host, as each of the three profiles: as HTTP/1 and HTTP/2 bring it,
//! a byte at a time, and ended by trailers; answers too. No call may be one that a strict host would have refused.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use contract::edge::MadeBy;
use contract::message::Operation;
use rekey_tests::fixture::{Back, Case, Driver, NOW, Reply, SENDER, Seen, attacks, cases, judge};
use rekey_tests::stage::target;
use rekey_tests::wasm::{
    Answer, Exchange, ForwardedRequest, Framing, Module, Options, Pair, Profile, Request,
    UpstreamReply, Verdict, Vm,
};

/// How the network brings a message, and to which host.
#[derive(Clone, Copy, Debug)]
struct Way {
    profile: Profile,
    framing: Framing,
    piece: usize,
    trailers: bool,
}

struct Strict {
    vms: BTreeMap<String, Vm>,
    way: Way,
}

impl Driver for Strict {
    fn play(&mut self, case: &Case, back: &Back) -> Result<Seen, String> {
        let vm = self
            .vms
            .entry(case.configuration.clone())
            .or_insert_with(|| start(case, self.way.profile));
        let request = request(case, self.way);
        let upstream = upstream(back, self.way);
        let exchange = vm.exchange(&request, |_| upstream);
        if vm.is_dead() {
            self.vms.remove(&case.configuration);
        }
        if !exchange.violations.is_empty() {
            return Err(format!("{:?}: {}: {:#?}", self.way, back.name, exchange.violations));
        }
        seen(case, &request, exchange, self.way.profile)
            .map_err(|fault| format!("{:?}: {}: {fault}", self.way, back.name))
    }
}

fn module() -> &'static Module {
    static MODULE: OnceLock<Module> = OnceLock::new();
    MODULE.get_or_init(|| {
        let file = target().join("wasm32-wasip1/wasm/filter.wasm");
        Module::load(&file)
            .unwrap_or_else(|error| panic!("./just wasm first: {}: {error}", file.display()))
    })
}

fn start(case: &Case, profile: Profile) -> Vm {
    let configuration = case.configuration.clone().into_bytes();
    let now = NOW * 1_000_000_000;
    let options = Options { configuration, now, profile, ..Options::default() };
    module().start(&options).unwrap_or_else(|fault| panic!("{case}: {fault:#?}"))
}

fn request(case: &Case, way: Way) -> Request {
    let mut request = Request::new(&case.request.method, &case.request.target).framing(way.framing);
    request.authority = case.request.first("host").unwrap_or_default().to_vec();
    request.source_address = format!("{SENDER}:40000");
    let headers = case.request.headers.iter().filter(|(name, _)| name != "host");
    request.headers =
        headers.map(|(name, value)| (name.clone().into_bytes(), value.clone())).collect();
    if way.profile == Profile::Nginx {
        capitalize(&mut request.headers);
    }
    if let Some(body) = &case.request.body {
        request.body = pieces(body, way);
    }
    // A shared path passes only what ends with its head where a body has no place; trailers are no such end.
    let has_place = case.request.body.is_some() || case.request.method == "POST";
    if way.trailers && has_place {
        request = request.trailers(vec![(b"content-type".to_vec(), b"text/plain".to_vec())]);
    }
    request
}

/// As clients of HTTP/1 write names; only hosts that keep them so get them so.
fn capitalize(headers: &mut [Pair]) {
    for (name, _) in headers {
        let words = name.split_mut(|byte| *byte == b'-');
        words.filter_map(<[u8]>::first_mut).for_each(|first| first.make_ascii_uppercase());
    }
}

fn pieces(body: &[u8], way: Way) -> Vec<Vec<u8>> {
    if body.is_empty() {
        vec![Vec::new()]
    } else {
        body.chunks(way.piece).map(<[u8]>::to_vec).collect()
    }
}

fn upstream(back: &Back, way: Way) -> UpstreamReply {
    if back.made_by == MadeBy::Proxy {
        let body = String::from_utf8_lossy(&back.body);
        return UpstreamReply::local(back.status, &body, back.details);
    }
    let mut headers = vec![
        (b"content-type".to_vec(), back.content_type.into()),
        (b"cache-control".to_vec(), b"no-store".to_vec()),
        (b"content-length".to_vec(), back.body.len().to_string().into_bytes()),
    ];
    headers.extend(back.outcome.map(|code| (b"rekey-outcome".to_vec(), code.into())));
    headers.extend(
        back.retry_after.map(|seconds| (b"retry-after".to_vec(), seconds.to_string().into())),
    );
    if way.profile == Profile::Nginx {
        capitalize(&mut headers);
    }
    let body = if back.body.is_empty() { Vec::new() } else { pieces(&back.body, way) };
    let trailers = way.trailers.then(|| vec![(b"x-sum".to_vec(), b"1".to_vec())]);
    UpstreamReply::Sidecar(Answer {
        status: back.status,
        headers,
        body,
        trailers,
        framing: way.framing,
    })
}

fn seen(
    case: &Case,
    request: &Request,
    exchange: Exchange,
    profile: Profile,
) -> Result<Seen, String> {
    let finished = matches!(
        exchange.verdict,
        Verdict::Forwarded | Verdict::LocalReply | Verdict::Replaced | Verdict::HostReply
    );
    let response = exchange.response.filter(|_| finished);
    let Some(response) = response else {
        return Err(format!("no answer: {:?}", exchange.verdict));
    };
    let headers = response.headers.iter().map(|(name, value)| (name, value));
    let body = match (profile, exchange.verdict) {
        (Profile::Nginx, Verdict::LocalReply | Verdict::Replaced) if !response.body.is_empty() => {
            response.body.strip_suffix(b"\n").ok_or("nginx ends a reply with a newline")?
        }
        _ => &response.body,
    };
    let reply = Reply::new(response.status, headers, body);
    let Some(forwarded) = exchange.forwarded else {
        return Ok(Seen::Answered(reply));
    };
    match forwarded.header("x-rekey-operation") {
        Some(b"keys") => {
            check_head(&forwarded)?;
            let method = forwarded.header(":method").unwrap_or_default();
            let bare = forwarded.body.is_empty() && forwarded.header("content-length").is_none();
            let path = forwarded.header(":path").unwrap_or_default();
            if !bare || method != request.method || path.contains(&b'?') {
                return Err(format!("the sidecar was asked for keys by {forwarded:#?}"));
            }
            Ok(Seen::Fetched(reply))
        }
        Some(operation) => {
            let operation = operation_of(operation)?;
            check_head(&forwarded)?;
            Ok(Seen::Forwarded { operation, body: forwarded.body, now: NOW, reply })
        }
        None => check_untouched(case, request, &forwarded, profile).map(|()| Seen::Passed),
    }
}

fn operation_of(name: &[u8]) -> Result<Operation, String> {
    let known = Operation::ALL.into_iter().find(|known| known.as_str().as_bytes() == name);
    known.ok_or_else(|| format!("unknown operation {}", String::from_utf8_lossy(name)))
}

/// Nothing of the client's head goes to the sidecar.
fn check_head(forwarded: &ForwardedRequest) -> Result<(), String> {
    let ours = [
        ":authority",
        ":path",
        ":method",
        ":scheme",
        "content-type",
        "content-length",
        "x-rekey-operation",
        "x-request-id",
        "x-forwarded-proto",
        "traceparent",
        "tracestate",
        "x-b3-traceid",
    ];
    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    let mut others = forwarded
        .headers
        .iter()
        .map(|(name, _)| text(name))
        .filter(|name| !ours.contains(&name.as_str()));
    if let Some(name) = others.next() {
        return Err(format!("the client's header {name} went to the sidecar"));
    }
    match &forwarded.trailers {
        Some(trailers) if !trailers.is_empty() => {
            Err("the client's trailers went to the sidecar".to_owned())
        }
        _ => Ok(()),
    }
}

fn check_untouched(
    case: &Case,
    request: &Request,
    forwarded: &ForwardedRequest,
    profile: Profile,
) -> Result<(), String> {
    let mut wanted = request.clone();
    let theirs = case.request.headers_for_the_app();
    wanted.headers = theirs.into_iter().map(|(name, value)| (name.into_bytes(), value)).collect();
    if profile.strictness().hides_transfer_encoding {
        wanted.headers.retain(|(name, _)| name != b"transfer-encoding");
    }
    if forwarded.is_unchanged(&wanted) {
        Ok(())
    } else {
        Err(format!("the app got something else: {forwarded:#?}"))
    }
}

fn judge_all(way: Way) {
    let mut strict = Strict { vms: BTreeMap::new(), way };
    let cases = cases().into_iter().chain(attacks());
    let cases = cases.map(|case| match way.profile {
        Profile::EnvoyNatural => case,
        Profile::EnvoyPortable | Profile::Nginx => case.in_portable_mode(),
    });
    let cases: Vec<Case> = cases.filter(|case| !ends_untold(case, way)).collect();
    let faults: Vec<String> = cases.iter().flat_map(|case| judge(case, &mut strict)).collect();
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
    let memory = strict.vms.values_mut().map(Vm::memory).max().unwrap_or_default();
    assert!(memory <= MAX_MEMORY, "a VM has taken {memory} bytes");
}

/// Whether the host calls nobody at the end of this request, and its head does not tell either: see
/// `what_nginx_does_not_tell_is_not_believed`.
fn ends_untold(case: &Case, way: Way) -> bool {
    let is_coded = case.request.first("transfer-encoding").is_some();
    let is_empty = case.request.body.as_ref().is_some_and(Vec::is_empty);
    way.profile == Profile::Nginx && is_coded && is_empty
}

/// What the VM of one worker may take, in bytes, after all that it was shown.
const MAX_MEMORY: usize = 512 * 1024;

const WHOLE: usize = 1 << 20;

const HTTP_1: Way =
    Way { profile: Profile::EnvoyNatural, framing: Framing::Http1, piece: WHOLE, trailers: false };
const HTTP_2: Way = Way { framing: Framing::Http2, ..HTTP_1 };
const PACKETS: Way = Way { piece: 1400, ..HTTP_2 };
const BYTES: Way = Way { piece: 1, ..HTTP_1 };
const TRAILERS: Way = Way { piece: 7, trailers: true, ..HTTP_2 };

const fn portable(way: Way) -> Way {
    Way { profile: Profile::EnvoyPortable, ..way }
}

const fn in_nginx(way: Way) -> Way {
    Way { profile: Profile::Nginx, ..way }
}

#[test]
fn as_http_1_brings_it() {
    judge_all(HTTP_1);
}

#[test]
fn as_http_1_brings_it_to_a_portable_filter() {
    judge_all(portable(HTTP_1));
}

#[test]
fn as_http_1_brings_it_to_nginx() {
    judge_all(in_nginx(HTTP_1));
}

#[test]
fn as_http_2_brings_it() {
    judge_all(HTTP_2);
}

#[test]
fn as_http_2_brings_it_to_a_portable_filter() {
    judge_all(portable(HTTP_2));
}

#[test]
fn in_pieces_of_a_packet() {
    judge_all(PACKETS);
}

#[test]
fn in_pieces_of_a_packet_to_a_portable_filter() {
    judge_all(portable(PACKETS));
}

#[test]
fn a_byte_at_a_time() {
    judge_all(BYTES);
}

#[test]
fn a_byte_at_a_time_to_a_portable_filter() {
    judge_all(portable(BYTES));
}

#[test]
fn a_byte_at_a_time_to_nginx() {
    judge_all(in_nginx(BYTES));
}

#[test]
fn ended_by_trailers() {
    judge_all(TRAILERS);
}

#[test]
fn ended_by_trailers_to_a_portable_filter() {
    judge_all(portable(TRAILERS));
}
