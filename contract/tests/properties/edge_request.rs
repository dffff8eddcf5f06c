//! A raw request of any bytes through the whole edge, with every dialect on. What is forwarded, the sidecar believes and
//! reads as it was meant; what passes on, no lenient app takes for a reset; what is answered can be sent.

use std::net::IpAddr;
use std::sync::OnceLock;

use contract::dialect::{DIALECTS, Sharing};
use contract::edge::{
    Answer, AnswerHead, Circumstances, Edge, Exchange, Forward, Head, MAX_BODY, MadeBy, Step,
};
use contract::json::{self, Names};
use contract::message::Message;
use contract::signature::{EdgeKey, verify};

const NOW: u64 = 1_790_000_000;

/// Judges a request in the form of HTTP/1.1: head, empty line, body as it is.
pub(crate) fn check(bytes: &[u8]) {
    let request = Request::read(bytes);
    let mut host = Host::default();
    let (step, exchange) = edge().on_head(request.head(), request.is_whole(), &mut host);
    match (step, exchange) {
        (Step::Pass, None) => request.is_harmless(),
        (Step::Reply(answer), Some(_)) => can_be_sent(&answer),
        (Step::Fetch, Some(mut exchange)) => answers(&mut exchange, request.body),
        (Step::Collect, Some(mut exchange)) => {
            let step = if request.body.len() > MAX_BODY {
                exchange.on_oversize()
            } else {
                exchange.on_request(edge(), request.body, &mut host)
            };
            match step {
                Step::Pass => request.is_harmless(),
                Step::Reply(answer) => can_be_sent(&answer),
                Step::Forward(forward) => is_believed(&forward),
                Step::Collect | Step::Fetch => panic!("a whole request is held back"),
            }
            answers(&mut exchange, request.body);
        }
        (step, exchange) => panic!("an impossible step: {step:?} {exchange:?}"),
    }
}

/// Whatever comes back, these bytes or none, the client gets an answer, and the same one whether its head goes out first.
fn answers(exchange: &mut Exchange, body: &[u8]) {
    let codes = ["accepted", "granted", "reset", "keys", "policy", "throttled", "unsigned", "?"];
    let heads = [(MadeBy::Proxy, None), (MadeBy::Sidecar, None)];
    let said = codes.iter().map(|code| (MadeBy::Sidecar, Some(*code)));
    for (made_by, outcome) in heads.into_iter().chain(said) {
        let head = AnswerHead { status: 200, made_by, outcome, retry_after: None };
        let whole = exchange.on_answer(&head, body);
        can_be_sent(&whole);
        let begun = exchange.on_answer_head(&head);
        assert!(begun.body.is_empty());
        match exchange.on_answer_body(body) {
            Some(body) => assert_eq!(Answer { body, ..begun }, whole),
            None => assert_eq!(exchange.on_failure(), whole),
        }
    }
    can_be_sent(&exchange.on_failure());
}

struct Request<'b> {
    method: &'b [u8],
    target: &'b [u8],
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    body: &'b [u8],
}

