//! The team's own accounts in the real thing, and what the team does with them. A new kind is one variant, one arm of
//! [`Kind::found`], one file that implements [`Team`], and one line in `main.rs`.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use rekey_tests::house::{ANN, BOB, DAN, OLD};
use rekey_tests::stage::{Gate, venv};

use crate::http::HttpTeam;
use crate::ldap::{LdapTeam, Writes};
use crate::mariadb::MariaTeam;
use crate::postgres::PostgresTeam;
use crate::sql::SqlTeam;
use crate::sqlite::SqliteTeam;

/// Where the accounts live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Http,
    MariaDb,
    /// OpenLDAP, our hash written.
    LdapByHash,
    /// OpenLDAP, which hashes itself.
    LdapByOperation,
    Postgres,
    Sqlite,
}

/// What the team does to an account behind our back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Another password.
    Password,
    /// Another address.
    Address,
    Disabled,
    /// Something else where the hash is. Only where hashes can be written.
    Hash(String),
}

/// What may be the matter with a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It cannot be reached.
    Gone,
    /// It says nothing.
    Slow,
    /// It can be read.
    ReadOnly,
    /// We may read it.
    NoRight,
    /// What the configuration names is not there.
    Missing,
}

/// Accounts: Ann, Bob, Dan (disabled), and known0 to known19, all with the old password.
pub(crate) trait Team {
    /// Lines in front of all sections, and sections.
    fn toml(&self) -> (String, String);

    fn change(&self, who: &str, change: &Change);

    /// As the app's own log-in says.
    fn has_password(&self, who: &str, password: &str) -> bool;

    /// What changes with every write of a password.
    fn mark(&self, who: &str) -> String;

    /// False where this kind knows no such trouble.
    fn afflict(&mut self, trouble: Trouble) -> bool;

    fn mend(&mut self, trouble: Trouble);

    /// What stands before it, and the words by which a write is made known for good; none where it is no server.
    fn gate(&self) -> Option<(&Gate, &[u8])>;

    /// Whether a hash can be read, and so known again.
    fn shows_hashes(&self) -> bool {
        true
    }
}

impl Kind {
    /// The real thing, with its accounts.
    pub(crate) fn found(self, dir: &Path) -> Box<dyn Team> {
        match self {
            Self::Http => Box::new(HttpTeam::new(dir)),
            Self::MariaDb => Box::new(SqlTeam::new(MariaTeam::new(dir))),
            Self::LdapByHash => Box::new(LdapTeam::new(dir, Writes::Hash)),
            Self::LdapByOperation => Box::new(LdapTeam::new(dir, Writes::ModifyPassword)),
            Self::Postgres => Box::new(SqlTeam::new(PostgresTeam::new(dir))),
            Self::Sqlite => Box::new(SqlTeam::new(SqliteTeam::new(dir))),
        }
    }
}

impl Trouble {
    /// Whether it also stands in the way of those that only ask.
    pub(crate) fn is_of_all(self) -> bool {
        !matches!(self, Self::ReadOnly | Self::NoRight)
    }
}

/// Address, phone, and whether the account may log in.
pub(crate) fn people() -> Vec<(String, String, bool)> {
    let known =
        (0..20).map(|n| (format!("known{n}@example.com"), format!("+8613900000{n:03}"), true));
    let named = [
        (ANN, "+8613800138000", true),
        (BOB, "+8613800138001", true),
        (DAN, "+8613800138002", false),
    ];
    named
        .map(|(to, phone, active)| (to.to_owned(), phone.to_owned(), active))
        .into_iter()
        .chain(known)
        .collect()
}

/// What another implementation of argon2 makes of a password.
pub(crate) fn hash_of(password: &str) -> String {
    python("print(h.hash(sys.stdin.read()), end='')", password)
}

/// The hash of the old password; the same for all, for it takes a while.
pub(crate) fn old_hash() -> &'static str {
    static HASH: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    HASH.get_or_init(|| hash_of(OLD))
}

/// Whether that implementation takes the password for the hash's own.
pub(crate) fn verifies(hash: &str, password: &str) -> bool {
    let script = "h1, p = sys.stdin.read().split('\\n', 1)\n\
         try:\n  print(h.verify(h1, p), end='')\nexcept argon2.exceptions.VerificationError:\n  print(False, end='')";
    match python(script, &format!("{hash}\n{password}")).as_str() {
        "True" => true,
        "False" => false,
        other => panic!("argon2-cffi: {other}"),
    }
}

fn python(script: &str, input: &str) -> String {
    let script = format!(
        "import argon2, sys\nh = argon2.PasswordHasher(time_cost=1, memory_cost=64)\n{script}"
    );
    let mut command = Command::new(venv("python"));
    command.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "argon2-cffi failed");
    String::from_utf8(output.stdout).unwrap()
}
