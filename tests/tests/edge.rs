//! What is `rekey edge`'s alone: where it takes the client's address from, sidecars that come and go, its key, its doors.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use contract::message::Message;
use contract::name::Name;
use contract::signature::{EdgeKey, verify};
use rekey_tests::http::{Call, Line, send_raw};
use rekey_tests::stage::{
    Answer, App, Edge, EdgeOptions, Reaction, Received, Server, rekey, until,
};

const KEY: &str = "9f3c1b7ae04d58622c91d3f8a7b6405e1d2cf9083b64a75e8812c06fd4a93b57";
const NEXT: &str = "0a4e6c92d1b85f37e2906b1dc4f87a3595be20d7136cf84a9e05b3d2c7618f4e";
const INITIATE: &str = "/reset/v1/initiate";
const BODY: &str = r#"{"channel":"email","to":"jo.mark@example.com"}"#;

/// An edge between an app and a stand-in for the sidecar.
struct Stand {
    app: App,
    edge: Edge,
    sidecar: Server,
}

fn kind_sidecar() -> Server {
    Server::start(|_| {
        let answer = Answer::json(202, r#"{"outcome":"accepted"}"#);
        Reaction::Answer(answer.header("rekey-outcome", "accepted"))
    })
    .unwrap()
}

impl Stand {
    fn start(change: impl FnOnce(&mut EdgeOptions)) -> Self {
        let (app, sidecar) = (App::start().unwrap(), kind_sidecar());
        let mut options = EdgeOptions::new(sidecar.addr(), app.addr(), KEY).unwrap();
        change(&mut options);
        let edge = Edge::start(&options).unwrap();
        Self { app, edge, sidecar }
    }

    fn with(lines: &str) -> Self {
        Self::start(|options| lines.clone_into(&mut options.lines))
    }

    /// The address in the only message that reached the sidecar.
    fn sender(&self) -> Option<String> {
        let requests = self.sidecar.requests();
        self.sidecar.clear();
        let [request] = requests.as_slice() else { return None };
        let json = request.body.splitn(2, |byte| *byte == b'\n').nth(1)?;
        Some(Message::decode(json).ok()?.context.sender.to_string())
    }

    fn metric(&self, name: &str) -> Option<String> {
        let text = Call::get("/metrics").send(self.edge.admin().unwrap()).unwrap().text();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim().to_owned())
    }
}

fn ask() -> Call {
    Call::post_json(INITIATE, BODY)
}

