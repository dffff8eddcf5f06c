//! The listeners: whether their addresses are free, or held by a sidecar, and when their certificate ends.

use std::io;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::{Area, Report};
use crate::config::{Config, Endpoint};
use crate::directory::Finding;
use crate::tls::Doorkeeper;

const PATIENCE: Duration = Duration::from_secs(2);

/// A sidecar's answer to /healthz is shorter.
const ANSWER: u64 = 1024;

pub(super) async fn examine(config: &Config, report: &mut Report) {
    certificate(config, report);
    let listen = &config.listen;
    let is_ours = is_rekey(&listen.admin).await;
    for (name, endpoint) in
        [("signed", &listen.signed), ("public", &listen.public), ("admin", &listen.admin)]
    {
        report.add(Area::Listen, name, door(name, endpoint, is_ours).await);
    }
}

fn certificate(config: &Config, report: &mut Report) {
    let Some(files) = &config.listen.tls else {
        return;
    };
    let finding = match Doorkeeper::open("listen.tls", files) {
        Err(error) => {
            Finding { remedy: None, ..Finding::fault("certificate", error.to_string(), "") }
        }
        Ok(keeper) => {
            let (_, shown) = keeper.files().shown();
            let said = format!("its certificate {shown}");
            let remedy = "renew the files of listen.tls; they are read again by themselves";
            match (shown.days_left() < 0, shown.ends_soon()) {
                (true, _) => Finding::fault("certificate", said, remedy),
                (false, true) => Finding::warning("certificate", said, remedy),
                (false, false) => Finding::good("certificate", said),
            }
        }
    };
    report.add(Area::Listen, "signed", finding);
}

async fn door(name: &str, endpoint: &Endpoint, is_ours: bool) -> Finding {
    let (at, is_held) = match endpoint {
        Endpoint::Tcp(address) => match TcpListener::bind(address).await {
            Ok(_) => (address.to_string(), Ok(false)),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                (address.to_string(), Ok(true))
            }
            Err(error) => (address.to_string(), Err(error)),
        },
        // What nobody listens on any more is put aside by `serve`.
        Endpoint::Unix(path) => (path.display().to_string(), Ok(UnixStream::connect(path).is_ok())),
    };
    match (is_held, is_ours) {
        (Ok(false), _) => Finding::good("address", format!("{at} is free")),
        (Ok(true), true) => Finding::good("address", format!("{at} is held by a running sidecar")),
        (Ok(true), false) => Finding::warning(
            "address",
            format!("{at} is held, and no sidecar answers at listen.admin"),
            format!("end what holds it, or choose another listen.{name}"),
        ),
        (Err(error), _) => Finding::fault(
            "address",
            format!("{at} cannot be listened on: {error}"),
            format!(
                "choose an address of this machine for listen.{name}, and a port that we may take"
            ),
        ),
    }
}

/// Whether what answers there is a sidecar.
async fn is_rekey(admin: &Endpoint) -> bool {
    let Endpoint::Tcp(address) = admin else {
        return false;
    };
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: rekey\r\nConnection: close\r\n\r\n")
            .await?;
        let mut answer = Vec::new();
        stream.take(ANSWER).read_to_end(&mut answer).await?;
        Ok::<_, io::Error>(answer)
    };
    let answer = timeout(PATIENCE, asked).await;
    matches!(answer, Ok(Ok(answer)) if answer.starts_with(b"HTTP/1.1 200") && answer.ends_with(b"ok\n"))
}
