//! Invariant 1, ATTACKS.md 38: behind a portable filter a head waits until its body has been judged. Envoy counts what it
//! sends: no connection and no request for a body that was refused, or is not whole.

use rekey_tests::http::Line;
use rekey_tests::stage::{App, Envoy, EnvoyOptions, Reaction, Server, until};

use crate::dialects;
use crate::framing::{CHUNKED, chunks, framed, with};
use crate::stand::{KEY, kindly};

/// Requests that Envoy has begun to send to the sidecar.
fn begun(envoy: &Envoy) -> u64 {
    envoy.stat("cluster.rekey_sidecar.upstream_rq_total").unwrap().unwrap_or_default()
}

/// Waits until Envoy has read this many heads.
fn heads(envoy: &Envoy, count: u64) {
    let name = "http.gateway.downstream_rq_total";
    until("heads at Envoy", || Ok(envoy.stat(name)?.filter(|read| *read >= count))).unwrap();
}

#[test]
fn a_head_waits_for_the_judgement_of_its_body() {
    let app = App::start().unwrap();
    let sidecar = Server::start(kindly).unwrap();
    let options = EnvoyOptions::new(sidecar.addr(), sidecar.addr(), app.addr()).portable();
    let envoy = Envoy::start(&options.env("REKEY_EDGE_KEY", KEY)).unwrap();
    let mut sent = 0;
    for ordinary in dialects::ordinary() {
        let good = ordinary.body.as_str();
        // Nothing but the last byte tells the two apart.
        let bad = format!("{}]", &good[..good.len() - 1]);
        let length = format!("content-length: {}", bad.len());
        let trailers = "0\r\nx-rekey-operation: confirm\r\n\r\n";
        for bytes in [
            framed(&ordinary, &[length.as_bytes()], bad.as_bytes()),
            framed(&ordinary, &[CHUNKED], &chunks(&bad, 20, "0\r\n\r\n")),
            framed(&ordinary, &[CHUNKED], &chunks(&bad, 20, trailers)),
        ] {
            let mut line = Line::connect(envoy.addr()).unwrap();
            let (most, rest) = bytes.split_at(bytes.len() - 12 - trailers.len());
            line.write(most).unwrap();
            sent += 1;
            heads(&envoy, sent);
            assert_eq!(begun(&envoy), 0, "{}: a head went on before its body", ordinary.name);
            line.write(rest).unwrap();
            let reply = line.reply(false).unwrap();
            assert!(reply.header("x-request-id").is_some(), "{}: {}", ordinary.name, reply.text());
            assert_eq!(begun(&envoy), 0, "{}: a refused body went on", ordinary.name);
        }
    }
    assert!(sidecar.requests().is_empty() && app.requests().is_empty());
    let ordinary = &dialects::ordinary()[0];
    let mut line = Line::connect(envoy.addr()).unwrap();
    line.write(&with(ordinary, &[])).unwrap();
    assert_eq!(line.reply(false).unwrap().status, ordinary.status);
    // With the length of what is sent: the buffer filter knows it by then.
    let received = &sidecar.requests()[0];
    assert_eq!(received.header("content-length"), Some(received.body.len().to_string()));
    assert_eq!(begun(&envoy), 1);
}

/// The app's own traffic on the same regex is not held, and larger than what is held.
#[test]
fn what_passes_on_is_not_buffered() {
    let stand = crate::stand::Stand::start();
    stand.sidecar_does(|_| Reaction::Close);
    let large = "x".repeat(300_000);
    // Caught by the regex, claimed by nobody.
    let reply = dialects::post("/api/%20x/y%20", &large).send(stand.addr()).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(stand.app.requests()[0].body.len(), large.len());
}
