//! Receivers that are slow, down, mistaken or hostile: an error in time, nothing believed that was not said.

use std::net::TcpListener;
use std::time::Instant;

use rekey_tests::stage::{Answer, Reaction, Received};
use sidecar::config::Config;
use sidecar::directory::{Account, DirectoryError, Revision, Written};
use tempfile::TempDir;

use crate::rig::{ANN, Rig, SOON, directory, email, http, with, write, write_private};

type React = fn(&Received) -> Reaction;

fn account() -> Account {
    Account { revision: Revision(b"7".to_vec()), ..Account::bare("u1") }
}

fn raw(text: &str) -> Reaction {
    Reaction::Raw(text.as_bytes().to_vec())
}

fn huge(size: usize) -> Reaction {
    let body = format!("{{\"accounts\":[],\"account\":null,\"x\":\"{}\"}}", "x".repeat(size));
    Reaction::Answer(Answer::json(200, body))
}

/// A redirect to where the answer would be good.
fn redirect(_: &Received) -> Reaction {
    let body = "{\"accounts\":[],\"account\":null,\"written\":true}";
    Reaction::Answer(Answer::json(307, body).header("location", "/elsewhere"))
}

/// Seventy thousand chunks, together beyond a mebibyte.
fn chunks(_: &Received) -> Reaction {
    raw(&format!(
        "HTTP/1.1 200 .\r\ntransfer-encoding: chunked\r\n\r\n{}",
        format!("1000\r\n{}\r\n", "0123456789abcdef".repeat(256)).repeat(300)
    ))
}

