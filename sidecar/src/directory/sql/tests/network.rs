//! What the way to a server does to a write. Each runs through a proxy that understands nothing but the word COMMIT.

use std::time::{Duration, Instant};

use rekey_tests::stage::poll;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::rig::*;
use crate::directory::sql::Sql;
use crate::directory::{DirectoryError, Written};

#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// Lets everything through.
    Through,
    /// Cuts the connection before COMMIT gets there.
    Before,
    /// Cuts it when the answer to COMMIT comes back.
    After,
    /// Takes connections and says nothing.
    Mute,
}

/// The directory through a proxy; `None` where there is no network.
async fn through(rig: &Rig, manner: Manner) -> Option<Sql> {
    let place = rig.place();
    let (_, rest) = place.split_once("127.0.0.1:")?;
    let server: u16 = rest.split('/').next()?.parse().ok()?;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(carry(client, server, manner));
        }
    });
    let place = place.replace(&format!(":{server}/"), &format!(":{port}/"));
    Some(Sql::new(&rig.config(&place, &format!("timeout = \"1s\"\n{KEYS}"))))
}

async fn carry(mut client: TcpStream, server: u16, manner: Manner) -> Option<()> {
    if manner == Manner::Mute {
        // Until the client leaves.
        while client.read(&mut [0; 64]).await.ok()? > 0 {}
        return None;
    }
    let mut server = TcpStream::connect(("127.0.0.1", server)).await.ok()?;
    let (mut up, mut down) = ([0; 16_384], [0; 16_384]);
    let mut committed = false;
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let said = &up[..read.ok().filter(|read| *read > 0)?];
                committed = said.windows(6).any(|word| word == b"COMMIT");
                if committed && manner == Manner::Before {
                    return None;
                }
                server.write_all(said).await.ok()?;
            }
            read = server.read(&mut down) => {
                let said = &down[..read.ok().filter(|read| *read > 0)?];
                if committed && manner == Manner::After {
                    return None;
                }
                client.write_all(said).await.ok()?;
            }
        }
    }
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_unknown() {
    for (manner, written, hash) in [
        (Manner::Through, Ok(Written::Done), "new"),
        (Manner::Before, Err(DirectoryError::Unknown), "old"),
        (Manner::After, Err(DirectoryError::Unknown), "new"),
    ] {
        let rig = Rig::new();
        let Some(sql) = through(&rig, manner).await else { return };
        let ann = account(&sql, "1").await;
        assert_eq!(write(&sql, &ann, "new").await, written);
        // The server finds out that nobody is there any more.
        let settled = poll(Duration::from_secs(20), || Ok::<_, ()>((rig.hash(1) == hash).then_some(())));
        assert_eq!(settled, Ok(Some(())));
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_unavailable_in_time() {
    let rig = Rig::new();
    let Some(sql) = through(&rig, Manner::Mute).await else { return };
    let begun = Instant::now();
    assert_eq!(sql.find(&[mail("ann@example.org")]).await.unwrap_err(), DirectoryError::Unavailable);
    assert_eq!(sql.get("1").await.unwrap_err(), DirectoryError::Unavailable);
    assert!(begun.elapsed() < Duration::from_secs(10));
}
