//! Accounts in a table of PostgreSQL, as an app has them whose log-in is Django's: its hashers make the hashes, and its
//! `check_password` judges what was written.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::quoted;
use crate::stage::{Database, Fault, Postgres, Safety, Staged, root, venv};

const TABLE: &str = "\
CREATE TABLE people (id TEXT PRIMARY KEY, username TEXT, email TEXT UNIQUE, phone TEXT UNIQUE, password TEXT NOT NULL, \
updated_at TIMESTAMPTZ NOT NULL DEFAULT now())";

/// The table and its server.
#[derive(Debug)]
pub(in crate::installation) struct Users {
    database: Database,
    password: PathBuf,
    /// Ends when it is dropped.
    _server: Postgres,
}

impl Users {
    pub(super) fn start(dir: &Path) -> Staged<Self> {
        let server = Postgres::start(Safety::Plain)?;
        let database = server.database()?;
        database.rows(TABLE)?;
        let password = dir.join("people.password");
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&password)?;
        writeln!(file, "{}", database.password())?;
        Ok(Self { database, password, _server: server })
    }

    pub(super) fn section(&self) -> String {
        let (url, password) = (self.database.url(), self.password.display());
        format!(
            "[sql]\nurl = \"{url}\"\npassword = \"file:{password}\"\ntls = \"off\"\ntable = \"people\"\n\
             columns.email = \"email\"\ncolumns.phone = \"phone\"\ncolumns.user_name = \"username\"\n\
             columns.password_hash = \"password\"\nset = [\"updated_at = now\"]\n\
             [password]\nformat = \"django-pbkdf2-sha256\"\n"
        )
    }

    pub(super) fn place(&self) -> String {
        let url = self.database.url();
        let at = url.rsplit('@').next().unwrap_or_default();
        format!("the table `people` of a PostgreSQL (database at {at})")
    }

    pub(super) fn add(&self, people: &[Value]) -> Staged<()> {
        let asked: Vec<Value> =
            people.iter().map(|person| json!(["PBKDF2", person["password"]])).collect();
        let hashes = hashers("make", &Value::from(asked))?;
        for (person, hash) in people.iter().zip(hashes) {
            let of = |name| quoted(person, name);
            let hash = quoted(&json!({ "hash": hash }), "hash");
            self.database.rows(&format!(
                "INSERT INTO people (id, username, email, phone, password) VALUES ({}, {}, {}, {}, {hash})",
                of("id"),
                of("user_name"),
                of("email"),
                of("phone")
            ))?;
        }
        Ok(())
    }

    pub(super) fn is_password(&self, email: &str, password: &str) -> Staged<bool> {
        let email = quoted(&json!({ "email": email }), "email");
        let rows =
            self.database.rows(&format!("SELECT password FROM people WHERE email = {email}"))?;
        let hash = rows.into_iter().flatten().flatten().next();
        let hash = hash.ok_or_else(|| Fault::new("no hash", "nobody has this address"))?;
        let said = hashers("check", &json!([[hash, password]]))?;
        said.first().and_then(Value::as_bool).ok_or_else(|| Fault::new("Django", "says neither"))
    }
}

/// What Django's hashers make of each of these pairs, or say of it.
fn hashers(what: &str, asked: &Value) -> Staged<Vec<Value>> {
    let mut command = Command::new(venv("python"));
    command.arg(root().join("tests/formats/django_hashers.py")).arg(what);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(asked.to_string().as_bytes())?;
    }
    let output = child.wait_with_output()?;
    let failed = || {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Fault::new("Django (is ./just setup done?)", said)
    };
    serde_json::from_slice(&output.stdout).map_err(|_| failed())
}
