//! Tables of the README, what envoy.yaml and nginx.conf say of paths, and portable.yaml come from the code. Without REKEY_BLESS a difference fails; with it
//! the files are written anew.

use std::fmt::Write as _;
use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;

use contract::dialect::{DIALECTS, Does, Route, Sharing};
use contract::edge::{self, Circumstances, Edge, Head, ask_regex, route_regex};
use contract::message::{Claim, Flow};
use contract::name::Name;
use contract::secret::{Code, Token};
use contract::{json, signature};
use rekey_tests::apps::{APPS, App};
use rekey_tests::fixture::shares_calls;

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
    let should =
        with_block(&should, "rekey edge configuration", &sidecar::config::edge_reference());
    let should = with_block(&should, "sidecar configuration", &sidecar::config::reference());
    let should = with_block(&should, "password profiles", &sidecar::password::table());
    let should = with_block(&should, "hash formats", &sidecar::password::formats());
    let should = with_block(&should, "recipes", &recipes());
    let should = with_block(&should, "limits", &limits());
    let should = with_block(&should, "limits of use", &sidecar::limits::table::show());
    settle("README.md", &is, &should);
}

/// README's table of apps.
fn recipes() -> String {
    let mut table = String::from(
        "| `sql.recipe` | app, as tested | its databases there | hashes | what ends the sessions of before | lines to paste |\n\
         |---|---|---|---|---|---|\n",
    );
    for App { name, title, version, databases, format, sessions } in &APPS {
        let app = format!("{title} {version}");
        let app = app.trim_end_matches(['.', ' ']);
        let lines = format!("[rekey.toml](tests/recipes/{name}/rekey.toml)");
        let row = format!("`{name}` | {app} | {databases} | `{format}` | {sessions} | {lines}");
        let _ = writeln!(table, "| {row} |");
    }
    table
}

#[test]
fn the_envoy_files_have_the_regex_and_the_busy_words_of_the_dialects() {
    let is = fs::read_to_string(file("envoy/envoy.yaml")).unwrap();
    let open = "regex: '(?i)";
    let start = is.find(open).unwrap() + "regex: '".len();
    let end = start + is[start..].find('\'').unwrap();
    let should = format!("{}{}{}", &is[..start], route_regex(), &is[end..]);
    let open = "safe_regex: &asks { regex: '";
    let start = should.find(open).unwrap() + open.len();
    let end = start + should[start..].find('\'').unwrap();
    let should = format!("{}{}{}", &should[..start], ask_regex(), &should[end..]);
    settle("envoy/envoy.yaml", &is, &should);
    says_busy_in_the_words_of_the_dialects(&should);
    let is = fs::read_to_string(file("envoy/portable.yaml")).unwrap_or_default();
    settle("envoy/portable.yaml", &is, &in_portable_mode(&should));
}

/// The gateway for hosts that hold no heads is the same but for these places, so that the two cannot drift apart.
fn in_portable_mode(natural: &str) -> String {
    let mut text = natural.to_owned();
    for (old, new) in PORTABLE {
        assert_eq!(text.matches(old).count(), 1, "envoy/envoy.yaml has another place for\n{old}");
        text = text.replacen(old, new, 1);
    }
    for dialect in DIALECTS.iter().filter(|dialect| shares_calls(**dialect)) {
        let open = format!("\"{}\": {{", dialect.name());
        let Some((before, after)) = text.split_once(&open) else { continue };
        let space: String = after.chars().take_while(|c| c.is_whitespace()).collect();
        let between = if space.is_empty() { " " } else { "" };
        text = format!("{before}{open}{space}\"exclusive\": true,{between}{after}");
    }
    text
}

/// What stands in envoy.yaml, and what in portable.yaml in its place.
const PORTABLE: [(&str, &str); 6] = [
    (
        "# Rekey in Envoy (>= 1.35): a complete gateway, and the parts to paste into an existing one.\n",
        "\
# Rekey in an Envoy that cannot hold a head back (before 1.35, or where a product hides
# `allow_on_headers_stop_iteration`): portable mode. Generated from envoy.yaml by ./just bless; the differences are
# `mode`, `exclusive` (no call on a shared path can pass on to your app), and the buffer filter behind ours.
#
# A complete gateway, and the parts to paste into an existing one.
",
    ),
    (
        "                        # The filter waits for the whole body before a header leaves. Without this line requests hang.
                        allow_on_headers_stop_iteration: true
",
        "",
    ),
    ("\"mode\": \"natural\"", "\"mode\": \"portable\""),
    (
        "                  # (3) Behind the filter, so that a 429",
        "                  # (3) Directly behind the filter: keeps a head from the sidecar until the filter has judged the body and put
                  # the signed message in its place, which is never as large as this. Its own 413 would leave in the
                  # dialect's words.
                  - name: envoy.filters.http.buffer
                    disabled: true
                    typed_config:
                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer
                      max_request_bytes: 65536
                  # (3) Behind the filter, so that a 429",
    ),
    (
        "                              config: {}
                            envoy.filters.http.local_ratelimit:
",
        "                              config: {}
                            envoy.filters.http.buffer: *on
                            envoy.filters.http.local_ratelimit:
",
    ),
    (
        "                            rekey: *on
                            # Which filters",
        "                            rekey: *on
                            # Must be among the filters, too, and has nothing to hold of what goes to your app.
                            envoy.filters.http.buffer:
                              \"@type\": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute
                              disabled: true
                            # Which filters",
    ),
];

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
        let (_, exchange) =
            edge.on_head(Head::new(pairs.into_iter().collect()), false, &mut Nothing);
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
