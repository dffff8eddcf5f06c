//! One connection of a client, or of a proxy in front: HTTP/1.1, or HTTP/2 with prior knowledge or by ALPN. Invariant: heads,
//! streams, pauses and idle time are bounded; where the PROXY protocol or TLS is wanted, nobody is heard without it.

use std::convert::Infallible;
use std::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use super::client::Peer;
use super::gate::Gate;
use super::proxy_protocol::{self, Announced};
use super::reply;
use crate::config::ClientSource;
use crate::http::activity::Activity;
use crate::http::listener::Stream;

/// All headers of one request, in bytes.
const MAX_HEADERS: u32 = 64 * 1024;
/// Requests that one HTTP/2 connection has open at a time.
const MAX_STREAMS: u32 = 100;
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// For the PROXY protocol's header.
const ANNOUNCE: Duration = Duration::from_secs(5);
/// What a connection gets to finish when the program stops.
const FINISH: Duration = Duration::from_secs(10);
/// What a connection gets to say good-bye when it was idle for too long.
const FAREWELL: Duration = Duration::from_secs(1);

pub(super) async fn serve(stream: Stream, gate: Arc<Gate>, stop: watch::Receiver<bool>) {
    match stream {
        Stream::Tcp(stream) => {
            // Who has gone already has no address.
            let Ok(address) = stream.peer_addr() else { return };
            let peer = Peer::of(address.ip(), &gate.trusted);
            greet_tcp(stream, peer, gate, stop).await;
        }
        Stream::Unix(mut stream) => {
            if let Some(peer) = greet(&mut stream, Peer::local(), &gate).await {
                talk(stream, peer, gate, stop).await;
            }
        }
    }
}

async fn greet_tcp(
    mut stream: TcpStream,
    peer: Peer,
    gate: Arc<Gate>,
    stop: watch::Receiver<bool>,
) {
    let Some(peer) = greet(&mut stream, peer, &gate).await else { return };
    let Some(keeper) = &gate.keeper else { return talk(stream, peer, gate, stop).await };
    match keeper.welcome(stream).await {
        Ok(stream) => talk(stream, Peer { is_secure: true, ..peer }, gate, stop).await,
        Err(reason) => {
            gate.metrics.refused("handshake");
            // Anybody at all may fail here, so it is counted, and logged for who looks for it.
            tracing::debug!(event = "handshake_failed", reason);
        }
    }
}

async fn greet<S>(stream: &mut S, peer: Peer, gate: &Gate) -> Option<Peer>
where
    S: AsyncRead + Unpin,
{
    let announced = announce(stream, peer, gate.client).await;
    announced
        .inspect_err(|reason| {
            gate.metrics.refused(reason);
            tracing::warn!(event = "connection_refused", reason);
        })
        .ok()
}

/// Who the client is, by the PROXY protocol where that is wanted.
async fn announce<S>(stream: &mut S, peer: Peer, source: ClientSource) -> Result<Peer, &'static str>
where
    S: AsyncRead + Unpin,
{
    if source != ClientSource::ProxyProtocol {
        return Ok(peer);
    }
    if !peer.is_trusted {
        return Err("untrusted");
    }
    match timeout(ANNOUNCE, proxy_protocol::read(stream)).await {
        Ok(Ok(Announced::Own)) => Ok(peer),
        Ok(Ok(Announced::Client { address, is_secure })) => {
            Ok(Peer { address: Some(address), is_trusted: false, is_secure })
        }
        _ => Err("proxy_protocol"),
    }
}

async fn talk<S>(stream: S, peer: Peer, gate: Arc<Gate>, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Activity::new();
    let io = TokioIo::new(activity.watch(stream));
    let (counted, idle, head) = (Arc::clone(&activity), gate.idle, gate.head_timeout);
    let service = service_fn(move |request: Request<Incoming>| {
        let (gate, open) = (Arc::clone(&gate), Arc::clone(&counted).begin());
        async move {
            let is_head = request.method() == Method::HEAD;
            let mut response = gate.answer(peer, request).await;
            if is_head {
                response = reply::without_body(response);
            }
            Ok::<_, Infallible>(response.map(|content| content.with_open(open)))
        }
    });
    let builder = builder();
    let mut connection = pin::pin!(builder.serve_connection_with_upgrades(io, service));
    let grace = tokio::select! {
        // How a connection ends is the client's affair.
        _ = connection.as_mut() => return,
        () = activity.lapse(idle, head) => FAREWELL,
        _ = stop.wait_for(|stop| *stop) => FINISH,
    };
    connection.as_mut().graceful_shutdown();
    let _ = timeout(grace, connection).await;
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // hyper's own header timer would run while a kept-alive connection waits; `Activity` tells the two apart.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(MAX_HEADERS as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADERS);
    builder
}
