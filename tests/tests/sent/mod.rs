//! A fixture's request on its way to a real gateway: bytes over HTTP/1.1, and the same request without what HTTP/2 has not
//! over HTTP/2.

use std::net::SocketAddr;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Request, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rekey_tests::fixture::{Case, Reply};
use rekey_tests::http::send_raw;
use tokio::net::TcpStream;

/// Would make the request another one if anybody took it up.
pub(crate) const TRAILER: &str = "text/plain";

pub(crate) fn over_http1(to: SocketAddr, bytes: &[u8]) -> Result<Reply, String> {
    let reply = send_raw(to, bytes).map_err(|fault| fault.to_string())?;
    let headers = reply.headers.iter().map(|(name, value)| (name, value));
    Ok(Reply::new(reply.status, headers, &reply.body))
}

pub(crate) fn over_http2(to: SocketAddr, case: &Case, trailers: bool) -> Result<Reply, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        let stream = TcpStream::connect(to).await.map_err(|error| error.to_string())?;
        let shaken = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
        let (mut sender, connection) = shaken.map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        let request = to_http2(case).ok_or("this is no HTTP/2")?;
        let request = request.map(|body| {
            if !trailers {
                return body.boxed();
            }
            let ends = [(CONTENT_TYPE, HeaderValue::from_static(TRAILER))];
            body.with_trailers(async { Some(Ok(HeaderMap::from_iter(ends))) }).boxed()
        });
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        let headers = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        Ok(Reply::new(parts.status.as_u16(), headers, &body))
    })
}

/// The same request without what HTTP/2 has not.
pub(crate) fn to_http2(case: &Case) -> Option<Request<Full<Bytes>>> {
    let sent = &case.request;
    let host = std::str::from_utf8(sent.first("host")?).ok()?;
    let uri: Uri = format!("http://{host}{}", sent.target).parse().ok()?;
    let mut request = Request::builder().method(sent.method.as_str()).uri(uri);
    let dropped = ["host", "connection", "transfer-encoding", "keep-alive"];
    for (name, value) in sent.headers.iter().filter(|(name, _)| !dropped.contains(&name.as_str())) {
        request = request.header(name.as_str(), value.as_slice());
    }
    request.body(Full::from(sent.body.clone().unwrap_or_default())).ok()
}