/// Sends these bytes and what comes back before the end of the connection.
fn raw(to: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let _closed = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn closing(call: &Call) -> Vec<u8> {
    call.clone().header("connection", "close").to_bytes("g")
}

#[test]
fn no_header_speaks_for_a_client_by_default() {
    let stand = Stand::with("");
    let call = ask().header("x-forwarded-for", "203.0.113.7").header("x-real-ip", "203.0.113.7");
    assert_eq!(call.send(stand.edge.addr()).unwrap().status, 202);
    assert_eq!(stand.sender().as_deref(), Some("127.0.0.1"));
}

#[test]
fn trusted_hops_are_counted_from_the_right() {
    for (lines, header, sender) in [
        ("trusted_hops = 1", "203.0.113.7", "203.0.113.7"),
        ("trusted_hops = 1", "9.9.9.9, 203.0.113.7", "203.0.113.7"),
        ("trusted_hops = 2", "9.9.9.9, 203.0.113.7", "9.9.9.9"),
        ("trusted_hops = 2", "203.0.113.7", "127.0.0.1"),
        ("trusted_hops = 1\ntrusted = \"10.0.0.0/8\"", "203.0.113.7", "127.0.0.1"),
    ] {
        let stand = Stand::with(lines);
        ask().header("x-forwarded-for", header).send(stand.edge.addr()).unwrap();
        assert_eq!(stand.sender().as_deref(), Some(sender), "{lines} {header}");
        Call::get("/x").header("x-forwarded-for", header).send(stand.edge.addr()).unwrap();
        let seen = stand.app.requests().pop().unwrap().header("x-forwarded-for");
        assert_eq!(seen, Some(format!("{header}, 127.0.0.1")), "{lines}");
    }
}

#[test]
fn a_unix_socket_is_served_and_its_peers_are_believed() {
    let stand = Stand::start(|options| {
        options.listen = "unix:edge.sock".to_owned();
        options.lines = "trusted_hops = 1".to_owned();
    });
    let ask = |call: Call| {
        let mut stream = UnixStream::connect(stand.edge.socket().unwrap()).unwrap();
        stream.write_all(&closing(&call)).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let answer = ask(ask_for("2001:db8::7"));
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    assert_eq!(stand.sender().as_deref(), Some("2001:db8::7"));
    // Nobody knows whose this is.
    let answer = ask(self::ask());
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("\"busy\""), "{answer}");
    assert_eq!(stand.sender(), None);
}

fn ask_for(client: &str) -> Call {
    ask().header("x-forwarded-for", client)
}

#[test]
fn the_proxy_protocol_is_required_where_it_is_wanted() {
    let stand = Stand::with("proxy_protocol = true");
    let v2 = |rest: &[u8]| [b"\r\n\r\n\0\r\nQUIT\n\x21\x11", rest].concat();
    let address = [0, 12, 203, 0, 113, 9, 10, 0, 0, 1, 0, 1, 0, 2];
    let good: [(Vec<u8>, &str); 3] = [
        (b"PROXY TCP4 203.0.113.7 10.0.0.1 1 2\r\n".to_vec(), "203.0.113.7"),
        (v2(&address), "203.0.113.9"),
        (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.1"),
    ];
    for (header, sender) in good {
        // What a client says of itself counts nothing.
        let bytes = [header, closing(&ask_for("9.9.9.9"))].concat();
        let answer = raw(stand.edge.addr(), &bytes);
        assert!(answer.starts_with("HTTP/1.1 202"), "{sender}: {answer}");
        assert_eq!(stand.sender().as_deref(), Some(sender));
    }
    for header in [
        b"".to_vec(),
        b"PROXY TCP4 203.0.113.7 10.0.0.1 1\r\n".to_vec(),
        b"PROXY TCP4 203.0.113.7\r\n\r\n".to_vec(),
        v2(&[0, 3, 203, 0, 113]),
        v2(&[0xFF; 40]),
    ] {
        let answer = raw(stand.edge.addr(), &[header, closing(&ask())].concat());
        assert_eq!(answer, "");
        assert_eq!(stand.sender(), None);
    }
    assert!(stand.app.requests().is_empty());
    let refused = "rekey_edge_refused_total{reason=\"proxy_protocol\"}";
    assert!(stand.metric(refused).is_some());
}

#[test]
fn only_trusted_proxies_announce_clients() {
    let stand = Stand::with("proxy_protocol = true\ntrusted = [\"10.0.0.0/8\"]");
    let header = b"PROXY TCP4 203.0.113.7 10.0.0.1 1 2\r\n".to_vec();
    assert_eq!(raw(stand.edge.addr(), &[header, closing(&ask())].concat()), "");
    assert_eq!(stand.sender(), None);
    assert_eq!(
        stand.metric("rekey_edge_refused_total{reason=\"untrusted\"}").as_deref(),
        Some("1")
    );
}

/// What has two meanings is answered before anybody could hear the second.
#[test]
fn ambiguous_requests_are_nobodys() {
    let stand = Stand::with("");
    for (request, status) in [
        ("GET /a%2fb HTTP/1.1\r\nhost: g\r\n\r\n", 400),
        ("GET /a%5Cb HTTP/1.1\r\nhost: g\r\n\r\n", 400),
        ("GET /a%00 HTTP/1.1\r\nhost: g\r\n\r\n", 400),
        ("GET /%zz HTTP/1.1\r\nhost: g\r\n\r\n", 400),
        ("GET /a HTTP/1.1\r\n\r\n", 400),
        ("GET /a HTTP/1.1\r\nhost: g\r\nhost: g\r\n\r\n", 400),
        ("GET /a HTTP/1.1\r\nhost: g/x\r\n\r\n", 400),
        ("GET http://u@g/a HTTP/1.1\r\nhost: g\r\n\r\n", 400),
        ("GET /a HTTP/1.0\r\nhost: g\r\n\r\n", 426),
        ("CONNECT g:443 HTTP/1.1\r\nhost: g:443\r\n\r\n", 405),
        ("POST /a HTTP/1.1\r\nhost: g\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        ("POST /a HTTP/1.1\r\nhost: g\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", 400),
        ("POST /a HTTP/1.1\r\nhost: g\r\nexpect: more\r\ncontent-length: 0\r\n\r\n", 417),
    ] {
        assert_eq!(
            send_raw(stand.edge.addr(), request.as_bytes()).unwrap().status,
            status,
            "{request}"
        );
    }
    assert!(stand.app.requests().is_empty() && stand.sidecar.requests().is_empty());
}

#[test]
fn the_app_gets_the_path_that_was_judged() {
    let stand = Stand::with("");
    for (target, judged) in [
        ("//a///b?c=//d", "/a/b?c=//d"),
        ("/x/../%61/./b", "/a/b"),
        ("/a\\b", "/a/b"),
        ("http://other.example/a?b", "/a?b"),
        ("/a%20b/%C3%A9", "/a%20b/%C3%A9"),
    ] {
        let call = Call::get(target).header("x-rekey-operation", "confirm").header("x-two", "1");
        call.header("x-two", "2").send(stand.edge.addr()).unwrap();
        let seen = stand.app.requests().pop().unwrap();
        assert_eq!(seen.target, judged, "{target}");
        assert!(seen.header("x-rekey-operation").is_none(), "{target}");
        let twice = seen.headers.iter().filter(|(name, _)| name == "x-two").count();
        assert_eq!((twice, seen.header("x-request-id").map(|id| id.len())), (2, Some(32)));
    }
    assert_eq!(stand.app.requests()[3].header("host").as_deref(), Some("other.example"));
}

/// Of two sidecars one is enough; that the other failed is remembered.
#[test]
fn the_next_sidecar_is_asked_when_one_is_gone() {
    let second = kind_sidecar();
    let mut stand =
        Stand::start(|options| options.sidecars.push(format!("http://{}", second.addr())));
    let asked = |server: &Server| {
        server.requests().iter().filter(|request| request.method == "POST").count()
    };
    for _ in 0..2 {
        assert_eq!(ask().send(stand.edge.addr()).unwrap().status, 202);
    }
    assert_eq!((asked(&stand.sidecar), asked(&second)), (1, 1));
    stand.sidecar.stop();
    for _ in 0..3 {
        assert_eq!(ask().send(stand.edge.addr()).unwrap().status, 202);
    }
    assert_eq!(asked(&second), 4);
    let fault = "rekey_edge_upstream_faults_total{upstream=\"sidecar\",reason=\"connect\"}";
    assert_eq!(stand.metric(fault).as_deref(), Some("1"));
    let answered =
        "rekey_edge_requests_total{dialect=\"native\",operation=\"initiate\",outcome=\"accepted\"}";
    assert_eq!(stand.metric(answered).as_deref(), Some("5"));
}

fn signed_by(request: &Received) -> Option<&'static str> {
    let audience = Name::parse("default")?;
    let operation = contract::message::Operation::from_path(&request.target)?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
    [("edge1", KEY), ("edge2", NEXT)].into_iter().find_map(|(id, digits)| {
        let key = EdgeKey::parse(Name::parse(id)?, digits)?;
        verify(&request.body, &[key], &audience, operation, now).ok().map(|_| id)
    })
}

/// Requests go on meanwhile, each signed by one of the two; a file that is no key changes nothing.
#[test]
fn the_key_is_exchanged_while_it_serves() {
    let stand = Stand::with("");
    let signed = || {
        assert_eq!(ask().send(stand.edge.addr()).unwrap().status, 202);
        let seen = stand.sidecar.requests().pop().unwrap();
        Ok(signed_by(&seen).expect("a key of ours"))
    };
    assert_eq!(signed().unwrap() as &str, "edge1");
    stand.edge.exchange_key("edge2", NEXT).unwrap();
    until("the next key", || signed().map(|id: &str| (id == "edge2").then_some(()))).unwrap();
    stand.edge.exchange_key("edge3", "no key").unwrap();
    until("the refusal", || Ok(stand.edge.log().contains("keys_unreadable").then_some(())))
        .unwrap();
    assert_eq!(signed().unwrap(), "edge2");
}

/// The app's faults are its own: a plain 502, and the connection serves on.
#[test]
fn an_app_that_is_gone_is_told() {
    let mut stand = Stand::with("");
    stand.app.stop();
    let mut line = Line::connect(stand.edge.addr()).unwrap();
    for (call, status) in [(Call::get("/x"), 502), (ask(), 202), (Call::get("/y"), 502)] {
        line.write(&call.to_bytes("g")).unwrap();
        assert_eq!(line.reply(false).unwrap().status, status);
    }
}

/// The app's time runs from the end of a request, however long that took, and a body may not stop in the middle.
#[test]
fn slow_apps_and_bodies_that_stop_are_given_up() {
    let silent = Server::start(|_| Reaction::Silence).unwrap();
    let stand = Stand::start(|options| {
        options.app = silent.addr();
        options.lines = "app_timeout = \"1s\"\npause = \"2s\"".to_owned();
    });
    assert_eq!(Call::get("/x").send(stand.edge.addr()).unwrap().status, 504);
    let mut line = Line::connect(stand.edge.addr()).unwrap();
    line.write(b"POST /x HTTP/1.1\r\nhost: g\r\ncontent-length: 9\r\n\r\nhalf").unwrap();
    assert_eq!(line.reply(false).unwrap().status, 502);
    let timed_out = "rekey_edge_upstream_faults_total{upstream=\"app\",reason=\"timeout\"}";
    assert_eq!(stand.metric(timed_out).as_deref(), Some("1"));
}

/// A request that is under way is answered; then the program ends well.
#[test]
fn stopping_finishes_what_was_begun() {
    let app = App::start().unwrap();
    let sidecar = Server::start(|_| Reaction::Silence).unwrap();
    let options = EdgeOptions::new(sidecar.addr(), app.addr(), KEY).unwrap();
    let mut edge = Edge::start(&options).unwrap();
    let ready = Call::get("/readyz").send(edge.admin().unwrap()).unwrap();
    assert_eq!((ready.status, ready.text().as_str()), (200, "ready\n"));
    let mut line = Line::connect(edge.addr()).unwrap();
    line.write(&ask().to_bytes("g")).unwrap();
    sidecar.wait_for(1).unwrap();
    let stopped = std::thread::scope(|scope| {
        let stopping = scope.spawn(|| edge.stop());
        // Its two tries are over after six seconds, within what a stop waits for.
        assert_eq!(line.reply(false).unwrap().status, 503);
        stopping.join().unwrap().unwrap()
    });
    assert!(stopped.success(), "{}", edge.log());
}

#[test]
fn a_configuration_is_judged_without_running() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write(
        "edge.json",
        r#"{"audience":"a","base_url":"http://127.0.0.1:1","dialects":{"native":{}}}"#,
    );
    write(
        "edge.toml",
        "[edge]\napp = \"http://127.0.0.1:1\"\nkey = \"file:k\"\nfilter = \"file:edge.json\"\n",
    );
    let check = || rekey(&["edge", "--check", "--config", "edge.toml"], "", dir.path()).unwrap();
    let told = check();
    assert_eq!(told.status.code(), Some(1));
    assert!(told.out.contains("the key file cannot be read"), "{}", told.out);
    write("edge.toml", "[edge]\nfiler = 1\n");
    assert!(check().out.contains("did you mean edge.filter?"), "{}", check().out);
    let alone = rekey(&["edge"], "", dir.path()).unwrap();
    assert_eq!(alone.status.code(), Some(2));
    assert!(alone.err.contains("--config"), "{}", alone.err);
}

/// What a client names in `connection`, a proxy takes away: the app must not get another request than the one that was
/// judged. `{"a":"&state=reset..` is a form to whoever is not told that it is JSON.
#[test]
fn a_connection_header_hides_nothing_that_was_judged() {
    let stand = Stand::with("");
    let body = r#"{"a":"&state=reset&email=victim@example.com&b="}"#;
    let cases = [
        ("/api/verify/email", "content-type", body),
        ("/api/verify/email", "keep-alive, Content-Type", body),
        ("/api/verify/email", "x,\tcontent-type ,y", body),
        ("/api/v2/sdk/pwd/update-by-email", "authorization", r#"{"password":"a new one"}"#),
    ];
    for (path, hidden, body) in cases {
        let call = Call::post_json(path, body).header("authorization", "Bearer signed-in");
        let reply = call.header("connection", hidden).send(stand.edge.addr()).unwrap();
        assert!(
            reply.text().contains("\u{53c2}\u{6570}") || reply.status == 400,
            "{hidden}: {reply:?}"
        );
        assert!(stand.app.requests().is_empty() && stand.sidecar.requests().is_empty(), "{hidden}");
    }
    let call = Call::post_json("/api/verify/email", r#"{"a":"1"}"#);
    call.header("connection", "keep-alive, x-own").send(stand.edge.addr()).unwrap();
    assert_eq!(stand.app.requests().len(), 1);
}
