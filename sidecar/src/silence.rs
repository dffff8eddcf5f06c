//! What a failure of PostgreSQL's client means where no server said a code, for the store and for a directory there.
//! Invariant: no text of an error leaves here, for it may quote a value.

use std::error::Error as _;
use std::io;

use tokio_postgres::Error;

/// Why no server answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// The connection is gone, or did not come about.
    Lost,
    /// The handshake failed.
    Tls,
    /// The client itself gave up: no password for a server that wants one, mostly.
    Unfit,
    /// Something else, as a column that is not what we read.
    Strange,
}

impl Silence {
    pub(crate) fn of(error: &Error) -> Self {
        let text = error.to_string();
        let causes = || std::iter::successors(error.source(), |&error| error.source());
        let is_io = causes().any(|cause| cause.is::<io::Error>());
        if text.contains("TLS") || causes().any(is_tls) {
            Self::Tls
        } else if error.is_closed() || is_io || text.contains("connect") {
            Self::Lost
        } else if text.contains("authentication") || text.contains("configuration") {
            Self::Unfit
        } else {
            Self::Strange
        }
    }
}

/// A handshake that failed shows as invalid data.
fn is_tls(cause: &(dyn std::error::Error + 'static)) -> bool {
    let io = cause.downcast_ref::<io::Error>();
    cause.is::<rustls::Error>() || io.is_some_and(|io| io.kind() == io::ErrorKind::InvalidData)
}
