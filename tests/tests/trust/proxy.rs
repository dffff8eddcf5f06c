//! `rekey edge` to real sidecars: over TLS with a certificate of its own, over a Unix socket, and several in turns.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rekey_tests::house::sqlite;
use rekey_tests::http::{Call, Reply};
use rekey_tests::stage::{Answer, App, Edge, EdgeOptions, Reaction, Server, Sidecar, until};

use crate::authority::{Authority, place};
use crate::door::Stand as Door;
use crate::envoy::{edge_key, initiate};

fn start(app: &App, dir: &Path, urls: Vec<String>, lines: &str) -> Edge {
    let (id, digits) = edge_key(dir);
    let mut options = EdgeOptions::new(app.addr(), app.addr(), &digits).unwrap();
    options.key.0 = id;
    options.sidecars = urls;
    options.lines = lines.to_owned();
    Edge::start(&options).unwrap()
}

fn through(edge: &Edge) -> Reply {
    initiate().send(edge.addr()).unwrap()
}

fn tls(dir: &Path, more: &str) -> String {
    let home = dir.display();
    format!(
        "[edge.tls]\ncertificate = \"file:{home}/gateway.pem\"\nkey = \"file:{home}/gateway.key\"\nca = \"file:{home}/door-ca.pem\"\n{more}\n"
    )
}

#[test]
fn a_sidecar_is_asked_over_tls_and_the_files_are_read_again() {
    let (app, door) = (App::start().unwrap(), Door::with("idle = \"1s\"", ""));
    let dir = door.dir.path();
    place(&dir.join("door-ca.pem"), door.ca.pem());
    Authority::draw("theirs").certify(&["gateway"]).write(dir, "gateway");
    let url = format!("https://{}", door.door());
    let edge = start(&app, dir, vec![url], &tls(dir, ""));
    let reply = through(&edge);
    assert!(reply.status == 503 && reply.text().contains("\"busy\""), "{}", reply.text());
    door.ca.certify(&["gateway"]).write(dir, "gateway");
    until("a certificate that is believed", || Ok((through(&edge).status == 202).then_some(())))
        .unwrap();
    assert!(app.requests().is_empty());
    let metrics = Call::get("/metrics").send(edge.admin().unwrap()).unwrap().text();
    assert!(metrics.contains("rekey_certificate_not_after_seconds{certificate=\"edge.tls\"}"));
}

/// Its certificate must be of the CA, and for the name that is expected.
#[test]
fn a_sidecar_that_is_another_gets_no_message() {
    let (app, door) = (App::start().unwrap(), Door::with("", ""));
    let dir = door.dir.path();
    door.ca.certify(&["gateway"]).write(dir, "gateway");
    let other = Authority::draw("theirs");
    for (ca, name, gets_it, reason) in [
        (door.ca.pem(), "", true, ""),
        (door.ca.pem(), "name = \"localhost\"", true, ""),
        (door.ca.pem(), "name = \"sidecar.example.com\"", false, "\"reason\":\"name\""),
        (other.pem(), "", false, "\"reason\":\"unknown_ca\""),
    ] {
        place(&dir.join("door-ca.pem"), ca);
        let edge = start(&app, dir, vec![format!("https://{}", door.door())], &tls(dir, name));
        // Whether the sidecar judged it, or the edge says busy.
        assert_eq!(through(&edge).status != 503, gets_it, "{name}");
        assert!(edge.log().contains(reason), "{name}: {}", edge.log());
    }
}

#[test]
fn a_sidecar_is_asked_over_a_unix_socket() {
    let (app, dir) = (App::start().unwrap(), tempfile::tempdir().unwrap());
    let toml = "data = \"data\"\n[mail]\nrelay = \"smtp://127.0.0.1:9\"\n[listen]\nsigned = \"unix:signed.sock\"\npublic = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n";
    let _sidecar = Sidecar::start(toml, dir.path()).unwrap();
    let url = format!("unix:{}", dir.path().join("signed.sock").display());
    let edge = start(&app, dir.path(), vec![url], "");
    assert_eq!(through(&edge).status, 202);
    assert!(app.requests().is_empty());
}

/// A sidecar whose store is gone says so where the gateway asks, and the other one gets its resets.
#[test]
fn a_sidecar_without_its_store_is_asked_after_the_others() {
    let (app, dir) = (App::start().unwrap(), tempfile::tempdir().unwrap());
    let toml = "data = \"data\"\n[mail]\nrelay = \"smtp://127.0.0.1:9\"\n[listen]\nsigned = \"127.0.0.1:0\"\npublic = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n";
    let sidecar = Sidecar::start(toml, dir.path()).unwrap();
    let stand_in = Server::start(|request| match request.target.as_str() {
        "/readyz" => Reaction::Answer(Answer::json(200, "")),
        _ => accepted(),
    })
    .unwrap();
    let own = sidecar.addr("signed").unwrap();
    let urls = vec![format!("http://{own}"), format!("http://{}", stand_in.addr())];
    let edge = start(&app, dir.path(), urls, "health = \"100ms\"");
    let is_well = |well: u8| {
        let line = format!("{own}\"}} {well}\n");
        until("the look's result", || {
            let text = Call::get("/metrics").send(edge.admin()?)?.text();
            Ok(text.contains(&line).then_some(()))
        })
        .unwrap();
    };
    let ready = || Call::get("/readyz").send(own).unwrap();
    let alter = |query| sqlite(&dir.path().join("data/rekey.db"), query).unwrap();
    assert_eq!((ready().status, ready().text().as_str()), (200, "ready\n"));
    alter("ALTER TABLE meta RENAME TO elsewhere");
    is_well(0);
    assert_eq!((ready().status, ready().text().as_str()), (503, "the store does not answer\n"));
    stand_in.clear();
    (0..4).for_each(|_| assert_eq!(through(&edge).status, 202));
    assert_eq!(stand_in.requests().iter().filter(|asked| asked.method == "POST").count(), 4);
    alter("ALTER TABLE elsewhere RENAME TO meta");
    is_well(1);
    assert_eq!(ready().status, 200);
}

