//! The gateway that is attacked here: Envoy with the shipped configuration of portable mode.

use std::net::SocketAddr;

#[path = "../attacks_edge/gateway.rs"]
mod natural;

pub(crate) use natural::{Gateway, Options};

/// A call on a shared path never passes on.
pub(crate) const SHARES_CALLS: bool = false;

pub(crate) fn options(sidecar: SocketAddr, app: SocketAddr, key: &str) -> Options {
    natural::options(sidecar, app, key).portable()
}
