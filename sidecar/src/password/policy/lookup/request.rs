//! One request on a connection of its own. Invariant: at most `MOST` bytes of answer are read, and only those of a 200.

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::LookupFault;
use crate::peer::{Peer, Stream};

/// A range has some thousand lines of forty bytes, and padding.
const MOST: usize = 512 * 1024;

/// The body of the answer for the first digits of a hash.
pub(super) async fn ask(peer: &Peer, prefix: &str) -> Result<Bytes, LookupFault> {
    let address = (peer.host(), peer.port());
    let plain = TcpStream::connect(address).await.map_err(|_| LookupFault::Unreachable)?;
    let stream = peer.wrap(plain).await.map_err(|_| LookupFault::Unreachable)?;
    talk(peer, stream, prefix).await
}

async fn talk(peer: &Peer, stream: Box<dyn Stream>, prefix: &str) -> Result<Bytes, LookupFault> {
    let unreachable = |_| LookupFault::Unreachable;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(unreachable)?;
    let request = Request::get(format!("{}/{prefix}", peer.path()))
        .header("host", peer.authority())
        .header("user-agent", "rekey")
        .header("add-padding", "true")
        .header("connection", "close")
        .body(Empty::<Bytes>::new())
        .map_err(|_| LookupFault::Address)?;
    let answer = async {
        let reply = sender.send_request(request).await.map_err(unreachable)?;
        if reply.status() != StatusCode::OK {
            return Err(LookupFault::Status);
        }
        let body = Limited::new(reply.into_body(), MOST).collect().await;
        Ok(body.map_err(|_| LookupFault::Form)?.to_bytes())
    };
    // Both here and not in a task: when we are dropped, the connection ends with us.
    tokio::pin!(answer, connection);
    tokio::select! {
        biased;
        body = &mut answer => body,
        ended = &mut connection => match ended {
            // Closed by the server when all was said; the answer is with us.
            Ok(()) => answer.await,
            Err(_) => Err(LookupFault::Unreachable),
        },
    }
}
