//! Keys that are exchanged, and stores that are put back, while proofs live.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use contract::address::Channel;
use contract::name::Name;
use contract::profile::ProofKind;

use super::rig::*;
use crate::clock::Clock;
use crate::config::{Config, StoreConfig};
use crate::engine::Engine;
use crate::entropy::Entropy;
use crate::flow::beat::{self, BeatFault};
use crate::keys::{Held, Key, KeyState, Keys, Kind, Refused, Step, Wish, add_line, file_of};
use crate::store::{Beat, Beaten};

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// Draws a key into its file; the next beat takes it up.
fn add(rig: &Rig, kind: Kind, id: &str) {
    let mut key = Key::draw(kind, &Entropy::System).unwrap();
    key.id = name(id);
    add_line(file_of(&rig.engine.config.keys, kind).unwrap().path(), &key).unwrap();
}

async fn wish(rig: &Rig, kind: Kind, id: &str, step: Step, now: bool) -> Option<Refused> {
    let here = Held::all(&Keys::read(&rig.engine.config.keys).unwrap());
    let wish = Wish { kind, id: name(id), step, now, here, peppered: false };
    rig.engine.store.change_key(rig.now(), wish).await.unwrap().err()
}

async fn beat(rig: &Rig) -> Beaten {
    beat::once(&rig.engine).await.unwrap()
}

fn master(rig: &Rig) -> String {
    rig.engine.secrets.masters().active().id().as_str().to_owned()
}

/// Draws the next master and makes it the active one; gives the id of the former.
async fn rotate(rig: &Rig, next: &str) -> String {
    let former = master(rig);
    add(rig, Kind::Master, next);
    beat(rig).await;
    assert_eq!(master(rig), former);
    assert_eq!(wish(rig, Kind::Master, next, Step::Activate, false).await, None);
    beat(rig).await;
    assert_eq!(master(rig), next);
    former
}

#[tokio::test]
async fn links_outlive_their_master_until_it_is_retired_for_good() {
    let rig = Rig::new().await;
    beat::first(&rig.engine).await.unwrap();
    let caller = accepting(Channel::Email, ProofKind::Link);
    let (ann, bob) = (rig.letter(caller, ANN).await, rig.letter(caller, BOB).await);
    let former = rotate(&rig, "next").await;
    rig.pass(61);
    // The old one is not sent again: a new one stands beside it.
    let second = rig.letter(caller, ANN).await;
    assert_ne!(second.token, ann.token);
    let (ann, second, bob) = (ann.token.unwrap(), second.token.unwrap(), bob.token.unwrap());
    assert_eq!(rig.confirm(caller, by_token(&ann)).await, "reset");
    assert_eq!(rig.confirm(caller, by_token(&second)).await, "proof_invalid");
    rig.pass(61);
    let third = rig.letter(caller, ANN).await.token.unwrap();
    let end = |now| wish(&rig, Kind::Master, &former, Step::Finally, now);
    assert!(matches!(end(false).await, Some(Refused::Living(living)) if living > 0));
    assert_eq!(end(true).await, None);
    beat(&rig).await;
    assert_eq!(rig.confirm(caller, by_token(&bob)).await, "proof_invalid");
    assert_eq!(rig.confirm(caller, by_token(&third)).await, "reset");
}

#[tokio::test]
async fn codes_and_grants_outlive_their_master_and_repeat() {
    let rig = Rig::new().await;
    beat::first(&rig.engine).await.unwrap();
    let caller = accepting(Channel::Email, ProofKind::Grant);
    let (ann, bob) = (rig.letter(caller, ANN).await, rig.letter(caller, BOB).await);
    let verifying = caller.as_message(7);
    let before = granted(&rig.verify(verifying, ANN, &ann.code.clone().unwrap()).await);
    let former = rotate(&rig, "next").await;
    let again = granted(&rig.verify(verifying, ANN, &ann.code.unwrap()).await);
    assert_eq!(before, again);
    let bobs = granted(&rig.verify(caller, BOB, &bob.code.unwrap()).await);
    assert_eq!(rig.confirm(caller, by_token(&before)).await, "reset");
    assert_eq!(wish(&rig, Kind::Master, &former, Step::Finally, true).await, None);
    beat(&rig).await;
    assert_eq!(rig.confirm(caller, by_token(&bobs)).await, "proof_invalid");
}

