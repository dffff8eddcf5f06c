//! A client that speaks TLS, with a certificate or without one.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::authority::Pair;

pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Believes one CA.
pub(crate) struct Client(Arc<ClientConfig>);

impl Client {
    pub(crate) fn new(ca: &str, own: Option<&Pair>, protocols: &[&str]) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match own {
            None => builder.with_no_client_auth(),
            Some(own) => {
                let chain = CertificateDer::pem_slice_iter(own.certificate.as_bytes());
                let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
                builder.with_client_auth_cert(chain.map(Result::unwrap).collect(), key).unwrap()
            }
        };
        config.alpn_protocols =
            protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Self(Arc::new(config))
    }

    /// A connection whose handshake is over on our side.
    pub(crate) fn connect(&self, to: SocketAddr) -> io::Result<Stream> {
        self.over(TcpStream::connect(to)?)
    }

    pub(crate) fn over(&self, tcp: TcpStream) -> io::Result<Stream> {
        tcp.set_read_timeout(Some(Duration::from_secs(20)))?;
        let name = ServerName::try_from("localhost").unwrap();
        let connection =
            ClientConnection::new(Arc::clone(&self.0), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, tcp);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }

    /// What comes back on a connection of its own.
    pub(crate) fn get(&self, to: SocketAddr, path: &str) -> io::Result<String> {
        ask(&mut self.connect(to)?, path, "close")
    }
}

/// Asks, and reads to the end of a short answer.
pub(crate) fn ask(stream: &mut Stream, path: &str, connection: &str) -> io::Result<String> {
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: {connection}\r\n\r\n")?;
    stream.flush()?;
    answer(stream)
}

/// A head and a body of a known length.
pub(crate) fn answer(stream: &mut impl Read) -> io::Result<String> {
    let (mut text, mut byte) = (String::new(), [0; 1]);
    while !text.ends_with("\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        text.push(char::from(byte[0]));
    }
    let lower = text.to_ascii_lowercase();
    let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    let mut body = vec![0; length.map_or(0, |digits| digits.parse().unwrap())];
    stream.read_exact(&mut body)?;
    Ok(text + &String::from_utf8_lossy(&body))
}
