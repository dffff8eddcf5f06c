//! Key files and rings: what is made, what is refused, what makes and what is believed.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::clock::Millis;
use crate::password::Sm2Layouts;
use contract::signature::hex;

const GOOD: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const OTHER: &str = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752";

const SM2_N_LESS_ONE: &str = "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54122";
const SM2_N_LESS_TWO: &str = "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54121";

fn files(folder: &Path) -> KeyFiles {
    let preset = |name: &str| KeyFile::Default(folder.join("keys").join(name));
    let password = KeyFile::Optional(folder.join("keys").join("password"));
    KeyFiles { master: preset("master"), edge: vec![preset("edge")], jwt: preset("jwt"), password }
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn states(rows: &[(Kind, &str, KeyState)]) -> KeyStates {
    let row = |(at, (kind, id, state)): (usize, &(Kind, &str, KeyState))| KeyRow {
        kind: *kind,
        id: name(id),
        state: *state,
        since: Millis(at as i64),
    };
    KeyStates(rows.iter().enumerate().map(row).collect())
}

fn ring(keys: &Keys) -> Ring {
    Ring::new(keys, &KeyStates::default(), Sm2Layouts::Standard).unwrap()
}

#[test]
fn missing_keys_are_made_once_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    assert!(inspect(&files).iter().all(|found| found.as_ref().unwrap().ids.is_empty()));
    let made = Keys::open(&files, &Entropy::System).unwrap();
    let again = Keys::open(&files, &Entropy::System).unwrap();
    assert_eq!(Held::all(&made), Held::all(&again));
    assert_ne!(made.index.secret, made.masters[0].secret);
    for found in inspect(&files) {
        let found = found.unwrap();
        if found.shelf == Shelf::Password {
            assert!(found.ids.is_empty() && !found.path.exists());
            continue;
        }
        assert_eq!(found.ids.len(), 1);
        assert_eq!(fs::metadata(&found.path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let left = fs::read_dir(folder.path().join("keys")).unwrap().count();
    assert_eq!(left, 3);
}

#[test]
fn bad_keys_are_refused() {
    let example = "00".repeat(32);
    let table = [
        (Shelf::Edge, format!("rekey-edge e1 {GOOD}\n"), 0o600, "ok"),
        (Shelf::Edge, format!("rekey-edge e1 {GOOD}\n\nrekey-edge e2 {OTHER}"), 0o600, "ok"),
        (Shelf::Edge, format!("rekey-edge e1 {GOOD}\n"), 0o640, "ok"),
        (Shelf::Edge, format!("rekey-edge e1 {GOOD}\n"), 0o644, "everybody"),
        (Shelf::Edge, format!("rekey-edge e1 {GOOD}\nrekey-edge e2 {example}\n"), 0o600, "example"),
        (Shelf::Edge, format!("rekey-edge e1 {GOOD}\nrekey-edge e1 {OTHER}\n"), 0o600, "same id"),
        (Shelf::Edge, format!("rekey-jwt e1 {GOOD}\n"), 0o600, "rekey-edge <id>"),
        (Shelf::Edge, format!("rekey-edge e1 {GOOD} x\n"), 0o600, "rekey-edge <id>"),
        (Shelf::Edge, format!("rekey-edge e1 {GOOD}\nx\n"), 0o600, "rekey-edge <id>"),
        (Shelf::Edge, "rekey-edge e1 abc\n".to_owned(), 0o600, "rekey-edge <id>"),
        (Shelf::Edge, String::new(), 0o600, "there must be one"),
        (Shelf::Master, format!("rekey-index i {GOOD}\n"), 0o600, "there must be one"),
        (Shelf::Master, format!("rekey-index i {GOOD}\nrekey-master m {OTHER}"), 0o600, "ok"),
        (Shelf::Password, String::new(), 0o600, "ok"),
        (Shelf::Password, format!("rekey-sm2 s {GOOD}\nrekey-pepper s {GOOD}\n"), 0o600, "ok"),
        (Shelf::Password, format!("rekey-sm2 s {GOOD}\nrekey-sm2 s {OTHER}\n"), 0o600, "same id"),
        (Shelf::Password, format!("rekey-pepper p {example}\n"), 0o600, "example"),
        (Shelf::Password, format!("rekey-sm2 s {}\n", "0".repeat(64)), 0o600, "rekey-sm2 <id>"),
        (Shelf::Password, format!("rekey-sm2 s {SM2_N_LESS_ONE}\n"), 0o600, "rekey-sm2 <id>"),
        (Shelf::Password, format!("rekey-sm2 s {SM2_N_LESS_TWO}\n"), 0o600, "ok"),
        (Shelf::Password, format!("rekey-rsa r {GOOD}\n"), 0o600, "rekey-rsa <id>"),
        (Shelf::Password, "rekey-rsa r\n".to_owned(), 0o600, "rekey-rsa <id>"),
        (Shelf::Password, format!("rekey-edge e {GOOD}\n"), 0o600, "rekey-pepper <id>"),
        (Shelf::Edge, format!("rekey-edge e1 {GOOD}\nrekey-pepper p {OTHER}"), 0o600, "rekey-edge"),
        (Shelf::Jwt, format!("rekey-index i {GOOD}\nrekey-jwt m {OTHER}"), 0o600, "rekey-jwt <id>"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    for (shelf, text, mode, expected) in table {
        fs::write(&path, &text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let found = match read_lines(&path, shelf) {
            Ok(_) => "ok".to_owned(),
            Err(fault) => fault.to_string(),
        };
        assert!(found.contains(expected), "{text:?} {mode:o}: {found}");
    }
}

#[test]
fn a_named_key_is_never_made_nor_one_that_instances_share() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = files(folder.path());
    files.master = KeyFile::Named(folder.path().join("mine"));
    let error = Keys::open(&files, &Entropy::System).unwrap_err();
    assert!(matches!(error.fault, KeyFault::Unreadable(_)), "{error}");
    files.master = KeyFile::Shared(folder.path().join("mine"));
    let error = Keys::open(&files, &Entropy::System).unwrap_err().to_string();
    assert!(error.contains("rekey keys import") && error.contains("--first"), "{error}");
    assert!(matches!(&inspect(&files)[0], Err(KeyError { fault: KeyFault::Missing, .. })));
    let made = make_first(&files, &Entropy::System).unwrap();
    assert_eq!(made, [folder.path().join("mine"), files.password.path().to_owned()]);
    Keys::open(&files, &Entropy::System).unwrap();
}

#[test]
fn the_only_master_of_the_first_version_is_its_index_and_is_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    fs::create_dir(folder.path().join("keys")).unwrap();
    let path = files.master.path();
    fs::write(path, format!("rekey-master m1 {GOOD}\n")).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o640)).unwrap();
    let before = Keys::open(&files, &Entropy::System).unwrap();
    assert_eq!(before.index.secret, before.masters[0].secret);
    let marks_before = marks(&files);
    add_line(path, &Key::draw(Kind::Master, &Entropy::System).unwrap()).unwrap();
    assert_ne!(marks(&files), marks_before);
    let after = Keys::open(&files, &Entropy::System).unwrap();
    assert_eq!(Held::of(&after.index), Held::of(&before.index));
    assert_eq!((after.masters.len(), after.masters[0].id.as_str()), (2, "m1"));
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o640);
    fs::write(path, format!("rekey-master m1 {GOOD}\nrekey-master m2 {OTHER}\n")).unwrap();
    let error = Keys::open(&files, &Entropy::System).unwrap_err();
    assert!(matches!(error.fault, KeyFault::NoIndex), "{error}");
}

#[test]
fn the_store_says_who_makes_and_whom_nobody_believes() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    Keys::open(&files, &Entropy::System).unwrap();
    for (file, kind) in [(&files.master, Kind::Master), (&files.jwt, Kind::Jwt)] {
        let more = Key { id: name("two"), ..Key::draw(kind, &Entropy::System).unwrap() };
        add_line(file.path(), &more).unwrap();
    }
    let keys = Keys::open(&files, &Entropy::System).unwrap();
    let first = keys.masters[0].id.as_str();
    let ring = ring(&keys);
    assert_eq!(ring.secrets().masters().active().id().as_str(), first);
    assert!(ring.secrets().masters().of("two").is_some());
    let rotated = states(&[
        (Kind::Master, first, KeyState::Retiring),
        (Kind::Master, "two", KeyState::Active),
        (Kind::Jwt, "two", KeyState::Active),
    ]);
    ring.change(&keys, &rotated).unwrap();
    assert_eq!(ring.secrets().masters().active().id().as_str(), "two");
    assert!(ring.secrets().masters().of(first).is_some());
    assert_eq!(ring.now().jwt.active().id().as_str(), "two");
    assert!(ring.now().jwt.jwks().contains(keys.jwt[0].id.as_str()));
    let ended = states(&[
        (Kind::Master, first, KeyState::Retired),
        (Kind::Master, "two", KeyState::Active),
    ]);
    ring.change(&keys, &ended).unwrap();
    assert!(ring.secrets().masters().of(first).is_none());
    let elsewhere = states(&[(Kind::Master, "three", KeyState::Active)]);
    let fault = ring.change(&keys, &elsewhere).unwrap_err();
    assert!(matches!(fault, RingFault::NotHeld { kind: Kind::Master, .. }), "{fault}");
    let foreign = states(&[(Kind::Index, "i", KeyState::Active)]);
    assert!(matches!(ring.change(&keys, &foreign), Err(RingFault::Index(_))));
    let edge = keys.edge[0].id.as_str();
    let none = states(&[(Kind::Edge, edge, KeyState::Retired)]);
    assert_eq!(ring.change(&keys, &none), Err(RingFault::Retired(Kind::Edge)));
    assert_eq!(ring.secrets().masters().active().id().as_str(), "two");
}