#[tokio::test]
async fn pots_and_cool_downs_outlive_the_master() {
    let rig = Rig::new().await;
    beat::first(&rig.engine).await.unwrap();
    let caller = accepting(Channel::Email, ProofKind::Code);
    let got = rig.letter(caller, ANN).await;
    let right = got.code.unwrap();
    for _ in 0..3 {
        let proof = by_code(ANN, &wrong(&right));
        assert_eq!(rig.confirm(caller, proof).await, "proof_invalid");
    }
    let former = rotate(&rig, "next").await;
    assert_eq!(rig.ask(caller, ANN).await.code(), "throttled");
    for _ in 0..2 {
        let proof = by_code(ANN, &wrong(&right));
        assert_eq!(rig.confirm(caller, proof).await, "proof_invalid");
    }
    // Five wrong ones in all: the right one comes too late.
    assert_eq!(rig.confirm(caller, by_code(ANN, &right)).await, "proof_invalid");
    assert_eq!(wish(&rig, Kind::Master, &former, Step::Finally, true).await, None);
    beat(&rig).await;
    assert_eq!(rig.ask(caller, ANN).await.code(), "throttled");
}

#[tokio::test]
async fn a_master_waits_for_every_live_instance() {
    let rig = Rig::new().await;
    beat::first(&rig.engine).await.unwrap();
    let holds = Held::all(&Keys::read(&rig.engine.config.keys).unwrap());
    let other = Beat { instance: [9; 16], at: rig.now(), holds, mark: 0 };
    rig.engine.store.beat(other.clone()).await.unwrap();
    add(&rig, Kind::Master, "next");
    beat(&rig).await;
    let activate = || wish(&rig, Kind::Master, "next", Step::Activate, true);
    assert_eq!(activate().await, Some(Refused::Lacking("09090909".into())));
    rig.pass(14);
    beat(&rig).await;
    assert_eq!(activate().await, Some(Refused::Lacking("09090909".into())));
    rig.pass(1);
    beat(&rig).await;
    assert_eq!(activate().await, None);
    // What was active before is not again just because an instance comes late.
    let late = rig.engine.store.beat(Beat { at: rig.now(), ..other }).await.unwrap();
    assert_eq!(late.states.active(Kind::Master).unwrap().id, name("next"));
}

#[tokio::test]
async fn a_jwt_key_is_published_before_it_signs() {
    let rig = Rig::new().await;
    beat::first(&rig.engine).await.unwrap();
    let former = rig.engine.keys().jwt.active().id().clone();
    add(&rig, Kind::Jwt, "next");
    beat(&rig).await;
    let keys = rig.engine.keys();
    assert!(keys.jwt.jwks().contains("\"next\""), "{}", keys.jwt.jwks());
    assert_eq!(*keys.jwt.active().id(), former);
    let activate = || wish(&rig, Kind::Jwt, "next", Step::Activate, false);
    rig.pass(299);
    assert_eq!(activate().await, Some(Refused::Unpublished(Duration::from_secs(1))));
    // An instance that comes now has published it for no time at all.
    let holds = Held::all(&Keys::read(&rig.engine.config.keys).unwrap());
    let other = Beat { instance: [9; 16], at: rig.now(), holds, mark: 0 };
    rig.engine.store.beat(other).await.unwrap();
    rig.pass(1);
    assert!(matches!(activate().await, Some(Refused::Unpublished(_))));
    rig.pass(299);
    assert_eq!(activate().await, None);
    beat(&rig).await;
    let keys = rig.engine.keys();
    assert_eq!(keys.jwt.active().id().as_str(), "next");
    assert!(keys.jwt.jwks().contains(former.as_str()));
}

