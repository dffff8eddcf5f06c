//! The schema's steps: several programs starting at once, and the program before ours on our schema.

use super::rig::*;
use crate::config::StoreConfig;
use crate::store::sql::schema::STEPS;
use crate::store::sql::tx::{Tx, values};
use crate::store::*;

/// As a program opens it that knows so many steps.
fn open_at(config: &StoreConfig, steps: usize) -> Result<Store, StoreError> {
    match config {
        StoreConfig::Sqlite(path) => Sqlite::open_at(path, steps).map(Store::Sqlite),
        StoreConfig::Postgres(server) => Postgres::open_at(server, steps).map(Store::Postgres),
    }
}

async fn many_start_at_once<G: Ground>() {
    let ground = G::new();
    let starting: Vec<_> = (0..6)
        .map(|_| {
            let config = ground.config();
            tokio::task::spawn_blocking(move || Store::open(&config))
        })
        .collect();
    for one in starting {
        one.await.unwrap().unwrap().ping().await.unwrap();
    }
}

#[tokio::test]
async fn many_starting_at_once_agree_on_the_schema() {
    many_start_at_once::<File>().await;
    many_start_at_once::<Server>().await;
}

/// Statements of the program before ours, in the words that it used.
mod previous {
    pub(super) const ASK: &str = "INSERT INTO ask (id, at, channel, address, address_key, sender, place, place_owned, \
         pot, dialect, site, client, language, request, state) \
         VALUES (?1, ?2, 'email', 'ann@example.org', ?3, ?1, ?1, 0, 1, ?4, 's', NULL, 'en', 'r', 'waiting')";
    pub(super) const MESSAGE: &str =
        "INSERT INTO message (id, mac, at, operation, tally) VALUES (?1, ?2, ?3, 'confirm', NULL)";
    pub(super) const HOLD: &str = "UPDATE challenge SET state = 'held', held_by = ?2, held_until = ?3 WHERE id = ?1 \
         AND (state = 'live' OR (state = 'held' AND (held_by = ?2 OR held_until <= ?4)))";
    pub(super) const RELEASE: &str = "UPDATE challenge SET state = 'live', held_by = NULL, held_until = NULL \
         WHERE held_by = ?1 AND state = 'held'";
    pub(super) const MAIL: &str = "UPDATE mail SET next_at = ?2, attempts = attempts + 1 WHERE id IN \
         (SELECT id FROM mail WHERE state = 'waiting' AND next_at <= ?1 ORDER BY next_at LIMIT 8)";
    pub(super) const SENT: &str = "UPDATE mail SET state = 'sent', ended = ?2 WHERE id = ?1";
    pub(super) const SPENT: &str = "UPDATE challenge SET state = 'spent', ended = ?2 WHERE id = ?1";
}

/// Runs one of them; how many rows it touched.
async fn run(
    store: &Store,
    sql: &'static str,
    bind: impl Fn(&mut Tx<'_>, &str) -> Result<u64, crate::store::Broken> + Send + 'static,
) -> u64 {
    store.write(move |tx| bind(tx, sql)).await.unwrap()
}

#[expect(clippy::cognitive_complexity, reason = "a story in its order")]
async fn the_previous_program_goes_on<G: Ground>() {
    let ground = G::new();
    let before = STEPS.len() - 1;
    drop(open_at(&ground.config(), before).unwrap());
    let ours = Stand::<G>::on(ground);
    let theirs = open_at(&ours.ground.config(), before).unwrap();

    // What it wrote, we take up.
    let dialect = issuer().dialect;
    run(&theirs, previous::ASK, move |tx, sql| {
        tx.run(sql, values![&[7_u8; 16], BEGIN, &[1_u8; 16], dialect])
    })
    .await;
    let asks = ours.store.lease_asks(BEGIN, after(10), 9).await.unwrap();
    assert_eq!(asks.iter().map(|ask| ask.id).collect::<Vec<_>>(), [[7; 16]]);
    ours.store.end_asks(vec![([7; 16], None)], BEGIN).await.unwrap();

    // What we wrote, it takes up: it leases and ends our mail, holds our challenge, and we respect both.
    let id = ours.queued(1, 9, BEGIN).await;
    let leased = run(&theirs, previous::MAIL, |tx, sql| tx.run(sql, values![BEGIN, after(120)]));
    assert_eq!(leased.await, 1);
    assert!(ours.store.lease_mails(after(1), after(121), 9).await.unwrap().is_empty());
    assert_eq!(ours.store.lease_mails(after(120), after(240), 9).await.unwrap().len(), 1);
    run(&theirs, previous::SENT, |tx, sql| tx.run(sql, values![&[9_u8; 16], after(121)])).await;
    run(&theirs, previous::MESSAGE, |tx, sql| {
        tx.run(sql, values![&[5_u8; 16], &[5_u8; 32], after(121)])
    })
    .await;
    let hold = move |tx: &mut Tx<'_>, sql: &str| {
        tx.run(sql, values![&id.0, &[5_u8; 16], after(150), after(121)])
    };
    assert_eq!(run(&theirs, previous::HOLD, hold).await, 1);
    assert!(ours.hold(6, Target::Link(id), after(122)).await.is_none());
    run(&theirs, previous::RELEASE, |tx, sql| tx.run(sql, values![&[5_u8; 16]])).await;
    assert!(ours.hold(6, Target::Link(id), after(122)).await.is_some());
    assert_eq!(run(&theirs, previous::HOLD, hold).await, 0);
    run(&theirs, previous::SPENT, move |tx, sql| tx.run(sql, values![&id.0, after(123)])).await;
    assert!(ours.hold(7, Target::Link(id), after(200)).await.is_none());

    // Until an operator says that it is gone.
    assert_eq!(ours.store.contract().await.unwrap(), 1);
    assert_eq!(ours.store.contract().await.unwrap(), 0);
    assert_eq!(open_at(&ours.ground.config(), before).unwrap_err(), StoreError::Newer);
    Store::open(&ours.ground.config()).unwrap().ping().await.unwrap();
}

#[tokio::test]
async fn the_program_before_ours_works_on_our_schema() {
    the_previous_program_goes_on::<File>().await;
    the_previous_program_goes_on::<Server>().await;
}

/// Table and column, of every table of ours.
async fn columns<G: Ground>(query: &'static str) -> Vec<(String, String)> {
    let rig = Stand::<G>::new();
    let read = rig.store.read(move |tx| tx.all(query, &[], |row| Ok((row.get(0)?, row.get(1)?))));
    // Each engine sorts in its own way.
    let mut columns = read.await.unwrap();
    columns.sort();
    columns
}

#[tokio::test]
async fn both_engines_have_the_same_tables() {
    let file = "SELECT m.name, c.name FROM sqlite_schema AS m, pragma_table_info(m.name) AS c \
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'";
    let server = "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns \
         WHERE table_schema = 'public'";
    let (file, server) = (columns::<File>(file).await, columns::<Server>(server).await);
    assert!(file.len() > 100, "{}", file.len());
    assert_eq!(file, server);
}