#[test]
fn keys_are_told_apart_by_their_check() {
    let key = Key { id: name("k"), ..Key::draw(Kind::Jwt, &Entropy::System).unwrap() };
    let other = Key { id: name("k"), ..Key::draw(Kind::Jwt, &Entropy::System).unwrap() };
    let told = Held::of(&key);
    assert_eq!(Held::parse(&told.to_string()), Some(told.clone()));
    assert_ne!(told, Held::of(&other));
    assert!(told.is_same_key(Kind::Jwt, &name("k")));
    assert!(!told.to_string().contains(hex(&key.secret[..4]).as_str()));
    assert!(!format!("{key:?}").contains(hex(&key.secret[..4]).as_str()));
}

#[test]
fn an_rsa_key_keeps_its_line_and_is_what_it_was_adopted_from() {
    let key = Key::draw(Kind::Rsa, &Entropy::System).unwrap();
    let line = key.as_line();
    let read = parse_lines(&line).unwrap();
    assert_eq!(Held::of(&read[0]), Held::of(&key));
    assert_eq!(read[0].as_line(), line);
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        wrapped(line.split(' ').next_back().unwrap().trim_end())
    );
    let adopted = Key::adopt(Kind::Rsa, &pem, &Entropy::System).unwrap();
    assert_eq!(adopted.check(), key.check());
    assert_ne!(adopted.id, key.id);
    for (kind, text) in [(Kind::Sm2, pem.as_str()), (Kind::Rsa, GOOD), (Kind::Sm2, "00")] {
        let fault = Key::adopt(kind, text, &Entropy::System).unwrap_err();
        assert!(matches!(fault, KeyFault::NotAdopted), "{kind}: {fault}");
    }
    let adopted = Key::adopt(Kind::Sm2, &GOOD.to_uppercase(), &Entropy::System).unwrap();
    assert!(adopted.as_line().ends_with(&format!("{GOOD}\n")));
}

