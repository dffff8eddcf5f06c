//! `rekey edge` at the front: TLS for clients, HTTP/2 by ALPN, the PROXY protocol before it, files that change.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use rekey_tests::http::Call;
use rekey_tests::stage::{App, Edge, EdgeOptions, Server, until};
use tempfile::TempDir;

use crate::authority::{Authority, place};
use crate::client::{Client, answer, ask};
use crate::envoy::initiate;
use crate::proxy::accepted;

const KEY: &str = "9f3c1b7ae04d58622c91d3f8a7b6405e1d2cf9083b64a75e8812c06fd4a93b57";

struct Stand {
    dir: TempDir,
    ca: Authority,
    app: App,
    sidecar: Server,
    edge: Edge,
}

impl Stand {
    fn with(change: impl FnOnce(&mut EdgeOptions)) -> Self {
        let (dir, ca, app) =
            (tempfile::tempdir().unwrap(), Authority::draw("web"), App::start().unwrap());
        ca.certify(&["localhost"]).write(dir.path(), "front");
        let sidecar = Server::start(|_| accepted()).unwrap();
        let mut options = EdgeOptions::new(sidecar.addr(), app.addr(), KEY).unwrap();
        change(&mut options);
        let home = dir.path().display();
        options.lines.push_str(&format!(
            "\n[edge.listen_tls]\ncertificate = \"file:{home}/front.pem\"\nkey = \"file:{home}/front.key\"\n"
        ));
        let edge = Edge::start(&options).unwrap();
        Self { dir, ca, app, sidecar, edge }
    }

    fn client(&self, protocols: &[&str]) -> Client {
        Client::new(self.ca.pem(), None, protocols)
    }

    fn metrics(&self) -> String {
        Call::get("/metrics").send(self.edge.admin().unwrap()).unwrap().text()
    }
}

#[test]
fn clients_are_served_over_tls_alone_at_a_public_address() {
    let stand = Stand::with(|options| options.listen = "0.0.0.0:0".to_owned());
    let at = SocketAddr::from(([127, 0, 0, 1], stand.edge.addr().port()));
    let mut stream = stand.client(&["http/1.1"]).connect(at).unwrap();
    stream.write_all(&initiate().to_bytes("g")).unwrap();
    assert!(answer(&mut stream).unwrap().starts_with("HTTP/1.1 202"));
    assert_eq!(stand.sidecar.requests().len(), 1);
    ask(&mut stream, "/x", "close").unwrap();
    let seen = stand.app.requests().pop().unwrap();
    assert_eq!(seen.header("x-forwarded-proto").as_deref(), Some("https"));
    let mut plain = TcpStream::connect(at).unwrap();
    plain.write_all(&Call::get("/x").to_bytes("g")).unwrap();
    let mut told = Vec::new();
    let _reset = plain.read_to_end(&mut told);
    assert!(!told.starts_with(b"HTTP"), "{told:?}");
    let refused = "rekey_edge_refused_total{reason=\"handshake\"} 1\n";
    until("the count", || Ok(stand.metrics().contains(refused).then_some(()))).unwrap();
    assert_eq!(stand.app.requests().len(), 1);
}

#[test]
fn http2_is_chosen_by_alpn() {
    let stand = Stand::with(|_| {});
    for (offered, chosen) in [
        (&["h2", "http/1.1"][..], Some(&b"h2"[..])),
        (&["http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ] {
        let stream = stand.client(offered).connect(stand.edge.addr()).unwrap();
        assert_eq!(stream.conn.alpn_protocol(), chosen, "{offered:?}");
    }
    let mut stream = stand.client(&["h2"]).connect(stand.edge.addr()).unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).unwrap();
    assert_eq!(frame[3], 4, "the first frame is SETTINGS");
}

#[test]
fn the_proxy_protocol_comes_before_tls() {
    let stand = Stand::with(|options| options.lines = "proxy_protocol = true".to_owned());
    let mut tcp = TcpStream::connect(stand.edge.addr()).unwrap();
    tcp.write_all(b"PROXY TCP4 203.0.113.7 10.0.0.1 1 2\r\n").unwrap();
    let mut stream = stand.client(&[]).over(tcp).unwrap();
    assert!(ask(&mut stream, "/x", "close").unwrap().starts_with("HTTP/1.1 200"));
    let seen = stand.app.requests().pop().unwrap();
    assert_eq!(seen.header("x-forwarded-for").as_deref(), Some("203.0.113.7"));
    // Without a header the first bytes of TLS are none.
    assert!(stand.client(&[]).connect(stand.edge.addr()).is_err());
}

#[test]
fn the_fronts_certificate_is_read_again() {
    let stand = Stand::with(|_| {});
    let client = stand.client(&[]);
    let mut kept = client.connect(stand.edge.addr()).unwrap();
    let next = Authority::draw("next");
    next.certify(&["localhost"]).write(stand.dir.path(), "front");
    let renewed = Client::new(next.pem(), None, &[]);
    until("the next certificate", || {
        Ok(renewed.get(stand.edge.addr(), "/x").is_ok().then_some(()))
    })
    .unwrap();
    assert!(
        ask(&mut kept, "/x", "keep-alive").is_ok(),
        "a connection outlives its certificate's exchange"
    );
    place(&stand.dir.path().join("front.key"), "no key");
    let told = || Ok(stand.edge.log().contains("certificates_unreadable").then_some(()));
    until("the refusal", told).unwrap();
    assert!(renewed.get(stand.edge.addr(), "/x").is_ok());
    assert!(stand.metrics().contains("certificate=\"edge.listen_tls\""));
}
