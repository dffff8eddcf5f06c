//! The programs that our hashes are held against, and what each of them knows. Invariant: what they say is theirs alone; the
//! scripts of `tests/formats` hand values on.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rekey_tests::stage::{apps, root, venv};
use serde_json::{Value, json};

/// A program with a hash function of its own, behind a script of `tests/formats`.
pub(crate) struct Producer {
    pub(crate) script: &'static str,
    /// What it makes, by its own names.
    pub(crate) makes: &'static [&'static str],
    /// The values of `password.format` that it verifies.
    pub(crate) takes: &'static [&'static str],
}

pub(crate) const ARGON2_CFFI: Producer =
    Producer { script: "argon2_cffi.py", makes: &["d", "i", "id"], takes: &["argon2id"] };
pub(crate) const BETTER_AUTH: Producer =
    Producer { script: "better_auth.mjs", makes: &["scrypt"], takes: &["better-auth"] };
pub(crate) const DJANGO: Producer = Producer {
    script: "django_hashers.py",
    makes: &["Argon2", "BCrypt", "BCryptSHA256", "PBKDF2", "Scrypt"],
    takes: &[
        "django-argon2id",
        "django-bcrypt",
        "django-bcrypt-sha256",
        "django-pbkdf2-sha256",
        "django-scrypt",
    ],
};
pub(crate) const HASHLIB: Producer = Producer {
    script: "hashlib_phc.py",
    makes: &["sha256", "sha512"],
    takes: &["pbkdf2-sha256", "pbkdf2-sha512"],
};
pub(crate) const MKPASSWD: Producer = Producer {
    script: "mkpasswd.py",
    makes: &["bcrypt", "sha512crypt"],
    takes: &["bcrypt", "sha512-crypt"],
};
pub(crate) const NODE: Producer = Producer {
    script: "node_pbkdf2.mjs",
    makes: &["sha256", "sha512"],
    takes: &["pbkdf2-sha256-hex", "pbkdf2-sha512-hex"],
};
pub(crate) const OPENLDAP: Producer = Producer {
    script: "openldap.py",
    makes: &["ARGON2", "CRYPT", "SSHA", "SSHA512"],
    takes: &["ldap-argon2id", "ldap-sha512-crypt", "ssha", "ssha512"],
};
pub(crate) const PASSLIB: Producer = Producer {
    script: "passlib_hashes.py",
    makes: &[
        "argon2",
        "bcrypt",
        "bcrypt_sha256",
        "bcrypt_sha256_v1",
        "ldap_salted_sha1",
        "ldap_salted_sha512",
        "ldap_sha512_crypt",
        "pbkdf2_sha256",
        "pbkdf2_sha512",
        "scrypt",
        "sha512_crypt",
    ],
    takes: &[
        "argon2id",
        "bcrypt",
        "bcrypt-2a",
        "ldap-sha512-crypt",
        "passlib-bcrypt-sha256",
        "passlib-pbkdf2-sha256",
        "passlib-pbkdf2-sha512",
        "scrypt",
        "sha512-crypt",
        "ssha",
        "ssha512",
    ],
};
pub(crate) const PHP: Producer = Producer {
    script: "php_hashes.php",
    makes: &["ARGON2I", "ARGON2ID", "BCRYPT"],
    takes: &["argon2id", "bcrypt", "bcrypt-2a", "php-bcrypt"],
};
pub(crate) const WORDPRESS: Producer =
    Producer { script: "wordpress.php", makes: &["bcrypt"], takes: &["wordpress"] };
pub(crate) const ALL: [&Producer; 10] = [
    &ARGON2_CFFI,
    &BETTER_AUTH,
    &DJANGO,
    &HASHLIB,
    &MKPASSWD,
    &NODE,
    &OPENLDAP,
    &PASSLIB,
    &PHP,
    &WORDPRESS,
];

/// The last one is as long as bcrypt reads: 72 bytes.
pub(crate) const PASSWORDS: [&str; 5] = [
    "plain \"old\" pass\\word's",
    "Zürcher Geschnetzeltes",
    "密码密码密码密码",
    "🔑👩‍🚀 to the moon",
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567é",
];

impl Producer {
    /// What it says to each of these pairs.
    pub(crate) fn run(&self, what: &str, asked: &[Value]) -> Vec<Value> {
        let script = root().join("tests/formats").join(self.script);
        let program = match Path::new(self.script).extension().and_then(|end| end.to_str()) {
            Some("php") => PathBuf::from("php"),
            Some("mjs") => apps().join("node"),
            _ => venv("python"),
        };
        let mut command = Command::new(&program);
        command.arg(script).arg(what).arg(root().join("target/openldap"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!("{} is missing ({error}): run ./just setup", program.display())
        });
        let asked = Value::from(asked).to_string();
        child.stdin.take().unwrap().write_all(asked.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} (is ./just setup done?): {said}", self.script);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}: {said}", self.script))
    }

    /// Whether it takes each of these passwords for the hash beside it.
    pub(crate) fn check(&self, what: &str, pairs: &[(String, String)]) -> Vec<bool> {
        let asked: Vec<Value> =
            pairs.iter().map(|(hash, password)| json!([hash, password])).collect();
        self.run(what, &asked).iter().map(|said| said.as_bool().unwrap()).collect()
    }
}
