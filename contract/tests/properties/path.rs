//! Any bytes as a path. The loose reading is idempotent, and a path that some chain of lenient routers reads as a claimed
//! one is never free. `<steps> <path>`: the letters say what the routers do, in their order.

use std::net::IpAddr;
use std::sync::OnceLock;

use contract::dialect::DIALECTS;
use contract::edge::{Circumstances, Edge, Head, Step, loose};

/// As many steps as a chain of routers can have here.
const MAX_STEPS: usize = 8;

/// Judges a path as it is and as the routers read it.
pub(crate) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (steps, path) = text.split_once(' ').unwrap_or(("", &text));
    let path = path.split('?').next().unwrap_or_default();
    let once = loose(path);
    assert_eq!(loose(&once), once, "{path:?}");
    let read = steps.chars().take(MAX_STEPS).fold(path.to_owned(), |path, step| route(&path, step));
    let mut routes = DIALECTS.iter().flat_map(|dialect| dialect.routes());
    if routes.any(|route| [&read, &once].iter().any(|reading| *reading == route.path)) {
        assert!(!is_free(path), "{path:?} is free, and {steps:?} makes {read:?} of it");
    }
}

fn is_free(path: &str) -> bool {
    let pairs = [(":method", "POST"), (":path", path)];
    matches!(
        edge().on_head(Head::new(pairs.into_iter().collect()), false, &mut Nowhere).0,
        Step::Pass
    )
}

/// One thing that some router does to a path before it looks for a handler.
fn route(path: &str, step: char) -> String {
    match step {
        'b' => path.replace('\\', "/"),
        'c' => segments(path, |segment| segment.split(';').next().unwrap_or_default().to_owned()),
        'd' => decoded(path),
        'l' => path.to_ascii_lowercase(),
        'm' => resolved(path),
        'n' => path.split('\0').next().unwrap_or_default().to_owned(),
        'q' => path.split(['?', '#']).next().unwrap_or_default().to_owned(),
        's' => path.trim_end_matches('/').to_owned(),
        't' => segments(path, without_end),
        'w' => path.trim().to_owned(),
        _ => path.to_owned(),
    }
}

/// As Windows opens files; dots alone are no name.
fn without_end(segment: &str) -> String {
    let name = segment.trim_end_matches(['.', ' ']);
    if name.is_empty() { segment.to_owned() } else { name.to_owned() }
}

fn segments(path: &str, change: impl Fn(&str) -> String) -> String {
    path.split('/').map(change).collect::<Vec<_>>().join("/")
}

/// RFC 3986, 5.2.4, and doubled slashes as one.
fn resolved(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            name => kept.push(name),
        }
    }
    format!("/{}", kept.join("/"))
}

fn decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail.get(..2).filter(|two| two.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|two| std::str::from_utf8(two).ok());
        match digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

struct Nowhere;

impl Circumstances for Nowhere {
    fn now(&mut self) -> Option<u64> {
        None
    }

    fn random(&mut self) -> Option<[u8; 16]> {
        None
    }

    fn sender(&mut self) -> Option<IpAddr> {
        None
    }
}

fn edge() -> &'static Edge {
    static EDGE: OnceLock<Edge> = OnceLock::new();
    let configuration = include_bytes!("../../../tests/fixtures/edge.json");
    EDGE.get_or_init(|| Edge::from_json(configuration, &mut |_| None).unwrap())
}
