//! The commands as they are typed, on files of their own; the running instance is a beat of the store.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use clap::Parser;
use tempfile::TempDir;

use super::*;
use crate::cli::Cli;
use crate::store::Beat;

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Home(TempDir);

impl Home {
    fn new(more: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("rekey.toml"), format!("data = \"data\"\n{more}")).unwrap();
        Self(home)
    }

    fn at(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn config(&self) -> Config {
        Config::load(Some(Path::new(&self.at("rekey.toml")))).unwrap()
    }

    /// Types a command; what it says, or why not.
    fn type_in(&self, line: &str, input: &str) -> Result<String, String> {
        let config = self.at("rekey.toml");
        let words = ["rekey", "--config", config.as_str()].into_iter().chain(line.split(' '));
        let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        let page = Page::default();
        let mut console = Console::new(io::Cursor::new(input.to_owned()), page.clone());
        let done = crate::cli::run(cli, &mut console);
        let said = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        done.map(|_| said).map_err(|error| error.to_string())
    }

    fn run(&self, line: &str) -> String {
        self.type_in(line, "").unwrap()
    }

    /// As a running instance would every five seconds.
    fn beat(&self) {
        let config = self.config();
        let holds = Held::all(&Keys::open(&config.keys, &Entropy::System).unwrap());
        let beat = Beat { instance: [3; 16], at: Clock::System.now(), holds, mark: 0 };
        let store = Store::open(&config.store).unwrap();
        rooms::runtime().unwrap().block_on(store.beat(beat)).unwrap();
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap()
    }
}

/// The id of the line that begins with these words.
fn id_of(list: &str, kind: &str, state: &str) -> String {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let found = list.lines().map(words).find(|line| line[0] == kind && line[2] == state);
    found.unwrap_or_else(|| panic!("no {kind} is {state} in\n{list}"))[1].clone()
}

#[test]
fn a_master_is_exchanged_step_by_step() {
    let home = Home::new("");
    home.beat();
    let first = id_of(&home.run("keys list"), "master", "active");
    let said = home.run("keys add master");
    assert!(
        said.contains("it is pending") && said.contains("rekey keys activate master"),
        "{said}"
    );
    let list = home.run("keys list");
    let next = id_of(&list, "master", "unseen");
    assert!(list.contains("0 of 1"), "{list}");
    let early = home.type_in(&format!("keys activate master {next}"), "").unwrap_err();
    assert!(early.contains("instance 03030303 does not hold it yet"), "{early}");
    home.beat();
    let said = home.run(&format!("keys activate master {next}"));
    assert!(said.contains(&format!("{first} is retiring")), "{said}");
    assert!(said.contains(&format!("{next} is active")), "{said}");
    let active = home.type_in(&format!("keys retire master {next}"), "").unwrap_err();
    assert!(active.contains("activate"), "{active}");
    let said = home.run(&format!("keys retire master {first} --finally"));
    assert!(said.contains("delete its line"), "{said}");
    let back = home.type_in(&format!("keys activate master {first}"), "").unwrap_err();
    assert!(back.contains("stays so"), "{back}");
    assert!(home.type_in("keys retire master x --now", "").is_err());
}

