//! Hash formats against their original producers, run live, in both directions: what Django, passlib, argon2-cffi, PHP,
//! mkpasswd, Node, OpenLDAP, WordPress and Better Auth make `rekey account verify` takes, and what `rekey` writes under each `password.format` they take.

mod producers;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use contract::name::Name;
use contract::secret::Password;
use rekey_tests::house::sqlite;
use rekey_tests::stage::{Told, rekey};
use serde_json::{Value, json};
use sidecar::password::{
    Cost, EngineChoice, FORMATS, Hasher, HasherConfig, Pepper, Peppers, Ranked, Recipe,
};

use crate::producers::{
    ALL, ARGON2_CFFI, BETTER_AUTH, DJANGO, HASHLIB, MKPASSWD, NODE, OPENLDAP, PASSLIB, PASSWORDS,
    PHP, Producer, WORDPRESS,
};

/// A `rekey` with its own store.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new(keys: &str) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let text = format!("data = \"data\"\n[password]\n{keys}\n");
        std::fs::write(desk.0.path().join("rekey.toml"), text).unwrap();
        desk
    }

    fn rekey(&self, words: &[&str], input: &str) -> Told {
        let words = [words, &["--config", "rekey.toml"]].concat();
        rekey(&words, input, self.0.path()).unwrap()
    }

    fn import(&self, lines: impl Iterator<Item = Value>) -> Told {
        let lines: Vec<String> = lines.map(|line| line.to_string()).collect();
        self.rekey(&["account", "import", "-"], &lines.join("\n"))
    }

    fn takes(&self, id: &str, password: &str) -> bool {
        let told = self.rekey(&["account", "verify", id], &format!("{password}\n"));
        match told.out.trim() {
            "the password is right" => true,
            "the password is wrong" => false,
            _ => panic!("{id}: {}", told.err),
        }
    }

    /// The hashes that lie in its store, by account.
    fn hashes(&self) -> BTreeMap<String, String> {
        let file: &Path = &self.0.path().join("data/rekey.db");
        let rows = sqlite(file, "SELECT id, password_hash FROM account").unwrap();
        let rows: Vec<(String, String)> = serde_json::from_str(&rows).unwrap();
        rows.into_iter().collect()
    }
}

/// The sidecar's hash threads, without the program around them.
struct Judge(Hasher, tokio::runtime::Runtime);

impl Judge {
    fn new(recipe: Recipe, peppers: Peppers) -> Self {
        let (threads, queue, deadline) = (1, 8, Duration::from_secs(60));
        let config =
            HasherConfig { threads, queue, deadline, recipe, engine: EngineChoice::Reference };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self(Hasher::new(config, peppers).unwrap(), runtime)
    }

    fn takes(&self, hash: &str, password: &str) -> bool {
        let password = Password::parse(password.into()).unwrap();
        self.1.block_on(self.0.verify(password, hash)).unwrap()
    }

    fn write(&self, password: &str) -> String {
        let password = Password::parse(password.into()).unwrap();
        self.1.block_on(self.0.hash(password, [9; 16])).unwrap()
    }
}

/// Everything that it makes is imported and verified; a wrong password is not.
fn reads(producer: &Producer) {
    let asked: Vec<(&str, &str)> =
        producer.makes.iter().flat_map(|how| PASSWORDS.map(|password| (*how, password))).collect();
    let lines: Vec<Value> = asked.iter().map(|(how, password)| json!([how, password])).collect();
    let made = producer.run("make", &lines);
    assert_eq!(made.len(), asked.len());
    let desk = Desk::new("");
    let told = desk.import(made.iter().enumerate().map(|(at, hash)| {
        json!({"id": format!("a{at}"), "email": format!("a{at}@example.org"), "password_hash": hash})
    }));
    assert!(told.status.success(), "{}", told.err);
    let judge = Judge::new(Recipe::Argon2id(Cost::default()), Peppers::default());
    for (at, (how, password)) in asked.iter().enumerate() {
        let (hash, wrong) = (made[at].as_str().unwrap(), format!("{password}x"));
        assert!(judge.takes(hash, password), "{how} of {password}: {hash}");
        assert!(!judge.takes(hash, &wrong), "{how} of {wrong}: {hash}");
        // One of each through the command, which is slow to start.
        if at % PASSWORDS.len() == at / PASSWORDS.len() % PASSWORDS.len() {
            let id = format!("a{at}");
            assert!(desk.takes(&id, password), "{how} of {password}: {hash}");
            assert!(!desk.takes(&id, &wrong), "{how} of {wrong}: {hash}");
        }
    }
}

