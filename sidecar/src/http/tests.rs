//! A door with a toy behind it: limits, panics, protocols, the way it stops.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::config::{Config, Endpoint, Listen};

use super::connection;
use super::listener::{Door, Room};
use super::reply::{self, Reply};

const DEADLINE: Duration = Duration::from_secs(20);

/// Answers `/`, panics on `/panic`, answers `/slow` when told.
#[derive(Default)]
struct Toy {
    begun: Notify,
    go: Notify,
}

impl Room for Toy {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Reply {
        match request.uri().path() {
            "/panic" => panic!("as asked"),
            "/slow" => {
                self.begun.notify_one();
                self.go.notified().await;
                reply::plain(StatusCode::OK, "slow\n")
            }
            _ => reply::plain(StatusCode::OK, "quick\n"),
        }
    }
}

struct Stage {
    address: String,
    toy: Arc<Toy>,
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
}

impl Stage {
    async fn start(listen: &str) -> Self {
        let config = Config::parse(
            &format!("[listen]\nsigned = \"127.0.0.1:0\"\n{listen}"),
            std::path::Path::new("/"),
        )
        .unwrap();
        let door = Door::bind("signed", "listen.signed", &config.listen.signed).await.unwrap();
        let (address, toy, (stop, stopped)) =
            (door.address(), Arc::new(Toy::default()), watch::channel(false));
        let running = tokio::spawn(run(door, Arc::clone(&toy), config.listen, stopped));
        Self { address, toy, stop, running }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.unwrap()
    }

    async fn ask(&self, request: &str) -> String {
        ask(self.connect().await, request.as_bytes()).await
    }

    async fn end(self) {
        self.stop.send(true).unwrap();
        timeout(DEADLINE, self.running).await.unwrap().unwrap();
    }
}

async fn run(door: Door, toy: Arc<Toy>, listen: Listen, stop: watch::Receiver<bool>) {
    let serve = connection::of(toy, None, listen.idle, stop.clone());
    door.run(listen.connections, stop, serve).await;
}

async fn ask(mut stream: impl AsyncRead + tokio::io::AsyncWrite + Unpin, request: &[u8]) -> String {
    stream.write_all(request).await.unwrap();
    rest(&mut stream).await
}

async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    // A reset ends the answer as well.
    let _ = timeout(DEADLINE, stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
}

#[tokio::test]
async fn a_panic_is_answered_as_busy() {
    let stage = Stage::start("").await;
    let answer = stage.ask(&get("/panic")).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(
        answer.contains("rekey-outcome: busy") && answer.contains("retry-after: 5"),
        "{answer}"
    );
    assert!(stage.ask(&get("/")).await.ends_with("quick\n"));
    stage.end().await;
}

#[tokio::test]
async fn headers_are_bounded() {
    let stage = Stage::start("").await;
    let long = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(20_000));
    let answer = stage.ask(&long).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    stage.end().await;
}

#[tokio::test]
async fn http2_is_spoken_without_tls() {
    let stage = Stage::start("").await;
    let mut stream = stage.connect().await;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut head = [0; 9];
    timeout(DEADLINE, stream.read_exact(&mut head)).await.unwrap().unwrap();
    assert_eq!(head[3], 4, "the first frame is SETTINGS");
    drop(stream);
    stage.end().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let stage = Stage::start("idle = \"1s\"").await;
    let mut silent = stage.connect().await;
    assert_eq!(rest(&mut silent).await, "");
    let mut kept = stage.connect().await;
    kept.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(rest(&mut kept).await.ends_with("quick\n"));
    stage.end().await;
}

#[tokio::test]
async fn stopping_finishes_what_was_begun() {
    let stage = Stage::start("").await;
    let mut slow = stage.connect().await;
    slow.write_all(get("/slow").as_bytes()).await.unwrap();
    timeout(DEADLINE, stage.toy.begun.notified()).await.unwrap();
    stage.stop.send(true).unwrap();
    refused(&stage.address).await;
    stage.toy.go.notify_one();
    assert!(rest(&mut slow).await.ends_with("slow\n"));
    timeout(DEADLINE, stage.running).await.unwrap().unwrap();
}

/// Waits until nobody listens any more.
async fn refused(address: &str) {
    let closed = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, closed).await.unwrap();
}

#[tokio::test]
async fn more_connections_than_allowed_wait() {
    let stage = Stage::start("connections = 1").await;
    let mut slow = stage.connect().await;
    slow.write_all(get("/slow").as_bytes()).await.unwrap();
    timeout(DEADLINE, stage.toy.begun.notified()).await.unwrap();
    let mut second = stage.connect().await;
    second.write_all(get("/").as_bytes()).await.unwrap();
    let mut byte = [0; 1];
    assert!(timeout(Duration::from_millis(100), second.read(&mut byte)).await.is_err());
    stage.toy.go.notify_one();
    assert!(rest(&mut slow).await.ends_with("slow\n"));
    assert!(rest(&mut second).await.ends_with("quick\n"));
    stage.end().await;
}

#[tokio::test]
async fn a_unix_socket_is_taken_over_only_from_the_dead() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signed.sock");
    let endpoint = Endpoint::Unix(path.clone());
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let door = Door::bind("signed", "listen.signed", &endpoint).await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    assert!(Door::bind("signed", "listen.signed", &endpoint).await.is_err());
    let (stop, stopped) = watch::channel(false);
    let listen = Config::parse("", folder.path()).unwrap().listen;
    let running = tokio::spawn(run(door, Arc::new(Toy::default()), listen, stopped));
    let stream = UnixStream::connect(&path).await.unwrap();
    assert!(ask(stream, get("/").as_bytes()).await.ends_with("quick\n"));
    stop.send(true).unwrap();
    timeout(DEADLINE, running).await.unwrap().unwrap();
    assert!(!path.exists());
}