#[test]
fn a_second_instance_gets_its_keys_from_the_first() {
    let (one, two) = (Home::new(""), Home::new(""));
    one.run("keys add jwt");
    let bundle = one.at("bundle");
    let said = one.run(&format!("keys export --out {bundle}"));
    assert!(said.contains("wrote 5 keys"), "{said}");
    assert_eq!(fs::metadata(&bundle).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(one.type_in(&format!("keys export --out {bundle}"), "").is_err());
    assert_eq!(one.run("keys export"), one.text("bundle"));
    let said = two.run(&format!("keys import {bundle}"));
    assert_eq!(said.lines().count(), 5, "{said}");
    for file in ["data/keys/master", "data/keys/jwt", "data/keys/edge"] {
        assert_eq!(one.text(file), two.text(file), "{file}");
        let mode = fs::metadata(two.at(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let said = two.type_in("keys import -", &one.text("bundle")).unwrap();
    assert!(said.contains("here already"), "{said}");
    // What does not fit is refused whole.
    let three = Home::new("");
    three.run("keys add edge");
    let before = three.text("data/keys/edge");
    let refused = three.type_in(&format!("keys import {bundle}"), "").unwrap_err();
    assert!(refused.contains("another index"), "{refused}");
    assert_eq!(three.text("data/keys/edge"), before);
    let garbage = three.type_in("keys import -", "rekey-master x\n").unwrap_err();
    assert!(garbage.contains("rekey keys export"), "{garbage}");
}

#[test]
fn instances_that_share_a_store_draw_no_keys_by_themselves() {
    let server = "[store]\nurl = \"postgres://rekey@127.0.0.1:1/rekey\"\ntls = \"off\"";
    let home = Home::new(server);
    for line in ["keys add master", "keys export", "serve"] {
        let refused = home.type_in(line, "").unwrap_err();
        assert!(refused.contains("rekey keys import") && refused.contains("--first"), "{refused}");
    }
    let said = home.run("keys add --first");
    assert_eq!(said.matches("made ").count(), 4, "{said}");
    let drawn = home.text("data/keys/password");
    assert!(drawn.contains("rekey-rsa ") && drawn.contains("rekey-sm2 "));
    assert!(home.text("data/keys/master").starts_with("rekey-index "));
    let again = home.type_in("keys add --first", "").unwrap_err();
    assert!(again.contains("there already"), "{again}");
    let said = home.run("keys add jwt");
    assert!(said.contains("rekey keys export"), "{said}");
}

#[test]
fn keys_for_passwords_are_drawn_adopted_and_exchanged() {
    let home = Home::new("");
    home.beat();
    let said = home.run("keys add sm2");
    assert!(said.contains("data/keys/password") && said.contains("active by itself"), "{said}");
    assert_eq!(
        fs::metadata(home.at("data/keys/password")).unwrap().permissions().mode() & 0o777,
        0o600
    );
    home.beat();
    let first = id_of(&home.run("keys list"), "sm2", "active");
    let app = home.at("app.key");
    fs::write(&app, format!("{}\n", "1b".repeat(31) + "2C")).unwrap();
    home.run(&format!("keys add sm2 --from {app}"));
    home.beat();
    let next = id_of(&home.run("keys list"), "sm2", "pending");
    assert!(home.text("data/keys/password").contains(&format!("{next} 1b1b")));
    home.run(&format!("keys activate sm2 {next}"));
    let said = home.run(&format!("keys retire sm2 {first} --finally"));
    assert!(said.contains("is retired"), "{said}");
    // Who wants to be asked for none any more retires the last one.
    home.run(&format!("keys retire sm2 {next}"));
    let refused = home.type_in(&format!("keys add pepper --from {app}"), "").unwrap_err();
    assert!(refused.contains("leave --from out"), "{refused}");
    let refused = home.type_in(&format!("keys add rsa --from {app}"), "").unwrap_err();
    assert!(refused.contains("PKCS#8"), "{refused}");
    let refused = home.type_in("keys add rsa --from /nowhere", "").unwrap_err();
    assert!(refused.contains("cannot be read"), "{refused}");
}

#[test]
fn a_pepper_that_new_hashes_need_is_exchanged_and_not_taken_away() {
    let home = Home::new("[password]\npepper = true");
    for _ in 0..2 {
        home.run("keys add pepper");
        home.beat();
    }
    let list = home.run("keys list");
    let (first, next) = (id_of(&list, "pepper", "active"), id_of(&list, "pepper", "pending"));
    let refused = home.type_in(&format!("keys retire pepper {first}"), "").unwrap_err();
    for word in ["rekey keys activate pepper", "password.pepper = false", "restart"] {
        assert!(refused.contains(word), "{refused}");
    }
    let said = home.run(&format!("keys activate pepper {next}"));
    assert!(said.contains(&format!("{first} is retiring")), "{said}");
    let early = home.type_in(&format!("keys retire pepper {first} --finally"), "").unwrap_err();
    assert!(early.contains("try again in 1") && !early.contains("--now"), "{early}");
    home.run(&format!("keys retire pepper {first} --finally --now"));
    // Where no new hash needs one, the last may go.
    fs::write(home.at("rekey.toml"), "data = \"data\"").unwrap();
    let said = home.run(&format!("keys retire pepper {next}"));
    assert!(said.contains("is retiring"), "{said}");
}

#[test]
fn keys_are_shown_to_no_terminal_by_chance() {
    let home = Home::new("");
    home.beat();
    let refused = |to_terminal| {
        let mut console = Console::new(io::empty(), Page::default()).on_a_screen();
        export(&home.config(), None, to_terminal, &mut console).is_err()
    };
    assert!(refused(false));
    assert!(!refused(true));
}

#[test]
fn a_copy_of_the_store_is_its_owners_and_new() {
    let home = Home::new("");
    home.beat();
    let copy = home.at("copy.db");
    home.run(&format!("store backup {copy}"));
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let refused = home.type_in(&format!("store backup {copy}"), "").unwrap_err();
    assert!(refused.contains("there already"), "{refused}");
    let nowhere = home.at("nowhere/copy.db");
    assert!(home.type_in(&format!("store backup {nowhere}"), "").is_err());
    home.run("store contract");
    assert!(home.run("store contract").contains("nothing to drop"));
}