#[tokio::test]
async fn an_edge_key_is_believed_as_soon_as_it_is_read() {
    let rig = Rig::new().await;
    beat::first(&rig.engine).await.unwrap();
    let former = rig.engine.keys().edge[0].id().as_str().to_owned();
    let ids = || {
        let keys = rig.engine.keys();
        keys.edge.iter().map(|key| key.id().as_str().to_owned()).collect::<Vec<_>>()
    };
    add(&rig, Kind::Edge, "next");
    beat(&rig).await;
    assert_eq!(ids(), [former.as_str(), "next"]);
    let end = || wish(&rig, Kind::Edge, &former, Step::Finally, false);
    assert_eq!(end().await, Some(Refused::Active));
    assert_eq!(wish(&rig, Kind::Edge, "next", Step::Activate, false).await, None);
    assert_eq!(end().await, None);
    beat(&rig).await;
    assert_eq!(ids(), ["next"]);
}

#[tokio::test]
async fn a_broken_key_file_changes_nothing_while_serving() {
    let rig = Rig::new().await;
    beat::first(&rig.engine).await.unwrap();
    let path = file_of(&rig.engine.config.keys, Kind::Master).unwrap().path().to_owned();
    let text = fs::read_to_string(&path).unwrap();
    let before = master(&rig);
    fs::write(&path, "rekey-master x").unwrap();
    beat(&rig).await;
    assert_eq!(master(&rig), before);
    fs::write(&path, text).unwrap();
    rotate(&rig, "next").await;
}

#[tokio::test]
async fn an_instance_with_foreign_keys_does_not_begin() {
    let rig = Rig::new().await;
    beat::first(&rig.engine).await.unwrap();
    let mine = Held::all(&Keys::read(&rig.engine.config.keys).unwrap());
    let changed = |held: &Held, kind| match held.kind == kind {
        true => Held { check: "00000000".into(), ..held.clone() },
        false => held.clone(),
    };
    let holds = mine.iter().map(|held| changed(held, Kind::Master)).collect();
    rig.engine.store.beat(Beat { instance: [9; 16], at: rig.now(), holds, mark: 0 }).await.unwrap();
    assert_eq!(beat::first(&rig.engine).await, Err(BeatFault::Stranger("09090909".into())));
    // Nor one whose index is another: it leaves no trace.
    let foreign = mine.iter().map(|held| match held.kind {
        Kind::Index => Held { id: name("other"), ..held.clone() },
        _ => Held { id: name("unknown"), ..held.clone() },
    });
    let beaten = rig
        .engine
        .store
        .beat(Beat { instance: [8; 16], at: rig.now(), holds: foreign.collect(), mark: 0 })
        .await
        .unwrap();
    assert!(beaten.states.0.iter().all(|row| row.id != name("unknown") && row.id != name("other")));
    assert!(beaten.instances.iter().all(|instance| instance.id != [8; 16]));
    assert!(beaten.states.0.iter().all(|row| row.state == KeyState::Active));
}

fn database(config: &Config) -> PathBuf {
    match &config.store {
        StoreConfig::Sqlite(path) => path.clone(),
        StoreConfig::Postgres(_) => panic!("these tests are of files"),
    }
}

fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Whether this process still has the file open.
fn is_open(path: &Path) -> bool {
    let files = fs::read_dir("/proc/self/fd").unwrap().flatten();
    files.filter_map(|file| fs::read_link(file.path()).ok()).any(|file| file == path)
}