/// Everything that is written for it, it verifies, and no wrong password.
fn writes(producer: &Producer) {
    for format in producer.takes {
        let weak = if format.starts_with("ssha") { "weak_format = true" } else { "" };
        let desk = Desk::new(&format!("format = \"{format}\"\n{weak}"));
        let told = desk.import(PASSWORDS.iter().enumerate().map(|(at, password)| {
            json!({"id": at.to_string(), "email": format!("a{at}@example.org"), "password": password})
        }));
        assert!(told.status.success(), "{format}: {}", told.err);
        let hashes = desk.hashes();
        let right = hashes
            .iter()
            .map(|(id, hash)| (hash.clone(), PASSWORDS[id.parse::<usize>().unwrap()].to_owned()));
        let right: Vec<(String, String)> = right.collect();
        // The longest, with one more, is what bcrypt itself would cut.
        let wrong = right.iter().filter(|(_, password)| password.len() < 72);
        let wrong: Vec<_> =
            wrong.map(|(hash, password)| (hash.clone(), format!("{password}x"))).collect();
        let said = producer.check("check", &right);
        assert!(said.iter().all(|right| *right), "{format}: {right:?} {said:?}");
        let said = producer.check("check", &wrong);
        assert!(!said.iter().any(|right| *right), "{format}: {wrong:?} {said:?}");
        assert!(desk.takes("0", PASSWORDS[0]), "{format}");
    }
}

#[test]
fn every_format_has_a_producer_that_verifies_it() {
    for format in FORMATS {
        let taken = ALL.iter().any(|producer| producer.takes.contains(&format.name));
        assert!(taken, "nobody verifies {}", format.name);
    }
}

#[test]
fn hashes_of_argon2_cffi_are_read() {
    reads(&ARGON2_CFFI);
}

#[test]
fn argon2_cffi_verifies_ours() {
    writes(&ARGON2_CFFI);
}

/// The pepper is argon2's own secret input, as the reference implementation understands it.
#[test]
fn argon2_cffi_with_the_pepper_verifies_ours() {
    let id = Name::parse("7a11").unwrap();
    let pepper = Pepper { id, key: [7; 32].into() };
    let peppers = Peppers::new(Ranked { active: Some(pepper), others: Vec::new() }, Vec::new());
    let cost = Cost { memory_kib: 1_024, passes: 2, lanes: 1 };
    let recipe = Recipe::PepperedArgon2id(cost);
    let judge = Judge::new(recipe, peppers);
    let pairs = PASSWORDS.map(|password| (judge.write(password), password.to_owned()));
    assert!(pairs.iter().all(|(hash, _)| hash.contains(",keyid=N2ExMQ$")), "{pairs:?}");
    assert!(ARGON2_CFFI.check("keyed", &pairs).iter().all(|right| *right));
    let wrong = pairs.map(|(hash, password)| (hash, format!("{password}x")));
    assert!(!ARGON2_CFFI.check("keyed", &wrong).iter().any(|right| *right));
}

#[test]
fn hashes_of_better_auth_are_read() {
    reads(&BETTER_AUTH);
}

#[test]
fn better_auth_verifies_ours() {
    writes(&BETTER_AUTH);
}

#[test]
fn hashes_of_django_are_read() {
    reads(&DJANGO);
}

