//! Servers that are gone, slow or read-only. Invariant: after `Unknown` alone may anything have been written, and no wait is
//! longer than its time-out.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rekey_tests::stage::{ADMIN, Slapd, SlapdOptions};
use sidecar::directory::{DirectoryError, Written};

use crate::rig::{NEW, OLD, Side, company, logs_in, mail, person, start};

/// The same people, by the same ids, on two servers.
fn twins(second: &str) -> [Slapd; 2] {
    let entries = person(
        "anna",
        "entryUUID: 5f3e7a52-0000-4000-8000-000000000001\nentryCSN: 20260101000000.000000Z#000000#000#000000",
    );
    ["", second].map(|database| {
        let database = database.to_owned();
        start(&SlapdOptions { database, entries: entries.clone(), ..SlapdOptions::default() })
    })
}

fn both(servers: &[Slapd; 2], text: &str) -> Side {
    let [first, second] = servers;
    Side::at(&format!("[\"{}\", \"{}\"]", first.url(), second.url()), ADMIN, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_server_is_asked() {
    let mut servers = twins("");
    let side = both(&servers, "");
    let anna = side.one("anna@example.org").await;
    servers[0].kill().unwrap();
    assert_eq!(
        side.find("anna@example.org").await.len(),
        1,
        "also over a connection that was kept"
    );
    assert_eq!(side.write(&anna, NEW).await, Ok(Written::Done));
    assert!(logs_in(&servers[1], "anna", NEW).await);
    servers[1].kill().unwrap();
    let outcome = side.ldap.find(&[mail("anna@example.org")]).await;
    assert_eq!(outcome.unwrap_err(), DirectoryError::Unavailable);
    servers[0].restart().unwrap();
    assert_eq!(side.find("anna@example.org").await.len(), 1, "who is back is asked again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_be_written_is_passed_over() {
    for write in ["hash", "modify-password"] {
        let [second, first] = twins("readonly on\n");
        let servers = [first, second];
        let side = both(&servers, &format!("write = \"{write}\""));
        let anna = side.one("anna@example.org").await;
        assert_eq!(side.write(&anna, NEW).await, Ok(Written::Done), "{write}");
        assert!(logs_in(&servers[1], "anna", NEW).await);
        assert!(logs_in(&servers[0], "anna", OLD).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_costs_one_time_out() {
    let mut servers = twins("");
    let side = both(&servers, "timeout = \"300ms\"");
    assert_eq!(side.find("anna@example.org").await.len(), 1);
    servers[0].freeze();
    let begun = Instant::now();
    assert_eq!(side.find("anna@example.org").await.len(), 1);
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(300), "{took:?}");
    let begun = Instant::now();
    assert_eq!(side.find("anna@example.org").await.len(), 1);
    assert!(begun.elapsed() < Duration::from_millis(250), "the second time it is asked last");
    servers[1].kill().unwrap();
    let begun = Instant::now();
    let outcome = side.ldap.find(&[mail("anna@example.org")]).await;
    assert_eq!(outcome.unwrap_err(), DirectoryError::Unavailable);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    servers[0].thaw();
}

/// No connection more than configured, however many ask; who does not get one in time is told.
#[tokio::test(flavor = "multi_thread")]
async fn turns_are_bounded() {
    let slapd = company("", &["anna"]);
    let side = Side::of(&slapd, "connections = 1\ntimeout = \"400ms\"");
    assert_eq!(side.find("anna@example.org").await.len(), 1);
    slapd.freeze();
    let wanted = [mail("anna@example.org")];
    let begun = Instant::now();
    let outcomes =
        tokio::join!(side.ldap.find(&wanted), side.ldap.find(&wanted), side.ldap.find(&wanted));
    let all = [outcomes.0, outcomes.1, outcomes.2];
    assert!(
        all.iter().all(|outcome| matches!(outcome, Err(DirectoryError::Unavailable))),
        "{all:?}"
    );
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    slapd.thaw();
    assert_eq!(side.find("anna@example.org").await.len(), 1);
}

/// The write goes through, its answer does not come back: whether it was done is not known, and it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_unknown() {
    for cut in [false, true] {
        let slapd = company("", &["anna"]);
        let wire = Wire::to(slapd.port());
        let side = Side::at(
            &format!("\"ldap://{}\"", wire.address),
            ADMIN,
            "write = \"hash\"\ntimeout = \"400ms\"",
        );
        let anna = side.one("anna@example.org").await;
        wire.cuts.store(cut, Ordering::SeqCst);
        wire.is_armed.store(true, Ordering::SeqCst);
        assert_eq!(side.write(&anna, NEW).await, Err(DirectoryError::Unknown), "cut: {cut}");
        assert!(logs_in(&slapd, "anna", NEW).await, "cut: {cut}");
        wire.is_armed.store(false, Ordering::SeqCst);
        let after = side.one("anna@example.org").await;
        assert_ne!(after.revision, anna.revision);
        assert_eq!(after.password_hash.as_deref(), Some(crate::rig::HASH), "so it can be settled");
    }
}

/// Lost before the write was sent: nothing is written, and that is known.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_server_is_unavailable() {
    let mut slapd = company("", &["anna"]);
    let side = Side::of(&slapd, "timeout = \"400ms\"");
    let anna = side.one("anna@example.org").await;
    slapd.freeze();
    assert_eq!(side.write(&anna, NEW).await, Err(DirectoryError::Unavailable));
    slapd.kill().unwrap();
    assert_eq!(side.write(&anna, NEW).await, Err(DirectoryError::Unavailable));
    slapd.restart().unwrap();
    assert!(logs_in(&slapd, "anna", OLD).await);
    assert_eq!(side.write(&anna, NEW).await, Ok(Written::Done));
}

/// A server that is none: what it says ends its connection, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_no_answer() {
    let answers: [&[u8]; 4] = [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x30\x84\xff\xff\xff\xff",
        // A bind's answer without its code.
        b"\x30\x05\x02\x01\x01\x61\x00",
        b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x01",
    ];
    for answer in answers {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let speaker = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let _asked = stream.read(&mut request);
            stream.write_all(answer).unwrap();
            // Until the client leaves.
            let _left = stream.read_to_end(&mut Vec::new());
        });
        let side = Side::at(&format!("\"ldap://{address}\""), ADMIN, "timeout = \"400ms\"");
        let outcome = side.ldap.find(&[mail("anna@example.org")]).await.unwrap_err();
        assert!(
            matches!(outcome, DirectoryError::Unavailable | DirectoryError::Failed),
            "{outcome:?}"
        );
        speaker.join().unwrap();
    }
}

