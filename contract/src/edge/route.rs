//! The regular expression by which a gateway sends requests through the filter: every default path of every dialect, in
//! every spelling that survives a gateway's own normalisation. It may catch more than is claimed, never less.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::{format, string::String, vec::Vec};

use crate::dialect::{DIALECTS, Does};
use crate::message::Operation;

/// What can stand between two segments: slashes, and whatever lenient routers drop behind a segment.
const BETWEEN: &str = "(?:[;%.][^/]*|/)+";

/// Escapes that should not be in a path of ours: double ones, white space and controls, and everything beyond ASCII, in
/// which are letters that fold into it, characters that nobody sees, and bytes that some decoders drop.
const DISGUISE: &str = "%(?:[0189a-f]|2[05]|7f)";

/// Separators and dots that were escaped twice, and dot segments with something behind them: these move a path.
const MOVES: &str = ".*(?:%25(?:25)*(?:2e|2f|5c)|/[.]{1,2}[;%]).*";

/// RE2 syntax, to be matched against the whole path without its query.
pub fn route_regex() -> String {
    let mut root = Node::default();
    for route in DIALECTS.iter().flat_map(|dialect| dialect.routes()) {
        root.add(route.path.split('/').filter(|segment| !segment.is_empty()));
    }
    let first: Vec<&str> = root.children.keys().copied().collect();
    let first = first.join("|");
    // Disguises count below a claimed first segment and inside a first segment only: other routes are not ours to take.
    format!(
        "(?i){}/*(?:[;%.].*)?|{BETWEEN}(?:{first}).*{DISGUISE}.*|/+[^/]*{DISGUISE}[^/]*/.*|{MOVES}",
        root.expression()
    )
}

/// The default paths of all asks as they are written, and none of their other spellings: for gateways that send a part of
/// them to the app's own reset.
pub fn ask_regex() -> String {
    let routes = DIALECTS.iter().flat_map(|dialect| dialect.routes());
    let asks = routes.filter(|route| route.does == Does::Call(Operation::Initiate));
    let paths: BTreeSet<&str> = asks.map(|route| route.path).collect();
    let paths: Vec<String> = paths.iter().map(|path| path.replace('.', "[.]")).collect();
    paths.join("|")
}

/// The first segments of all default paths, sorted: for gateways that decode a path before they choose by it, and send it
/// on as it came.
pub fn first_segments() -> BTreeSet<&'static str> {
    let routes = DIALECTS.iter().flat_map(|dialect| dialect.routes());
    routes.filter_map(|route| route.path.split('/').find(|segment| !segment.is_empty())).collect()
}

#[derive(Default)]
struct Node {
    ends: bool,
    children: BTreeMap<&'static str, Node>,
}

impl Node {
    fn add(&mut self, mut segments: impl Iterator<Item = &'static str>) {
        match segments.next() {
            Some(segment) => self.children.entry(segment).or_default().add(segments),
            None => self.ends = true,
        }
    }

    fn expression(&self) -> String {
        let below: Vec<String> = self
            .children
            .iter()
            .map(|(segment, node)| format!("{}{}", segment.replace('.', "[.]"), node.expression()))
            .collect();
        match below.as_slice() {
            [] => String::new(),
            [only] if !self.ends => format!("{BETWEEN}{only}"),
            _ if self.ends => format!("(?:{BETWEEN}(?:{}))?", below.join("|")),
            _ => format!("{BETWEEN}(?:{})", below.join("|")),
        }
    }
}
