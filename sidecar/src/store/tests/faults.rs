//! What goes wrong beneath the store: it is told by its name, nothing is half done, and all goes on when it is over.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rekey_tests::stage::{DEADLINE, Database, Postgres as Server, Safety};
use zeroize::Zeroizing;

use super::rig::*;
use crate::config::{PostgresConfig, StoreConfig};
use crate::keys::{self, Kind, Step, Wish};
use crate::store::*;

/// An account of which each look takes longer than `at` allows.
const SLOW: &str = "ALTER TABLE account RENAME TO aside; \
     INSERT INTO aside (id, active, second_factor, counter, changed) VALUES ('a', 1, 0, 0, 0); \
     CREATE VIEW account AS SELECT CASE WHEN pg_sleep(2) IS NULL THEN '' ELSE 'x' END AS password_hash FROM aside";

fn at(database: &Database, ca: Option<PathBuf>, tls: bool) -> StoreConfig {
    StoreConfig::Postgres(PostgresConfig {
        address: database.url().parse().unwrap(),
        password: Some(Zeroizing::new(database.password().to_owned())),
        tls,
        ca,
        connections: 1,
        statement_timeout: Duration::from_millis(300),
    })
}

#[tokio::test]
async fn a_full_disk_is_told_and_forgotten_when_there_is_room_again() {
    let rig = Stand::<File>::new();
    let pages = |most: i64| {
        let pragma = format!("PRAGMA max_page_count = {most}");
        rig.store.write(move |tx| tx.only::<i64>(&pragma, &[]))
    };
    pages(1).await.unwrap();
    let mut told = Asked::Taken;
    for byte in 1..=250 {
        match rig.store.take_ask(rig.ask(byte, after(u64::from(byte) * 61))).await {
            Ok(asked) => told = asked,
            Err(error) => {
                assert_eq!(error, StoreError::Full, "after {told:?}");
                pages(1_000_000).await.unwrap();
                let again = rig.ask(byte, after(u64::from(byte) * 61));
                assert!(matches!(
                    rig.store.take_ask(again).await,
                    Ok(Asked::Taken | Asked::Merged)
                ));
                return;
            }
        }
    }
    panic!("the disk never was full");
}

#[tokio::test]
async fn a_file_that_another_program_writes_to_is_busy_and_then_is_not() {
    let rig = Stand::<File>::new();
    let other = rusqlite::Connection::open(&rig.ground.file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(rig.store.take_ask(rig.ask(1, BEGIN)).await.unwrap_err(), StoreError::Busy);
    assert!(rig.store.stories(crate::secret::AddressKey([1; 16])).await.unwrap().is_empty());
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(rig.store.take_ask(rig.ask(1, BEGIN)).await.unwrap(), Asked::Taken);
}

#[tokio::test]
async fn a_lock_on_the_server_is_waited_for_no_longer_than_a_statement_may_take() {
    let database = Server::shared().database().unwrap();
    let store = Store::open(&at(&database, None, false)).unwrap();
    let url = database.url();
    let password = database.password().to_owned();
    let locked = tokio::task::spawn_blocking(move || {
        let mut config: ::postgres::Config = url.parse().unwrap();
        let mut client = config.password(password).connect(::postgres::NoTls).unwrap();
        client.batch_execute("BEGIN; LOCK TABLE ask").unwrap();
        client
    });
    let client = locked.await.unwrap();
    let rig = Stand::<File>::new();
    assert_eq!(store.take_ask(rig.ask(1, BEGIN)).await.unwrap_err(), StoreError::Busy);
    // Its connection ends with it, and the lock with that.
    tokio::task::spawn_blocking(move || drop(client)).await.unwrap();
    assert_eq!(store.take_ask(rig.ask(1, BEGIN)).await.unwrap(), Asked::Taken);
}

/// The table of accounts is made slow; there a pepper may end all the same, and beats go on meanwhile.
#[tokio::test]
async fn hashes_are_looked_through_for_longer_than_a_request_may_take() {
    let database = Server::shared().database().unwrap();
    let one = at(&database, None, false);
    let (store, other) = (Store::open(&one).unwrap(), Store::open(&one).unwrap());
    let (url, password) = (database.url(), database.password().to_owned());
    let slowed = tokio::task::spawn_blocking(move || {
        let mut config: ::postgres::Config = url.parse().unwrap();
        let mut client = config.password(password).connect(::postgres::NoTls).unwrap();
        client.batch_execute(SLOW).unwrap();
    });
    slowed.await.unwrap();
    let here = vec![keys::Held { kind: Kind::Pepper, id: name("old"), check: "c".into() }];
    let wish = move |step| {
        let here = here.clone();
        Wish { kind: Kind::Pepper, id: name("old"), step, now: false, here, peppered: false }
    };
    assert!(store.change_key(BEGIN, wish(Step::Retire)).await.unwrap().is_ok());
    let age = |by: &'static str| store.write(move |tx| tx.run(by, &[]));
    age("UPDATE key_state SET since = since - 118500").await.unwrap();
    // It is over when the look is, and was not when that began.
    let early = store.change_key(BEGIN, wish(Step::Finally)).await.unwrap();
    assert!(matches!(early, Err(keys::Refused::Unsettled(_))), "{early:?}");
    age("UPDATE key_state SET since = since - 1500").await.unwrap();
    let ended = tokio::spawn(async move { store.change_key(BEGIN, wish(Step::Finally)).await });
    looking(&other).await;
    let beat = Beat { instance: [1; 16], at: BEGIN, holds: Vec::new(), mark: 0 };
    other.beat(beat).await.unwrap();
    assert!(!ended.is_finished());
    assert!(ended.await.unwrap().unwrap().is_ok());
}

/// Waits until hashes are being looked through.
async fn looking(other: &Store) {
    let query = "SELECT COUNT(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() \
         AND query LIKE '%password_history%'";
    let end = Instant::now() + DEADLINE;
    while other.read(move |tx| tx.only::<i64>(query, &[])).await.unwrap() == 0 {
        assert!(Instant::now() < end, "nobody looks");
    }
}

#[tokio::test]
async fn a_server_is_believed_by_its_certificate_only() {
    let server = tokio::task::spawn_blocking(|| Server::start(Safety::Tls).unwrap());
    let server = server.await.unwrap();
    let database = server.database().unwrap();
    let trusted = at(&database, Some(server.certificate()), true);
    Store::open(&trusted).unwrap().ping().await.unwrap();
    assert_eq!(Store::open(&at(&database, None, true)).unwrap_err(), StoreError::Tls);
    assert!(Store::open(&at(&database, None, false)).is_err(), "it speaks in the clear");
}
