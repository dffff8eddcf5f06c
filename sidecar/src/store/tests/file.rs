//! The database file: whose it is, what it does not hold, and what is refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::rig::*;
use crate::config::StoreConfig;
use crate::store::*;

type Rig = Stand<File>;

#[tokio::test]
async fn the_file_is_its_owners_and_holds_no_proof() {
    let rig = Rig::new();
    let id = rig.challenge().await;
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let home = rig.ground.file.parent().unwrap();
    assert_eq!(mode(home), 0o700);
    let code = rig.masters.active().code(id, 0, 6);
    let link = rig.masters.active().link_token(id);
    let proof: String = link.chars().skip(32).collect();
    for entry in fs::read_dir(home).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{path:?}");
        let bytes = fs::read(&path).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!holds(&proof) && !holds(&link), "{path:?}");
        let raw = contract::signature::unhex::<16>(&proof).unwrap();
        assert!(!bytes.windows(16).any(|window| window == raw), "{path:?}");
        assert!(!holds(&code), "{path:?}");
    }
}

#[test]
fn what_is_no_store_of_ours_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let garbage = home.path().join("garbage.db");
    fs::write(&garbage, [b'x'; 4096]).unwrap();
    assert_eq!(
        Store::open(&StoreConfig::Sqlite(garbage.clone())).unwrap_err(),
        StoreError::Corrupt
    );
    assert_eq!(
        Store::open(&StoreConfig::Sqlite("/dev/null/rekey.db".into())).unwrap_err(),
        StoreError::Unwritable
    );
    let newer = home.path().join("newer.db");
    drop(Store::open(&StoreConfig::Sqlite(newer.clone())).unwrap());
    let connection = rusqlite::Connection::open(&newer).unwrap();
    connection.execute("UPDATE meta SET value = 99", []).unwrap();
    assert_eq!(Store::open(&StoreConfig::Sqlite(newer.clone())).unwrap_err(), StoreError::Newer);
}

#[tokio::test]
async fn a_file_that_others_may_read_is_tightened() {
    let rig = Rig::new();
    rig.challenge().await;
    let files =
        || fs::read_dir(rig.ground.file.parent().unwrap()).unwrap().map(|one| one.unwrap().path());
    for path in files() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o664)).unwrap();
    }
    let again = Store::open(&StoreConfig::Sqlite(rig.ground.file.clone())).unwrap();
    again.ping().await.unwrap();
    for path in files() {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
    }
}

#[tokio::test]
async fn what_a_dead_process_held_is_free_again() {
    let rig = Rig::new();
    let id = rig.challenge().await;
    assert!(rig.hold(5, Target::Link(id), after(1)).await.is_some());
    let rig = rig.reopen();
    assert_eq!(rig.store.free_held().await.unwrap(), 1);
    assert!(rig.hold(6, Target::Link(id), after(2)).await.is_some());
}