impl<'b> Request<'b> {
    fn read(bytes: &'b [u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = match end {
            Some(end) => (&bytes[..end], &bytes[end + 4..]),
            None => (bytes, &[][..]),
        };
        let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
        let mut words = lines.next().unwrap_or_default().split(|byte| *byte == b' ');
        let (method, target) = (words.next(), words.next());
        let headers = lines.filter_map(field).collect();
        Self {
            method: method.unwrap_or_default(),
            target: target.unwrap_or_default(),
            headers,
            body,
        }
    }

    fn head(&self) -> Head {
        let pseudo = [(&b":method"[..], self.method), (&b":path"[..], self.target)];
        let headers = self.headers.iter().map(|(name, value)| (name.as_slice(), value.as_slice()));
        Head::new(pseudo.into_iter().chain(headers).collect())
    }

    fn is_whole(&self) -> bool {
        let announced = |name: &[u8]| self.headers.iter().any(|(known, _)| known == name);
        let is_announced = announced(b"content-length") || announced(b"transfer-encoding");
        self.body.is_empty() && !is_announced
    }

    /// What passed on holds nothing that a lenient app reads as the member and the value that make it a reset.
    fn is_harmless(&self) {
        let target = String::from_utf8_lossy(self.target);
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        if self.method != b"POST" {
            return;
        }
        let routes = DIALECTS.iter().flat_map(|dialect| dialect.routes());
        for route in routes.filter(|route| route.path == path) {
            let Sharing::Value { member, ours } = route.sharing else { continue };
            for (name, value) in self.readings().into_iter().chain(form(query)) {
                let is_ours = name.eq_ignore_ascii_case(member) && value.trim() == ours;
                assert!(!is_ours, "a reset passed on: {}", String::from_utf8_lossy(self.body));
            }
        }
    }

    /// The members that an app finds in the body: the last of a name; or a form's pairs, where the label lets it look
    /// for them.
    fn readings(&self) -> Vec<(String, String)> {
        let mut labels = self.headers.iter().filter(|(name, _)| name == b"content-type");
        let is_json =
            |(_, label): &(_, Vec<u8>)| label.to_ascii_lowercase().starts_with(b"application/json");
        let is_labelled = labels.next().is_some_and(is_json) && labels.next().is_none();
        let text = String::from_utf8_lossy(self.body);
        let mut found = if is_labelled { Vec::new() } else { form(&text) };
        if let Ok(serde_json::Value::Object(object)) = serde_json::from_slice(self.body) {
            let texts = object
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
            found.extend(texts);
        }
        found
    }
}

fn field(line: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let colon = line.iter().position(|byte| *byte == b':').filter(|colon| *colon > 0)?;
    let name = line[..colon].to_ascii_lowercase();
    Some((name, line[colon + 1..].trim_ascii().to_vec()))
}

fn form(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (plain(name), plain(value))).collect()
}

/// Percent-decoded once, leniently.
fn plain(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// As the sidecar judges it: signature, then the message, which is written as it was read.
fn is_believed(forward: &Forward) {
    let keys: [EdgeKey; 1] = [edge().key().clone()];
    let verified = verify(&forward.body, &keys, edge().audience(), forward.operation, NOW);
    let verified = verified.unwrap_or_else(|fault| panic!("not believed: {fault}"));
    let text = String::from_utf8_lossy(verified.json);
    let message = Message::decode(verified.json).unwrap_or_else(|_| panic!("not read: {text}"));
    assert_eq!(message.operation(), forward.operation, "{text}");
    assert_eq!(message.encode().as_bytes(), verified.json, "{text}");
}

/// No header can be split, and JSON is JSON.
fn can_be_sent(answer: &Answer) {
    assert!((200..600).contains(&answer.status), "{answer:?}");
    for (name, value) in &answer.headers {
        let is_visible = value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        assert!(is_visible, "{name}: {value:?}");
    }
    let count = |wanted: &str| answer.headers.iter().filter(|(name, _)| *name == wanted).count();
    for name in ["cache-control", "x-content-type-options", "x-request-id"] {
        assert_eq!(count(name), 1, "{name}: {answer:?}");
    }
    if !answer.body.is_empty() {
        assert!(json::parse(&answer.body, Names::Exact).is_ok(), "{answer:?}");
    }
}

/// A host whose clock stands still and whose random bytes are counted.
#[derive(Default)]
struct Host {
    drawn: u8,
}

impl Circumstances for Host {
    fn now(&mut self) -> Option<u64> {
        Some(NOW)
    }

    fn random(&mut self) -> Option<[u8; 16]> {
        self.drawn = self.drawn.wrapping_add(1);
        Some([self.drawn; 16])
    }

    fn sender(&mut self) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, 1]))
    }
}

fn edge() -> &'static Edge {
    static EDGE: OnceLock<Edge> = OnceLock::new();
    let configuration = include_bytes!("../../../tests/fixtures/edge.json");
    EDGE.get_or_init(|| Edge::from_json(configuration, &mut |_| None).unwrap())
}