/// The program ends, `change` is done to its files, and it starts again.
fn restart(mut rig: Rig, change: impl FnOnce(&Path)) -> Rig {
    let (config, clock) = (rig.engine.config.clone(), rig.engine.clock.clone());
    let path = database(&config);
    let spare = tempfile::tempdir().unwrap();
    let mut idle = config.clone();
    idle.store = StoreConfig::Sqlite(spare.path().join("idle.db"));
    let keys = || Keys::read(&config.keys).unwrap();
    let fixed = || Clock::clone(&clock);
    rig.engine = Engine::assemble(idle, keys(), fixed(), Entropy::System).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while is_open(&path) {
        assert!(Instant::now() < deadline, "the store was not closed");
        std::thread::yield_now();
    }
    // Connections that close at the same moment leave the log to the next one.
    let last = rusqlite::Connection::open(&path).unwrap();
    last.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    last.close().unwrap();
    assert!(!with(&path, "-wal").exists());
    change(&path);
    rig.engine = Engine::assemble(config.clone(), keys(), fixed(), Entropy::System).unwrap();
    rig
}

#[tokio::test]
async fn a_store_that_was_put_back_has_no_live_proof_left() {
    let mut rig = Rig::new().await;
    beat::first(&rig.engine).await.unwrap();
    let caller = accepting(Channel::Email, ProofKind::Link);
    let link = rig.letter(caller, ANN).await.token.unwrap();
    let kept = rig.home.path().join("kept");
    rig = restart(rig, |path| assert!(fs::copy(path, &kept).unwrap() > 0));
    assert_eq!(beat::once(&rig.engine).await.unwrap().restored, None);
    assert_eq!(rig.confirm(caller, by_token(&link)).await, "reset");
    rig = restart(rig, |path| assert!(fs::copy(&kept, path).unwrap() > 0));
    let beaten = beat(&rig).await;
    assert!(beaten.restored.is_some_and(|revoked| revoked > 0), "{beaten:?}");
    assert_eq!(rig.confirm(caller, by_token(&link)).await, "proof_invalid");
    assert!(rig.has_password("ann", OLD).await);
    // Once is enough.
    let fresh = rig.letter(caller, BOB).await.token.unwrap();
    assert_eq!(beat(&rig).await.restored, None);
    assert_eq!(rig.confirm(caller, by_token(&fresh)).await, "reset");
}

#[tokio::test]
async fn a_copy_knows_that_it_is_one_even_where_nobody_remembers() {
    let mut rig = Rig::new().await;
    beat::first(&rig.engine).await.unwrap();
    let caller = accepting(Channel::Email, ProofKind::Link);
    let link = rig.letter(caller, ANN).await.token.unwrap();
    let kept = rig.home.path().join("kept");
    rig.engine.store.backup(kept.clone()).await.unwrap();
    assert!(rig.engine.store.backup(kept.clone()).await.is_err());
    assert_eq!(beat(&rig).await.restored, None);
    let mark = rig.engine.config.data.join("beat");
    rig = restart(rig, |path| {
        fs::copy(&kept, path).unwrap();
        fs::remove_file(mark).unwrap();
    });
    assert!(beat(&rig).await.restored.is_some());
    assert_eq!(rig.confirm(caller, by_token(&link)).await, "proof_invalid");
}

#[tokio::test]
async fn the_mark_is_never_ahead_of_the_store() {
    let mut rig = Rig::new().await;
    beat::first(&rig.engine).await.unwrap();
    let caller = accepting(Channel::Email, ProofKind::Link);
    let link = rig.letter(caller, ANN).await.token.unwrap();
    let mark = rig.engine.config.data.join("beat");
    let marked = || fs::read_to_string(&mark).unwrap().trim().parse::<i64>().unwrap();
    let (older, newer) = (marked(), beat(&rig).await.beat);
    assert!(older < newer && newer == marked());
    // It dies between the commit and the mark: nothing was put back, nothing is revoked.
    let lost = mark.clone();
    rig = restart(rig, |_| fs::write(lost, format!("{older}\n")).unwrap());
    assert_eq!(beat(&rig).await.restored, None);
    // Where the mark cannot be written, the store goes on.
    fs::create_dir(mark.with_extension("new")).unwrap();
    let (before, beaten) = (marked(), beat(&rig).await);
    assert!(marked() == before && before < beaten.beat);
    let engine = Arc::clone(&rig.engine);
    assert!(engine.begin().await.is_ok());
    assert_eq!(rig.confirm(caller, by_token(&link)).await, "reset");
}
