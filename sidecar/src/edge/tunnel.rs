//! WebSockets, carried through to the app; any other upgrade is ignored, as RFC 9110 (7.8) allows: the request goes on
//! without it. Invariant: there are no more tunnels at a time than configured.

use hyper::Request;
use hyper::header::{CONNECTION, HeaderMap, UPGRADE};
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Version};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio::sync::OwnedSemaphorePermit;

pub(super) fn is_asked_for<B>(request: &Request<B>) -> bool {
    request.version() == Version::HTTP_11
        && request.method() == Method::GET
        && is_websocket(request.headers())
}

/// The one upgrade that is named, by headers that belong together.
pub(super) fn is_websocket(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(UPGRADE) else { return false };
    let mut lines = headers.get_all(CONNECTION).iter().filter_map(|line| line.to_str().ok());
    let names_it = lines.any(|line| line.split(',').any(|word| is(word, "upgrade")));
    let only = headers.get_all(UPGRADE).iter().count() == 1;
    only && names_it && value.to_str().is_ok_and(|value| is(value, "websocket"))
}

/// Carries bytes both ways until one side has had enough.
pub(super) fn dig(client: OnUpgrade, app: OnUpgrade, permit: OwnedSemaphorePermit) {
    tokio::spawn(async move {
        if let (Ok(client), Ok(app)) = (client.await, app.await) {
            let (mut client, mut app) = (TokioIo::new(client), TokioIo::new(app));
            // How a tunnel ends is the affair of those who talk through it.
            let _ = copy_bidirectional(&mut client, &mut app).await;
        }
        drop(permit);
    });
}

fn is(text: &str, wanted: &str) -> bool {
    text.trim().eq_ignore_ascii_case(wanted)
}