/// Between client and server: once armed, it lets requests through, and the answer to a write (modify, or extended) never.
struct Wire {
    address: SocketAddr,
    is_armed: Arc<AtomicBool>,
    /// Instead of holding the answer back, the connection is cut.
    cuts: Arc<AtomicBool>,
}

impl Wire {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (is_armed, cuts) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (armed, cut) = (Arc::clone(&is_armed), Arc::clone(&cuts));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
                let up = (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || pass(up.0, up.1, |_| Passing::On));
                let (armed, cut) = (Arc::clone(&armed), Arc::clone(&cut));
                std::thread::spawn(move || {
                    pass(server, client, move |answer| {
                        // An answer is a sequence: its number, then what it is an answer to.
                        let is_write = matches!(answer, [0x30, _, 0x02, 0x01, _, 0x67 | 0x78, ..]);
                        match armed.load(Ordering::SeqCst) && is_write {
                            false => Passing::On,
                            true if cut.load(Ordering::SeqCst) => Passing::End,
                            true => Passing::Hold,
                        }
                    });
                });
            }
        });
        Self { address, is_armed, cuts }
    }
}

enum Passing {
    On,
    Hold,
    End,
}

fn pass(mut from: TcpStream, mut to: TcpStream, judge: impl Fn(&[u8]) -> Passing) {
    let mut bytes = [0; 65_536];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        match judge(&bytes[..count]) {
            Passing::On if to.write_all(&bytes[..count]).is_ok() => {}
            Passing::Hold => {}
            _ => break,
        }
    }
    let _closed = to.shutdown(std::net::Shutdown::Both);
    let _closed = from.shutdown(std::net::Shutdown::Both);
}