/// Stand-ins, one of which says at times that it is not ready, or that what is behind it is gone.
struct Pair {
    edge: Edge,
    servers: [Server; 2],
    second_is_ready: Arc<AtomicBool>,
    second_is_reached: Arc<AtomicBool>,
}

impl Pair {
    fn start() -> Self {
        Self::looked_after("100ms")
    }

    fn looked_after(health: &str) -> Self {
        let app = App::start().unwrap();
        let second_is_ready = Arc::new(AtomicBool::new(true));
        let second_is_reached = Arc::new(AtomicBool::new(true));
        let server = |is_ready: Arc<AtomicBool>, is_reached: Arc<AtomicBool>| {
            Server::start(move |request| match request.target.as_str() {
                "/readyz" if !is_ready.load(Ordering::SeqCst) => {
                    Reaction::Answer(Answer::json(503, ""))
                }
                "/readyz" => Reaction::Answer(Answer::json(200, "")),
                _ if !is_reached.load(Ordering::SeqCst) => {
                    Reaction::Answer(Answer::json(502, "<html>bad gateway</html>"))
                }
                _ => accepted(),
            })
            .unwrap()
        };
        let yes = || Arc::new(AtomicBool::new(true));
        let (ready, reached) = (Arc::clone(&second_is_ready), Arc::clone(&second_is_reached));
        let servers = [server(yes(), yes()), server(ready, reached)];
        let key = "9f3c1b7ae04d58622c91d3f8a7b6405e1d2cf9083b64a75e8812c06fd4a93b57";
        let mut options = EdgeOptions::new(servers[0].addr(), app.addr(), key).unwrap();
        options.sidecars.push(format!("http://{}", servers[1].addr()));
        options.lines = format!("health = \"{health}\"");
        let edge = Edge::start(&options).unwrap();
        Self { edge, servers, second_is_ready, second_is_reached }
    }

    /// Of ten resets, how many each was asked.
    fn shares(&self) -> [usize; 2] {
        self.servers.iter().for_each(Server::clear);
        for _ in 0..10 {
            assert_eq!(through(&self.edge).status, 202);
        }
        self.servers.each_ref().map(|server| {
            server.requests().iter().filter(|request| request.method == "POST").count()
        })
    }

    fn wait_until_second_is(&self, well: u8) {
        let line = format!("{}\"}} {well}\n", addr(&self.servers[1]));
        until("the look's result", || {
            let text = Call::get("/metrics").send(self.edge.admin()?)?.text();
            Ok(text.contains(&line).then_some(()))
        })
        .unwrap();
    }
}

/// As a sidecar says it.
pub(crate) fn accepted() -> Reaction {
    let answer = Answer::json(202, r#"{"outcome":"accepted"}"#);
    Reaction::Answer(answer.header("rekey-outcome", "accepted"))
}

fn addr(server: &Server) -> SocketAddr {
    server.addr()
}

#[test]
fn sidecars_are_asked_in_turns_and_one_that_is_not_ready_after_the_others() {
    let pair = Pair::start();
    assert_eq!(pair.shares(), [5, 5]);
    pair.second_is_ready.store(false, Ordering::SeqCst);
    pair.wait_until_second_is(0);
    assert_eq!(pair.shares(), [10, 0]);
    assert!(pair.edge.log().contains("sidecar_unwell"));
    pair.second_is_ready.store(true, Ordering::SeqCst);
    pair.wait_until_second_is(1);
    assert_eq!(pair.shares(), [5, 5]);
}

/// Nobody is left out for good: the last one is asked when no other answers, whatever the looks say.
#[test]
fn one_that_is_not_ready_is_better_than_none() {
    let mut pair = Pair::start();
    pair.second_is_ready.store(false, Ordering::SeqCst);
    pair.wait_until_second_is(0);
    pair.servers[0].stop();
    assert_eq!(through(&pair.edge).status, 202);
}

/// A balancer whose sidecar is gone answers for it, without an outcome.
#[test]
fn an_answer_of_something_in_between_is_not_a_sidecars() {
    // No look comes in time to say that it is well.
    let mut pair = Pair::looked_after("1m");
    pair.second_is_reached.store(false, Ordering::SeqCst);
    let [first, second] = pair.shares();
    assert_eq!((first, second), (10, 1), "asked once, then after the other");
    pair.wait_until_second_is(0);
    let metrics = Call::get("/metrics").send(pair.edge.admin().unwrap()).unwrap().text();
    assert!(metrics.contains("upstream=\"sidecar\",reason=\"status\"} 1\n"), "{metrics}");
    pair.servers[0].stop();
    assert_eq!(through(&pair.edge).status, 503);
    pair.second_is_reached.store(true, Ordering::SeqCst);
    assert_eq!(through(&pair.edge).status, 202);
}