/// As PEM wants its lines.
fn wrapped(base64: &str) -> String {
    let lines: Vec<&str> =
        base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join("\n")
}

#[test]
fn keys_for_passwords_may_be_missing_and_wait_until_the_store_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    let none = Keys::open(&files, &Entropy::System).unwrap();
    let ring = ring(&none);
    assert!(ring.now().decryptor.public().is_empty() && ring.peppers().active().is_err());
    for kind in [Kind::Rsa, Kind::Sm2, Kind::Pepper] {
        let key = Key { id: name("one"), ..Key::draw(kind, &Entropy::System).unwrap() };
        add_line(files.password.path(), &key).unwrap();
    }
    let keys = Keys::read(&files).unwrap();
    let published = |states: &[(Kind, &str, KeyState)]| {
        ring.change(&keys, &self::states(states)).map(|()| {
            let public = ring.now().decryptor.public().clone();
            (public.rsa.is_some(), public.sm2.is_some(), ring.peppers().active().is_ok())
        })
    };
    assert_eq!(published(&[]), Ok((true, true, true)));
    let (pending, active) = (KeyState::Pending, KeyState::Active);
    let waiting = [(Kind::Rsa, "one", pending), (Kind::Pepper, "one", pending)];
    assert_eq!(published(&waiting), Ok((false, true, false)));
    let mixed = [(Kind::Rsa, "one", active), (Kind::Sm2, "one", KeyState::Retired)];
    assert_eq!(published(&mixed), Ok((true, false, true)));
    let away = published(&[(Kind::Sm2, "two", active)]).unwrap_err();
    assert!(matches!(away, RingFault::NotHeld { kind: Kind::Sm2, .. }), "{away}");
}