/// What a read makes of an answer, what a write makes of it, and how often each calls.
const ANSWERS: [(&str, React, DirectoryError, DirectoryError, usize); 12] = [
    ("closes", |_| Reaction::Close, DirectoryError::Unavailable, DirectoryError::Unknown, 2),
    ("is silent", |_| Reaction::Silence, DirectoryError::Unavailable, DirectoryError::Unknown, 1),
    (
        "says no HTTP",
        |_| raw("220 mail.example.com ESMTP\r\n"),
        DirectoryError::Unavailable,
        DirectoryError::Unknown,
        2,
    ),
    (
        "breaks off",
        |_| raw("HTTP/1.1 200 .\r\ncontent-length: 99\r\n\r\n{\"accounts\":[]"),
        DirectoryError::Unavailable,
        DirectoryError::Unknown,
        2,
    ),
    ("is huge", |_| huge(2 * 1024 * 1024), DirectoryError::Failed, DirectoryError::Unknown, 1),
    ("chunks", chunks, DirectoryError::Failed, DirectoryError::Unknown, 1),
    ("redirects", redirect, DirectoryError::Failed, DirectoryError::Unknown, 1),
    (
        "welcomes",
        |_| Reaction::Answer(Answer::json(200, "<html>welcome</html>")),
        DirectoryError::Failed,
        DirectoryError::Unknown,
        1,
    ),
    (
        "fails",
        |_| Reaction::Answer(Answer::json(500, "{}")),
        DirectoryError::Failed,
        DirectoryError::Unknown,
        2,
    ),
    (
        "is not now",
        |_| Reaction::Answer(Answer::json(503, "{\"written\":false}")),
        DirectoryError::Unavailable,
        DirectoryError::Unavailable,
        2,
    ),
    (
        "believes nobody",
        |_| Reaction::Answer(Answer::json(401, "{}")),
        DirectoryError::Login,
        DirectoryError::Login,
        1,
    ),
    (
        "knows no path",
        |_| Reaction::Answer(Answer::json(404, "{}")),
        DirectoryError::Missing,
        DirectoryError::Missing,
        1,
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_believed_that_was_not_said() {
    let dir = TempDir::new().unwrap();
    for (what, react, read, wrote, calls) in ANSWERS {
        let (server, directory) = with(&dir, "timeout = \"700ms\"", react);
        let begun = Instant::now();
        assert_eq!(directory.find(&[email(ANN)]).await.unwrap_err(), read, "{what}");
        assert_eq!(server.requests().len(), calls, "find: {what}");
        assert_eq!(directory.get("u1").await.unwrap_err(), read, "{what}");
        server.clear();
        assert_eq!(write(&directory, &account(), "hash").await, Err(wrote), "{what}");
        let writes = server.requests();
        // What may pass is tried again, and what may be done already as well.
        let again = matches!(wrote, DirectoryError::Unknown | DirectoryError::Unavailable);
        assert_eq!(writes.len(), if again && what != "is silent" { 2 } else { 1 }, "write: {what}");
        assert!(
            writes.iter().all(|one| one.header("webhook-id") == writes[0].header("webhook-id"))
        );
        assert!(
            writes.iter().all(|one| one.target == "/write"),
            "{what}: a redirect is not followed"
        );
        assert!(begun.elapsed() < SOON, "{what}: {:?}", begun.elapsed());
    }
}

/// The first answer to a write is lost; the second tells that the etag is another one. Whose write was that?
#[tokio::test]
async fn a_conflict_after_a_lost_answer_is_in_doubt() {
    let dir = TempDir::new().unwrap();
    let first = std::sync::atomic::AtomicBool::new(true);
    let (server, directory) =
        with(&dir, "", move |_| match first.swap(false, std::sync::atomic::Ordering::SeqCst) {
            true => Reaction::Close,
            false => Reaction::Answer(Answer::json(409, "{\"written\":false}")),
        });
    assert_eq!(write(&directory, &account(), "hash").await, Err(DirectoryError::Unknown));
    assert_eq!(server.requests().len(), 2);
    assert_eq!(write(&directory, &account(), "hash").await, Ok(Written::Changed));
}

#[tokio::test]
async fn nobody_there_is_unavailable_and_wrote_nothing() {
    let dir = TempDir::new().unwrap();
    let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let directory = directory(&http(&dir, addr, "retries = 3"));
    assert_eq!(directory.get("u1").await.unwrap_err(), DirectoryError::Unavailable);
    assert_eq!(write(&directory, &account(), "hash").await, Err(DirectoryError::Unavailable));
}

#[tokio::test]
async fn a_frozen_receiver_is_left_in_time() {
    let rig = Rig::new();
    let dir = TempDir::new().unwrap();
    let directory = directory(&http(&dir, rig.receiver.addr(), "timeout = \"300ms\""));
    rig.add("u1", ANN, "old");
    let account = directory.get("u1").await.unwrap().unwrap();
    rig.receiver.freeze();
    let begun = Instant::now();
    assert_eq!(directory.get("u1").await.unwrap_err(), DirectoryError::Unavailable);
    assert_eq!(write(&directory, &account, "new").await, Err(DirectoryError::Unknown));
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    rig.receiver.thaw();
    // The late write came after all, or never: by its etag and its id it is one write in any case.
    assert_eq!(write(&directory, &account, "new").await, Ok(Written::Done));
    assert_eq!(rig.hash("u1"), "new");
}

/// A kept connection that the service closed meanwhile costs nothing but a new one.
#[tokio::test]
async fn connections_are_kept_and_made_anew() {
    let mut rig = Rig::new();
    let dir = TempDir::new().unwrap();
    let directory = directory(&http(&dir, rig.receiver.addr(), "retries = 0"));
    rig.add("u1", ANN, "old");
    for _ in 0..3 {
        let account = directory.get("u1").await.unwrap().unwrap();
        rig.receiver.kill().unwrap();
        rig.receiver.resume().unwrap();
        let hash = format!("{}x", rig.hash("u1"));
        assert_eq!(write(&directory, &account, &hash).await, Ok(Written::Done));
    }
}

/// What no service should give: the account cannot be read, and the one beside it can.
#[tokio::test]
async fn a_hostile_hash_hurts_nobody() {
    let rig = Rig::new();
    rig.add("u1", ANN, &"x".repeat(2_000));
    rig.add("u2", ANN, "$argon2id$v=19$m=4294967295,t=4294967295,p=255$AAAA$AAAA");
    rig.receiver.sql("INSERT INTO users (id, email, hash) VALUES ('u3', 'ann@example.com', 'a' || char(0) || char(10))").unwrap();
    let found = rig.directory.find(&[email(ANN)]).await.unwrap();
    let ids: Vec<&str> = found.iter().map(|account| account.id.as_str()).collect();
    assert_eq!(ids, ["u2", "u3"]);
    assert_eq!(rig.directory.get("u1").await.unwrap_err(), DirectoryError::Row);
}

#[test]
fn sections_are_judged() {
    let dir = TempDir::new().unwrap();
    write_private(&dir.path().join("good"), rekey_tests::stage::HOOK_KEY);
    write_private(&dir.path().join("bad"), "whsec_c2hvcnQ=");
    std::fs::write(dir.path().join("open"), rekey_tests::stage::HOOK_KEY).unwrap();
    let url = |host: &str| format!("url = \"https://{host}/x\"\nsecret = \"file:good\"");
    let table = [
        (url("accounts.example.com"), "ok"),
        (format!("{}\nretries = 3\ntimeout = \"10s\"", url("1.1.1.1")), "ok"),
        (format!("{}\nallow_private = true", url("10.0.0.1")), "ok"),
        (format!("{}\nallow_private = true", url("localhost")), "ok"),
        (url("127.0.0.1"), "ok"),
        (url("[::1]:9"), "ok"),
        (url("10.0.0.1"), "private network"),
        (url("[fd00::1]"), "private network"),
        (url("localhost"), "leads to this machine"),
        (format!("{}\nallow_private = true", url("169.254.169.254")), "nobody is called"),
        (url("[::ffff:169.254.169.254]"), "nobody is called"),
        ("secret = \"file:good\"".into(), "http.url: it is missing"),
        ("url = \"https://a.example.com\"".into(), "http.secret: it is missing"),
        ("url = \"http://a.example.com\"\nsecret = \"file:good\"".into(), "plain http"),
        ("url = \"https://a.example.com\"\nsecret = \"whsec_AAAA\"".into(), "must not stand"),
        ("url = \"https://a.example.com\"\nsecret = \"file:bad\"".into(), "24 to 64 bytes"),
        (
            "url = \"https://a.example.com\"\nsecret = \"file:open\"".into(),
            "everybody on this machine",
        ),
        ("url = \"https://a.example.com\"\nsecret = \"file:none\"".into(), "cannot be read"),
        (format!("{}\nca = \"file:good\"", url("a.example.com")), "certificates"),
        (format!("{}\nretries = 9", url("a.example.com")), "0 to 3"),
    ];
    for (text, expected) in table {
        let parsed = Config::parse(&format!("directory = \"http\"\n[http]\n{text}"), dir.path());
        let said = parsed.map_or_else(|faults| faults.to_string(), |_| "ok".to_owned());
        assert!(said.contains(expected), "{text}: {said}");
        assert!(!said.contains("whsec_AAAA") && !said.contains("whsec_c2"), "{said}");
    }
    let idle = Config::parse(&format!("[http]\n{}", url("a.example.com")), dir.path());
    assert!(idle.unwrap_err().to_string().contains("this directory is not in use"));
}
