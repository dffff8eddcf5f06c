//! Proxies in front of the constant upstream: the real `rekey edge`, and a hyper proxy that does nothing, as a program of
//! its own so that its CPU can be told apart.

use std::convert::Infallible;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::client::conn::http1::{self as client, SendRequest};
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::Mutex;

use crate::cases::nobody;
use crate::envoy::{self, Kit};
use crate::fault::{Benched, fault};
use crate::line::Line;
use crate::sidecar::{end, rekey};

const START: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(5);

/// `rekey-bench plain`: every request goes to `upstream`, every answer back.
pub(crate) fn serve(upstream: SocketAddr) -> Benched<Infallible> {
    Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
        loop {
            let (stream, _) = listener.accept().await?;
            // A connection that breaks is the client's affair.
            tokio::spawn(async move { drop(relay(stream, upstream).await) });
        }
    })
}

/// One connection of a client, with one of its own to the upstream.
async fn relay(stream: TcpStream, upstream: SocketAddr) -> Benched<()> {
    stream.set_nodelay(true)?;
    let out = TcpStream::connect(upstream).await?;
    out.set_nodelay(true)?;
    let (sender, connection) =
        client::handshake(TokioIo::new(out)).await.map_err(|error| broken(&error))?;
    tokio::spawn(connection);
    let sender = Mutex::new(sender);
    let service = service_fn(|request| pass(&sender, request));
    server::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await
        .map_err(|error| broken(&error))
}

async fn pass(
    sender: &Mutex<SendRequest<Incoming>>,
    request: Request<Incoming>,
) -> hyper::Result<Response<Incoming>> {
    let mut sender = sender.lock().await;
    sender.ready().await?;
    sender.send_request(request).await
}

fn broken(error: &hyper::Error) -> crate::fault::Fault {
    fault(format!("the plain proxy: {error}"))
}

/// The plain proxy, running.
#[derive(Debug)]
pub(crate) struct Plain {
    child: Child,
    address: SocketAddr,
}

impl Plain {
    pub(crate) fn start(upstream: SocketAddr) -> Benched<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["plain", &upstream.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line)?;
        }
        match line.trim().parse() {
            Ok(address) => Ok(Self { child, address }),
            Err(_) => {
                end(&mut child);
                Err(fault("the plain proxy did not start"))
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// `rekey edge`, running.
#[derive(Debug)]
pub(crate) struct Edge {
    child: Child,
    address: SocketAddr,
}

impl Edge {
    pub(crate) fn start(dir: &Path, kit: &Kit, log_level: &str) -> Benched<Self> {
        fs::create_dir_all(dir)?;
        // A quiet log does not say where it listens.
        let address = nobody()?;
        let toml = format!(
            "[edge]\nlog_level = \"{log_level}\"\nlisten = \"{address}\"\nadmin = \"127.0.0.1:0\"\napp = \"http://{}\"\n\
             sidecar = [\"http://{}\"]\nkey = \"file:edge.key\"\nfilter = \"file:edge.json\"\n",
            kit.app, kit.sidecar
        );
        fs::write(dir.join("rekey.toml"), toml)?;
        fs::write(dir.join("edge.json"), envoy::plugin_configuration()?)?;
        let mut key = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(dir.join("edge.key"))?;
        writeln!(key, "rekey-edge bench {}", envoy::key()?)?;
        let log = dir.join("rekey.log");
        let mut child = rekey(dir)?
            .arg("edge")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        match open(&mut child, address, &log) {
            Ok(()) => Ok(Self { child, address }),
            Err(error) => {
                end(&mut child);
                Err(error)
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn open(child: &mut Child, address: SocketAddr, log: &Path) -> Benched<()> {
    let end = Instant::now() + START;
    while Instant::now() < end {
        if child.try_wait()?.is_some() {
            let text = fs::read_to_string(log)?;
            return Err(fault(format!("rekey edge did not start:\n{text}")));
        }
        if Line::open(address).is_ok() {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
    Err(fault("rekey edge did not listen in time"))
}
