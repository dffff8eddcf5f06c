//! What holds of every format: what is written can be read, hostile hashes are refused at once, faults are told apart.

use std::time::{Duration, Instant};

use super::*;
use crate::password::format::recipe::FORMATS;

const BCRYPT: &str = "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

pub(super) fn pepper(id: &str, byte: u8) -> Pepper {
    Pepper { id: contract::name::Name::parse(id).unwrap(), key: [byte; 32].into() }
}

/// What the format says of a password.
pub(super) fn right(text: &str, password: &str, peppers: &Peppers) -> Result<bool, FormatFault> {
    Stored::parse(text)?.matches(password, &mut Memory::keeping(64), peppers)
}

/// Passwords and their hashes as others made them: each takes its own, and none that is like it.
pub(super) fn known(table: &[(&str, &str)]) {
    for (password, text) in table {
        let peppers = Peppers::default();
        assert_eq!(right(text, password, &peppers), Ok(true), "{text}");
        for wrong in [&format!("{password}x"), &password.to_uppercase(), &password[1..], ""] {
            assert!(
                wrong == *password || right(text, wrong, &peppers) == Ok(false),
                "{text}: {wrong}"
            );
        }
    }
}

/// As cheap as each format can be.
fn cheap() -> Costs {
    let argon2id = Cost { memory_kib: 64, passes: 1, lanes: 1 };
    Costs { argon2id, bcrypt: 4, iterations: Some(3), rounds: 1_000, scrypt: 4 }
}

#[test]
fn what_is_written_can_be_read() {
    let mut memory = Memory::keeping(64);
    let recipes = FORMATS.iter().map(|format| match format.recipe(&cheap()) {
        // A hash of Better Auth does not tell its cost.
        Recipe::Scrypt(spelling, _) if format.name != "better-auth" => {
            (format.looks, Recipe::Scrypt(spelling, 4))
        }
        recipe => (format.looks, recipe),
    });
    for (looks, recipe) in recipes {
        assert_eq!(recipe.check(), Ok(recipe));
        for password in
            ["pässword", "correct horse battery", "密码密码密码密码", "👩‍🚀🔑 ok", &"x".repeat(72)]
        {
            let hash = recipe.write(password, &[7; 16], &mut memory, &Peppers::default()).unwrap();
            let head = |text: &str| {
                text.split(['=', '}'])
                    .next()
                    .unwrap()
                    .trim_end_matches(|c: char| c.is_ascii_digit() || c == '$')
                    .to_owned()
            };
            let is_like = match looks {
                "salt:tag" => {
                    hash.split_once(':').is_some_and(|(salt, tag)| salt.len() * 4 == tag.len())
                }
                _ => head(&hash).starts_with(&head(looks)),
            };
            assert!(is_like, "{hash} does not look like {looks}");
            assert_eq!(right(&hash, password, &Peppers::default()), Ok(true), "{hash}");
            assert_eq!(right(&hash, "passwort", &Peppers::default()), Ok(false), "{hash}");
            let again = recipe.write(password, &[8; 16], &mut memory, &Peppers::default());
            assert_ne!(again.unwrap(), hash, "its salt is not in it");
        }
    }
}

#[test]
fn names_stand_once_and_in_order() {
    assert!(FORMATS.is_sorted_by(|left, right| left.name < right.name));
    let beginnings: Vec<_> = BEGINNINGS.iter().map(|(beginning, _)| *beginning).collect();
    for (at, beginning) in beginnings.iter().enumerate() {
        let hidden = beginnings[at + 1..].iter().any(|later| later.starts_with(beginning));
        assert!(!hidden, "{beginning}");
    }
}