#[test]
fn django_verifies_ours() {
    writes(&DJANGO);
}

/// Its hashers that we do not read are refused by name, before anything is imported.
#[test]
fn hashes_of_djangos_weak_hashers_are_refused() {
    let asked = ["MD5", "PBKDF2SHA1"].map(|how| json!([how, PASSWORDS[0]]));
    for hash in DJANGO.run("make", &asked) {
        let desk = Desk::new("");
        let line = json!({"email": "a@example.org", "password_hash": hash});
        let told = desk.import(std::iter::once(line));
        assert!(
            !told.status.success() && told.err.contains("no hash format that we know"),
            "{hash}"
        );
    }
}

#[test]
fn hashes_of_hashlib_are_read() {
    reads(&HASHLIB);
}

#[test]
fn hashlib_verifies_ours() {
    writes(&HASHLIB);
}

#[test]
fn hashes_of_mkpasswd_are_read() {
    reads(&MKPASSWD);
}

#[test]
fn mkpasswd_verifies_ours() {
    writes(&MKPASSWD);
}

#[test]
fn hashes_of_node_are_read() {
    reads(&NODE);
}

#[test]
fn node_verifies_ours() {
    writes(&NODE);
}

#[test]
fn hashes_of_openldap_are_read() {
    reads(&OPENLDAP);
}

#[test]
fn openldap_verifies_ours() {
    writes(&OPENLDAP);
}

#[test]
fn hashes_of_passlib_are_read() {
    reads(&PASSLIB);
}

#[test]
fn passlib_verifies_ours() {
    writes(&PASSLIB);
}

#[test]
fn hashes_of_php_are_read() {
    reads(&PHP);
}

#[test]
fn php_verifies_ours() {
    writes(&PHP);
}

#[test]
fn hashes_of_wordpress_are_read() {
    reads(&WORDPRESS);
}

#[test]
fn wordpress_verifies_ours() {
    writes(&WORDPRESS);
}

/// Without its pepper a hash is nobody's: it is told as a fault, not as a wrong password.
#[test]
fn a_hash_without_its_pepper_cannot_be_checked() {
    let desk = Desk::new("pepper = true");
    let add = |at: usize| {
        let email = format!("a{at}@example.org");
        let line = json!({"id": at.to_string(), "email": email, "password": PASSWORDS[at]});
        desk.import(std::iter::once(line))
    };
    let early = add(0);
    assert!(early.err.contains("rekey keys add pepper"), "{early:?}");
    for words in [["keys", "add", "--first"], ["keys", "add", "pepper"]] {
        let told = desk.rekey(&words, "");
        assert!(told.status.success(), "{told:?}");
    }
    let told = add(0);
    assert!(told.status.success() && desk.hashes()["0"].contains(",keyid="), "{told:?}");
    assert!(desk.takes("0", PASSWORDS[0]) && !desk.takes("0", PASSWORDS[1]));
    let file = desk.0.path().join("data/keys/password");
    std::fs::rename(&file, file.with_extension("away")).unwrap();
    let told = desk.rekey(&["account", "verify", "0"], PASSWORDS[0]);
    assert!(told.err.contains("made with a pepper that is not here"), "{told:?}");
    assert!(told.err.contains("rekey keys import"), "{told:?}");
}

/// Attack 33: what bcrypt would cut is not written, and nothing of it is either.
#[test]
fn bcrypt_writes_no_password_that_it_would_cut() {
    for format in ["bcrypt", "django-bcrypt", "php-bcrypt"] {
        let desk = Desk::new(&format!("format = \"{format}\"\nbcrypt_cost = 10"));
        for long in [format!("{}x", PASSWORDS[4]), "密".repeat(25)] {
            let line = json!({"id": "a", "email": "a@example.org", "password": long});
            let told = desk.import(std::iter::once(line));
            assert!(!told.status.success() && told.err.contains("72 bytes"), "{format}: {told:?}");
        }
        assert!(desk.hashes().is_empty());
    }
}
