//! One connection, HTTP/1.1 or HTTP/2, with TLS where the door has a doorkeeper. Invariant: its headers, bodies, streams and idle time are bounded, and
//! a request that was begun is answered, even where the answering task panics.

use std::convert::Infallible;
use std::pin::{self, Pin};
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;

use super::activity::{Activity, HEAD, Open};
use super::listener::{Room, Stream};
use super::reply::{self, Reply};
use crate::tls::Doorkeeper;

/// All headers of one request, in bytes.
const MAX_HEADERS: u32 = 16 * 1024;
/// Requests that one HTTP/2 connection has open at a time.
const MAX_STREAMS: u32 = 256;
/// What a connection gets to finish when the program stops.
const FINISH: Duration = Duration::from_secs(10);
/// What a connection gets to say good-bye when it was idle for too long.
const FAREWELL: Duration = Duration::from_secs(1);

/// What serves each connection of a room's door.
pub(crate) fn of<R: Room>(
    room: Arc<R>,
    keeper: Option<Arc<Doorkeeper>>,
    idle: Duration,
    stop: watch::Receiver<bool>,
) -> impl Fn(Stream) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    move |stream| {
        let (room, keeper, stop) = (Arc::clone(&room), keeper.clone(), stop.clone());
        Box::pin(async move {
            match (stream, keeper) {
                (Stream::Tcp(stream), None) => serve(stream, room, idle, stop).await,
                (Stream::Tcp(stream), Some(keeper)) => match keeper.welcome(stream).await {
                    Ok(stream) => serve(stream, room, idle, stop).await,
                    Err(reason) => tracing::warn!(event = "handshake_failed", reason),
                },
                (Stream::Unix(stream), _) => serve(stream, room, idle, stop).await,
            }
        })
    }
}

/// Serves a connection until it ends, is idle for too long, or `stop` turns true.
async fn serve<S, R>(stream: S, room: Arc<R>, idle: Duration, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    R: Room,
{
    let activity = Activity::new();
    let io = TokioIo::new(activity.watch(stream));
    let counted = Arc::clone(&activity);
    let service =
        service_fn(move |request| answer(Arc::clone(&room), Arc::clone(&counted).begin(), request));
    let builder = builder();
    let mut connection = pin::pin!(builder.serve_connection(io, service));
    let grace = tokio::select! {
        // How a connection ends is the client's affair.
        _ = connection.as_mut() => return,
        () = activity.lapse(idle, HEAD) => FAREWELL,
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
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADERS);
    builder
}

/// Answers on a task of its own: it goes on when the client leaves, and its panic is an answer.
async fn answer<R: Room>(
    room: Arc<R>,
    _open: Open,
    request: Request<Incoming>,
) -> Result<Reply, Infallible> {
    let task = tokio::spawn(room.answer(request));
    Ok(task.await.unwrap_or_else(|_| {
        tracing::error!(event = "task_failed");
        reply::busy()
    }))
}
