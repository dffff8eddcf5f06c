//! The worker that sends, against a relay that is slow with some mails and refuses others.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use contract::address::Channel;
use contract::profile::ProofKind;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::rig::*;
use crate::flow::deliver;

/// Takes mails, but refuses those to `gone..`, and says no word about one to `slow..`, until somebody comes to the barrier:
/// then it hangs up.
fn relay() -> (SocketAddr, Arc<Barrier>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let barrier = Arc::new(Barrier::new(2));
    let met = Arc::clone(&barrier);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let met = Arc::clone(&met);
            thread::spawn(move || serve(&stream, &met));
        }
    });
    (address, barrier)
}

/// Ends with the connection.
fn serve(mut stream: &TcpStream, met: &Barrier) -> Option<()> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    stream.write_all(b"220 relay\r\n").ok()?;
    while let Some(line) = lines.next() {
        if line.starts_with("RCPT TO:<slow") {
            met.wait();
            return None;
        }
        if line.starts_with("RCPT TO:<gone") {
            stream.write_all(b"550 5.1.1 no such user\r\n").ok()?;
            continue;
        }
        if line.starts_with("DATA") {
            stream.write_all(b"354 go on\r\n").ok()?;
            lines.by_ref().find(|line| line == ".")?;
        }
        stream.write_all(b"250 ok\r\n").ok()?;
    }
    None
}

fn linked() -> Caller {
    with(Channel::Email, |rules| rules.accepts == [ProofKind::Link])
}

#[tokio::test]
async fn a_mail_that_stalls_holds_up_no_other() {
    let (relay, met) = relay();
    let rig = Rig::relaying("", relay).await;
    let mut all: Vec<String> = (0..20).map(|n| format!("user{n}@example.org")).collect();
    all.insert(0, "slow@example.org".into());
    for address in &all {
        rig.add(address, None).await;
        assert_eq!(rig.ask(linked(), address).await.code(), "accepted");
    }
    let (stop, stopped) = watch::channel(false);
    let engine = Arc::clone(&rig.engine);
    let worker = tokio::spawn(async move { deliver::run(&engine, stopped).await });
    let deadline = Instant::now() + Duration::from_secs(60);
    for address in &all[1..] {
        while rig.end(address).await.0 != "sent" {
            assert!(Instant::now() < deadline, "{address}: {:?}", rig.end(address).await);
            sleep(Duration::from_millis(5)).await;
        }
    }
    // More than two handfuls went by, while this one is still in hand.
    let story = rig.stories("slow@example.org").await.remove(0);
    assert_eq!((story.state.as_str(), story.attempts, story.reply), ("queued", 1, None));
    stop.send(true).unwrap();
    met.wait();
    worker.await.unwrap();
    let story = rig.stories("slow@example.org").await.remove(0);
    assert!(story.reply.is_some(), "what was in hand is ended before the worker is");
}

#[tokio::test]
async fn no_attempt_begins_late_in_its_lease() {
    let rig = Rig::relaying("", relay().0).await;
    assert_eq!(rig.ask(linked(), ANN).await.code(), "accepted");
    let until = rig.now().plus(Duration::from_secs(120));
    let leased = rig.engine.store.lease_mails(rig.now(), until, 9).await.unwrap();
    let [mail] = leased.try_into().unwrap();
    rig.pass(21);
    deliver::deliver(&rig.engine, &mail).await.unwrap();
    assert_eq!(rig.end(ANN).await.0, "queued");
    assert_eq!(deliver::once(&rig.engine).await, Ok(0), "the lease goes on");
    rig.pass(100);
    assert_eq!(deliver::once(&rig.engine).await, Ok(1));
    assert_eq!(rig.end(ANN).await.0, "sent");
}

#[tokio::test]
async fn an_address_that_bounced_is_told_and_left_alone() {
    let rig = Rig::relaying("", relay().0).await;
    rig.add("gone@example.org", None).await;
    assert_eq!(rig.ask(linked(), "gone@example.org").await.code(), "accepted");
    assert_eq!(deliver::once(&rig.engine).await, Ok(1));
    assert_eq!(rig.end("gone@example.org").await, ("dead".into(), "bounced".into()));
    rig.pass(61);
    // In whatever spelling it is asked for.
    assert_eq!(rig.ask(linked(), "Gone@Example.org").await.code(), "accepted");
    assert_eq!(rig.end("gone@example.org").await, ("suppressed".into(), "bounced".into()));
    assert!(rig.stories("gone@example.org").await.remove(0).to_string().contains("unsuppress"));
    assert_eq!(rig.ask(linked(), ANN).await.code(), "accepted");
    assert_eq!(deliver::once(&rig.engine).await, Ok(1));
    let asks = rig.engine.ends().asks();
    for labels in [("dead", "bounced", 1), ("suppressed", "bounced", 1), ("sent", "", 1)] {
        assert!(asks.contains(&labels), "{labels:?} in {asks:?}");
    }
    assert!(rig.engine.ends().mails().contains(&("bounced", "", 1)));
}
