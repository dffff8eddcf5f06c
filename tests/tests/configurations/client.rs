//! A client that asks over TLS, by the protocol that ALPN says.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use http_body_util::Full;
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

type Answer = (u16, BTreeMap<String, String>);

/// Posts JSON to `gateway.example` there; the status and the headers of the answer.
pub(crate) fn post(
    to: SocketAddr,
    authority: &Path,
    protocol: &str,
    path: &str,
    body: &'static str,
) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(ask(to, authority, protocol, path, body))
}

async fn ask(
    to: SocketAddr,
    authority: &Path,
    protocol: &str,
    path: &str,
    body: &'static str,
) -> Answer {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let name = ServerName::try_from("gateway.example").unwrap();
    let stream = TcpStream::connect(to).await.unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol.as_bytes()));
    let stream = TokioIo::new(stream);
    let request = |uri: String| {
        Request::post(uri)
            .header("host", "gateway.example")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from_static(body.as_bytes())))
            .unwrap()
    };
    let answer = if protocol == "h2" {
        let (mut sender, connection) =
            conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request(format!("https://gateway.example{path}"))).await
    } else {
        let (mut sender, connection) = conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request(path.to_owned())).await
    };
    told(&answer.unwrap())
}

fn told(answer: &hyper::Response<Incoming>) -> Answer {
    let text =
        |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into();
    let head = answer.headers().iter().map(|(name, value)| (name.to_string(), text(value)));
    (answer.status().as_u16(), head.collect())
}