#[test]
fn hostile_costs_are_refused_at_once() {
    let tag = "c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    let table = [
        format!("$argon2id$v=19$m=4194304,t=2,p=1${tag}"),
        format!("$argon2id$v=19$m=99999999999,t=2,p=1${tag}"),
        format!("$argon2id$v=19$m=64,t=4294967295,p=1${tag}"),
        format!("$argon2id$v=19$m=65536,t=2,p=16777215${tag}"),
        format!("argon2$argon2i$v=19$m=4194304,t=2,p=1${tag}"),
        format!("{{ARGON2}}$argon2d$v=19$m=4194304,t=2,p=1${tag}"),
        format!("$2b$31${BCRYPT}"),
        format!("$2y$17${BCRYPT}"),
        format!("$2a$99${BCRYPT}"),
        format!("bcrypt$$2b$31${BCRYPT}"),
        format!("bcrypt_sha256$$2b$31${BCRYPT}"),
        format!("$wp$2y$31${BCRYPT}"),
        "$bcrypt-sha256$v=2,t=2b,r=31$HccbjgjTVvsrh0sSIVStMu$IB.U2uIdimPS1tzddu9iBFnG4HFJtC."
            .into(),
        "$bcrypt-sha256$2b,31$HccbjgjTVvsrh0sSIVStMu$IB.U2uIdimPS1tzddu9iBFnG4HFJtC.".into(),
        format!("$scrypt$ln=30,r=8,p=1${tag}"),
        format!("$scrypt$ln=64,r=8,p=1${tag}"),
        format!("$scrypt$ln=4294967296,r=8,p=1${tag}"),
        format!("$scrypt$ln=10,r=4294967295,p=1${tag}"),
        format!("$scrypt$ln=10,r=8,p=4294967295${tag}"),
        format!("$scrypt$ln=18,r=8,p=9${tag}"),
        "scrypt$1073741824$salt$8$1$nf65EOgLrQMR/uIPnA4rEg==".into(),
        "scrypt$16384$salt$8$4294967295$nf65EOgLrQMR/uIPnA4rEg==".into(),
        format!("$pbkdf2-sha256$i=4294967295,l=32${tag}"),
        format!("$pbkdf2-sha512$i=4294967296,l=32${tag}"),
        format!("$pbkdf2-sha256$4294967295${tag}"),
        format!("pbkdf2_sha256$4294967295${tag}"),
        format!("$6$rounds=999999999${tag}"),
        format!("{{CRYPT}}$6$rounds=5000001${tag}"),
    ];
    for text in table {
        // The best of a few: the machine may be crowded.
        let took = (0..5).map(|_| {
            let begun = Instant::now();
            assert_eq!(Stored::parse(&text).unwrap_err(), FormatFault::Costly, "{text}");
            begun.elapsed()
        });
        assert!(took.min().unwrap() < Duration::from_millis(1), "{text}");
    }
}

#[test]
fn the_dearest_that_is_read_is_bounded() {
    let tag = "c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    for text in [
        format!("$argon2id$v=19$m=262144,t=16,p=8${tag}"),
        format!("$2b$16${BCRYPT}"),
        format!("$scrypt$ln=18,r=8,p=8${tag}"),
        format!("$scrypt$ln=20,r=2,p=8${tag}"),
        format!("$pbkdf2-sha512$i=10000000,l=32${tag}"),
    ] {
        assert!(Stored::parse(&text).is_ok(), "{text}");
    }
}

