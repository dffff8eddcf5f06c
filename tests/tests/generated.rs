//! Tables of the README and what envoy.yaml and nginx.conf say of paths come from the code. Without REKEY_BLESS a difference fails; with it
//! the files are written anew.

use std::fmt::Write as _;
use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;

use contract::dialect::{DIALECTS, Does, Route, Sharing};
use contract::edge::{self, Circumstances, Edge, Head, route_regex};
use contract::message::{Claim, Flow};
use contract::name::Name;
use contract::secret::{Code, Token};
use contract::{json, signature};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// Holds a file against what it should be, or writes it.
fn settle(name: &str, is: &str, should: &str) {
    if std::env::var_os("REKEY_BLESS").is_some() {
        fs::write(file(name), should).unwrap();
        return;
    }
    let differs = is.lines().zip(should.lines()).find(|(is, should)| is != should);
    assert!(is == should, "{name} is not what the code says: run ./just bless\n{differs:#?}");
}

/// Replaces what stands between the markers of this name.
fn with_block(text: &str, name: &str, block: &str) -> String {
    let open = format!("<!-- generated: {name} -->\n");
    let start = text.find(&open).unwrap_or_else(|| panic!("no marker for {name}")) + open.len();
    let end = start + text[start..].find("<!-- /generated -->").unwrap();
    format!("{}{}{}", &text[..start], block, &text[end..])
}

#[test]
fn readme_tables_come_from_the_code() {
    let is = fs::read_to_string(file("README.md")).unwrap();
    let should = with_block(&is, "dialects", &dialects());
    let should = with_block(&should, "edge configuration", &edge_configuration());
    let should = with_block(&should, "sidecar configuration", &sidecar::config::reference());
    let should = with_block(&should, "password profiles", &sidecar::password::table());
    let should = with_block(&should, "hash formats", &sidecar::password::formats());
    let should = with_block(&should, "limits", &limits());
    let should = with_block(&should, "limits of use", &sidecar::limits::table::show());
    settle("README.md", &is, &should);
}

#[test]
fn envoy_yaml_has_the_regex_and_the_busy_words_of_the_dialects() {
    let is = fs::read_to_string(file("envoy/envoy.yaml")).unwrap();
    let open = "regex: '(?i)";
    let start = is.find(open).unwrap() + "regex: '".len();
    let end = start + is[start..].find('\'').unwrap();
    let should = format!("{}{}{}", &is[..start], route_regex(), &is[end..]);
    settle("envoy/envoy.yaml", &is, &should);
    says_busy_in_the_words_of_the_dialects(&should);
}

#[test]
fn nginx_conf_has_the_first_segments_of_the_dialects() {
    let is = fs::read_to_string(file("envoy/nginx/nginx.conf")).unwrap();
    let open = "location ~* \"^/(?:";
    let start = is.find(open).unwrap() + open.len();
    let end = start + is[start..].find(')').unwrap();
    let segments: Vec<&str> = edge::first_segments().into_iter().collect();
    assert!(
        segments.iter().all(|segment| segment.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    );
    let should = format!("{}{}{}", &is[..start], segments.join("|"), &is[end..]);
    settle("envoy/nginx/nginx.conf", &is, &should);
}

fn dialects() -> String {
    let mut table =
        String::from("| dialect | route (its key under `paths`) | path |\n|---|---|---|\n");
    for dialect in DIALECTS {
        for route in dialect.routes() {
            let (name, vendor) = (dialect.name(), dialect.vendor());
            let _ = writeln!(table, "| {name} ({vendor}) | `{}` | {} |", route.name, path(route));
        }
    }
    table
}

fn path(route: &Route) -> String {
    let method = match route.does {
        Does::Call(_) => "POST",
        Does::Keys | Does::Link => "GET",
    };
    let shared = match route.sharing {
        Sharing::Exclusive => String::new(),
        Sharing::Value { member, ours } => format!("; shared, ours when `{member}` is `{ours}`"),
        Sharing::SignedIn { members } => {
            format!(
                "; shared, not ours with `Authorization` and without `{}`",
                members.join("`, `")
            )
        }
    };
    format!("`{method} {}`{shared}", route.path)
}

fn edge_configuration() -> String {
    let mut table = String::from("| key | meaning |\n|---|---|\n");
    for (key, meaning) in edge::KEYS {
        let _ = writeln!(table, "| `{key}` | {meaning} |");
    }
    table
}

fn limits() -> String {
    let rows = [
        (
            "request body",
            format!("{} bytes; larger is refused before it is read whole", edge::MAX_BODY),
        ),
        ("answer of the sidecar", format!("{} bytes", edge::MAX_ANSWER)),
        (
            "JSON",
            format!(
                "RFC 8259, depth {}, {} members a container, no duplicates, numbers of {} bytes",
                json::MAX_DEPTH,
                json::MAX_MEMBERS,
                json::MAX_NUMBER
            ),
        ),
        (
            "e-mail",
            "254 bytes, local part 64, dot-atom; domain LDH or beyond ASCII, each label 63".into(),
        ),
        (
            "phone",
            "E.164, 7 to 15 digits; national form with a configured or given calling code".into(),
        ),
        (
            "password",
            "1 byte or more at the edge; the policy's minimum and maximum in the sidecar".into(),
        ),
        ("code", format!("1 to {} bytes without controls", Code::MAX_BYTES)),
        ("token", format!("1 to {} bytes without controls", Token::MAX_BYTES)),
        ("client id, request id, site", format!("1 to {} of A-Z a-z 0-9 . _ -", Name::MAX_BYTES)),
        (
            "user agent, device",
            format!("cut to {} printable characters; kept for the audit only", Claim::MAX_CHARS),
        ),
        ("flow cookie", format!("{} hexadecimal digits", Flow([0; 16]).to_hex().len())),
        ("message age", format!("{} s either way", signature::CLOCK_WINDOW)),
    ];
    let mut table = String::from("| field | limit |\n|---|---|\n");
    for (field, limit) in rows {
        let _ = writeln!(table, "| {field} | {limit} |");
    }
    table
}

/// The answer to a failure of the filter itself is Envoy's to give: it must be the one that the dialect gives for busy.
fn says_busy_in_the_words_of_the_dialects(yaml: &str) {
    let configuration = fs::read(file("tests/fixtures/edge.json")).unwrap();
    let edge = Edge::from_json(&configuration, &mut |_| None).unwrap();
    for dialect in DIALECTS {
        let path = dialect.routes()[0].path;
        let pairs = [(":method", "POST"), (":path", path), ("x-request-id", "REQUEST")];
        let pairs =
            pairs.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        let (_, exchange) = edge.on_head(Head::new(pairs.to_vec()), false, &mut Nothing);
        // One that this file does not switch on needs no words in it.
        let Some(mut exchange) = exchange else { continue };
        let body = String::from_utf8(exchange.on_failure().body).unwrap();
        let body = body.replace("REQUEST", "%REQ(X-REQUEST-ID)%");
        let quoted = match body.strip_suffix('\n') {
            Some(line) => format!("\"{}\\n\"", line.replace('"', "\\\"")),
            None => format!("'{body}'"),
        };
        let line = format!("inline_string: {quoted}\n");
        assert!(
            yaml.contains(&line),
            "envoy/envoy.yaml does not say, for {}: {line}",
            dialect.name()
        );
    }
}

/// A host that knows nothing; no circumstance is asked for where the request has an id and no body yet.
struct Nothing;

impl Circumstances for Nothing {
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
