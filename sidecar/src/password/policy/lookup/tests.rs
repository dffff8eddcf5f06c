//! Real servers on this machine: what is asked, what is believed, and what a failure does.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rekey_tests::stage::{Answer, Reaction, Received, Server};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::config::BaseUrl;

type React = fn(&Received) -> Reaction;

/// Of `password`, behind 5BAA6.
const REST: &str = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";

fn config(url: &str, fails_open: bool) -> LookupConfig {
    let url = BaseUrl::parse(url).unwrap();
    LookupConfig { url, fails_open, timeout: Duration::from_secs(5), ca: None }
}

fn range(server: &Server) -> String {
    format!("http://{}/range/", server.addr())
}

fn text(body: String) -> Reaction {
    let body = body.into_bytes();
    Reaction::Answer(Answer { status: 200, headers: Vec::new(), body })
}

/// As the published service answers: what it knows behind the digits, and padding.
fn service(request: &Received) -> Reaction {
    let padding = format!("{}:0\r\n", "0".repeat(35));
    match request.target.as_str() {
        "/range/5BAA6" => text(format!("{padding}{REST}:9545824\r\n")),
        _ => text(padding),
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

#[tokio::test]
async fn five_digits_are_asked_and_the_rest_is_found_here() {
    let server = Server::start(service).unwrap();
    let lookup = Lookup::new(&config(&range(&server), false)).unwrap();
    assert_eq!(lookup.is_breached("password", soon()).await, Ok(true));
    assert_eq!(lookup.is_breached("Password", soon()).await, Ok(false));
    let seen = server.requests();
    assert_eq!(seen.len(), 2);
    assert_eq!((seen[0].method.as_str(), seen[0].target.as_str()), ("GET", "/range/5BAA6"));
    assert_eq!(seen[0].header("user-agent").as_deref(), Some("rekey"));
    assert_eq!(seen[0].header("add-padding").as_deref(), Some("true"));
    assert_eq!(seen[0].header("host"), Some(server.addr().to_string()));
    assert_eq!(seen[0].headers.len(), 4, "{:?}", seen[0].headers);
}

#[tokio::test]
async fn a_failure_passes_or_refuses_as_configured() {
    let table: [(React, LookupFault); 7] = [
        (|_| Reaction::Answer(Answer::json(503, "{}")), LookupFault::Status),
        (
            |_| Reaction::Answer(Answer::json(302, "").header("location", "/range/5BAA6")),
            LookupFault::Status,
        ),
        (|_| text("<html>".into()), LookupFault::Form),
        (|_| text(format!("{REST}:1\r\n").repeat(20_000)), LookupFault::Form),
        (
            |_| Reaction::Raw(b"HTTP/1.1 200 .\r\ncontent-length: 9\r\n\r\nab".to_vec()),
            LookupFault::Form,
        ),
        (|_| Reaction::Close, LookupFault::Unreachable),
        (|_| Reaction::Silence, LookupFault::Late),
    ];
    for (react, fault) in table {
        let server = Server::start(react).unwrap();
        let url = range(&server);
        for (fails_open, expected) in [(true, Ok(false)), (false, Err(fault))] {
            let timeout = if fault == LookupFault::Late { 100 } else { 5_000 };
            let timeout = Duration::from_millis(timeout);
            let lookup =
                Lookup::new(&LookupConfig { timeout, ..config(&url, fails_open) }).unwrap();
            assert_eq!(lookup.is_breached("password", soon()).await, expected, "{fault:?}");
        }
        assert_eq!(server.requests().len(), 2, "{fault:?}: a redirect is not followed");
    }
}

#[tokio::test]
async fn nobody_there_is_a_failure() {
    let mut server = Server::start(service).unwrap();
    let lookup = Lookup::new(&config(&range(&server), false)).unwrap();
    server.stop();
    assert_eq!(lookup.is_breached("password", soon()).await, Err(LookupFault::Unreachable));
}

/// A root of our own, and a certificate of it for `localhost`.
fn certify(home: &Path) -> (PathBuf, ServerConfig) {
    let file = |name: &str| home.join(name).display().to_string();
    let (root, root_key) = (file("root.pem"), file("root.key"));
    let (own, own_key) = (file("own.pem"), file("own.key"));
    let new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 -days 2";
    openssl(&format!("{new} -subj /CN=root -keyout {root_key} -out {root}"));
    openssl(&format!(
        "{new} -subj /CN=own -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE \
         -CA {root} -CAkey {root_key} -keyout {own_key} -out {own}"
    ));
    let chain = vec![CertificateDer::from_pem_file(&own).unwrap()];
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(&own_key).unwrap())
        .unwrap();
    (root.into(), config)
}

fn openssl(arguments: &str) {
    let told = Command::new("openssl").args(arguments.split_whitespace()).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
}

/// Answers everybody who comes through the handshake.
async fn serve_tls(config: ServerConfig) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (addr, acceptor) = (listener.local_addr().unwrap(), TlsAcceptor::from(Arc::new(config)));
    tokio::spawn(async move {
        while let Ok((plain, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(plain).await else { continue };
            let mut head = [0; 1024];
            let read = stream.read(&mut head).await.unwrap_or(0);
            let is_range = head[..read].starts_with(b"GET /range/5BAA6 HTTP/1.1\r\n");
            let body = if is_range { format!("{REST}:3\r\n") } else { String::new() };
            let answer = format!("HTTP/1.1 200 .\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _sent = stream.write_all(answer.as_bytes()).await;
            let _closed = stream.shutdown().await;
        }
    });
    addr
}

#[tokio::test]
async fn a_server_is_believed_by_its_certificate_only() {
    let home = tempfile::tempdir().unwrap();
    let (root, server) = certify(home.path());
    let port = serve_tls(server).await.port();
    let at = |host: &str, ca: Option<PathBuf>| {
        let config = config(&format!("https://{host}:{port}/range"), false);
        Lookup::new(&LookupConfig { ca, ..config }).unwrap()
    };
    let trusted = at("localhost", Some(root.clone()));
    assert_eq!(trusted.is_breached("password", soon()).await, Ok(true));
    assert_eq!(trusted.is_breached("another", soon()).await, Ok(false));
    let misnamed = at("127.0.0.1", Some(root.clone()));
    assert_eq!(misnamed.is_breached("password", soon()).await, Err(LookupFault::Unreachable));
    let elsewhere = tempfile::tempdir().unwrap();
    let (other, _) = certify(elsewhere.path());
    let foreign = at("localhost", Some(other));
    assert_eq!(foreign.is_breached("password", soon()).await, Err(LookupFault::Unreachable));
    let missing =
        LookupConfig { ca: Some(home.path().join("none")), ..config("https://a.example", true) };
    assert_eq!(Lookup::new(&missing).unwrap_err(), LookupFault::Roots);
}