#[test]
fn odd_spellings_are_malformed() {
    let tag = "c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    let sha512 =
        "svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1";
    let malformed = [
        format!("$argon2id$v=19$m=8,t=2,p=8${tag}"),
        format!("$argon2id$v=19$m=64,t=0,p=1${tag}"),
        format!("$argon2id$v=19$m=064,t=2,p=1${tag}"),
        format!("$argon2id$v=19$m=+64,t=2,p=1${tag}"),
        format!("$argon2id$v=19$t=2,m=64,p=1${tag}"),
        format!("$argon2id$v=19$m=64,t=2,p=1,data=aa${tag}"),
        format!("$argon2id$v=19$m=64,t=2,p=1,keyid=${tag}"),
        format!("$argon2id$v=19$m=64,t=2,p=1,keyid=AAAA${tag}"),
        format!("$argon2id$v=19$m=64,t=2,p=1,keyid=N2ExMQ,data=aa${tag}"),
        format!("$argon2id$v=20$m=64,t=2,p=1${tag}"),
        format!("$argon2id$v=19$m=64,t=2,p=1${tag}$"),
        "$argon2id$v=19$m=64,t=2,p=1$c29t$nf65EOgLrQMR/uIPnA4rEg".into(),
        "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ$nf65".into(),
        "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ=$nf65EOgLrQMR/uIPnA4rEg".into(),
        "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ".into(),
        format!("$2b$03${BCRYPT}"),
        format!("$2b$5${BCRYPT}"),
        format!("$2b$005${BCRYPT}"),
        format!("$2b$05${BCRYPT}."),
        format!("$2b$05${}", &BCRYPT[1..]),
        format!("$2b$05${}é", &BCRYPT[2..]),
        "$2b$05$é".into(),
        "$bcrypt-sha256$v=3,t=2b,r=4$HccbjgjTVvsrh0sSIVStMu$IB.U2uIdimPS1tzddu9iBFnG4HFJtC.".into(),
        format!("$scrypt$ln=0,r=8,p=1${tag}"),
        format!("$scrypt$r=8,ln=4,p=1${tag}"),
        "scrypt$1000$salt$8$1$nf65EOgLrQMR/uIPnA4rEg==".into(),
        format!("$pbkdf2-sha256$i=1,l=31${tag}"),
        format!("$pbkdf2-sha256$i=1,l=32,x=1${tag}"),
        format!("$pbkdf2-sha256$0${tag}"),
        "$pbkdf2-sha256$1$c29tZXNhbHQ$nf65EOgLrQMR+uIPnA4rEg".into(),
        "pbkdf2_sha256$1$sa lt$nf65EOgLrQMR/uIPnA4rEg==".into(),
        "pbkdf2_sha256$1$salt$nf65EOgLrQMR/uIPnA4rEg".into(),
        format!("$6$rounds=999$salt${sha512}"),
        format!("$6$rounds=05000$salt${sha512}"),
        format!("$6$seventeen_letters${sha512}"),
        format!("$6$${sha512}"),
        format!("$6$salt${sha512}."),
        "{SSHA}2D7DXcHaxkWxjlTTFhTzbi4Z/sc=".into(),
        "{SSHA}!".into(),
        format!("{{SSHA}}{}", "A".repeat(600)),
    ];
    refuses(&malformed, FormatFault::Malformed);
}

#[test]
fn formats_that_are_not_read_are_unknown() {
    let tag = "c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    let unknown = [
        String::new(),
        "!".into(),
        "password".into(),
        "{SSHA".into(),
        "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=".into(),
        "{ARGON2}argon2$argon2id$v=19".into(),
        "{CRYPT}{SSHA}2D7DXcHaxkWxjlTTFhTzbi4Z/sdhYmNk".into(),
        "{CRYPT}rl0uE0QdM1f3E".into(),
        format!("$argon2x$v=19$m=64,t=2,p=1${tag}"),
        format!("$2x$05${BCRYPT}"),
        "$1$salt$qJH7.N4xYta3aEG/dfqo/0".into(),
        "md5$salt$67a1e09bb1f83f5007dc119c14d663aa".into(),
        "$P$BQxq6jZ8mP2iXN8fCqmwwNgmXb9jvR/".into(),
        "7111af3691da64078f6088301d0f4e60:076bd0ca4a23a677".into(),
        format!("7111AF3691da64078f6088301d0f4e60:{}", "0".repeat(128)),
        format!("7111af3691da64078f6088301d0f4e60:{}", "é".repeat(64)),
    ];
    refuses(&unknown, FormatFault::Unknown);
}

fn refuses(texts: &[String], fault: FormatFault) {
    for text in texts {
        assert_eq!(Stored::parse(text).unwrap_err(), fault, "{text}");
    }
}

#[test]
fn nothing_of_a_hash_is_shown() {
    let text = format!("$2b$05${BCRYPT}");
    let shown = format!("{:?} {:?}", Stored::parse(&text).unwrap(), pepper("id", 65));
    assert_eq!(shown, "Stored(bcrypt, ..) Pepper(id, ..)");
}
