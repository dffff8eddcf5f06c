//! Accounts in a table: of PostgreSQL, where the app's log-in is Django's, or of MariaDB, where it is passlib's.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{App, quoted, scripts, secret};
use crate::stage::{Database, Fault, MariaDb, Postgres, Safety, Schema, Staged};

const COLUMNS: &str = "id VARCHAR(64) PRIMARY KEY, username VARCHAR(150), email VARCHAR(190) UNIQUE, \
     phone VARCHAR(32) UNIQUE, password VARCHAR(255) NOT NULL, updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP";

/// The table and its server.
#[derive(Debug)]
pub(super) struct Table {
    server: Server,
    password: PathBuf,
    login: &'static Login,
}

#[derive(Debug)]
enum Server {
    MariaDb(Schema, #[expect(dead_code, reason = "it ends when it is dropped")] MariaDb),
    Postgres(Database, #[expect(dead_code, reason = "it ends when it is dropped")] Postgres),
}

/// The app's library.
#[derive(Debug)]
struct Login {
    script: &'static str,
    how: &'static str,
    /// `password.format`.
    format: &'static str,
    judge: &'static str,
}

const DJANGO: &Login = &Login {
    script: "django_hashers.py",
    how: "PBKDF2",
    format: "django-pbkdf2-sha256",
    judge: "Django's check_password",
};

const PASSLIB: &Login = &Login {
    script: "passlib_hashes.py",
    how: "bcrypt",
    format: "bcrypt",
    judge: "passlib's bcrypt",
};

impl Table {
    pub(super) fn postgres(dir: &Path) -> Staged<Self> {
        let server = Postgres::start(Safety::Plain)?;
        let database = server.database()?;
        let password = secret(dir, "people.password", database.password())?;
        Self { server: Server::Postgres(database, server), password, login: DJANGO }.made()
    }

    pub(super) fn maria_db(dir: &Path) -> Staged<Self> {
        let server = MariaDb::start()?;
        let schema = server.schema()?;
        let password = secret(dir, "people.password", schema.password())?;
        Self { server: Server::MariaDb(schema, server), password, login: PASSLIB }.made()
    }

    fn made(self) -> Staged<Self> {
        self.rows(&format!("CREATE TABLE people ({COLUMNS})"))?;
        Ok(self)
    }

    fn rows(&self, query: &str) -> Staged<Vec<Vec<Option<String>>>> {
        match &self.server {
            Server::MariaDb(schema, _) => schema.rows(query),
            Server::Postgres(database, _) => database.rows(query),
        }
    }

    fn url(&self) -> String {
        match &self.server {
            Server::MariaDb(schema, _) => schema.url(),
            Server::Postgres(database, _) => database.url(),
        }
    }
}

impl App for Table {
    fn kind(&self) -> &'static str {
        "sql"
    }

    fn sections(&self) -> String {
        let (url, password, format) = (self.url(), self.password.display(), self.login.format);
        format!(
            "[sql]\nurl = \"{url}\"\npassword = \"file:{password}\"\ntls = \"off\"\ntable = \"people\"\n\
             columns.email = \"email\"\ncolumns.phone = \"phone\"\ncolumns.user_name = \"username\"\n\
             columns.password_hash = \"password\"\nset = [\"updated_at = now\"]\n\
             [password]\nformat = \"{format}\"\n"
        )
    }

    fn add(&self, people: &[Value]) -> Staged<()> {
        let hashes = scripts::make(self.login.script, self.login.how, people)?;
        for (person, hash) in people.iter().zip(hashes) {
            let values = ["id", "user_name", "email", "phone"].map(|name| quoted(person, name));
            let hash = quoted(&json!({ "hash": hash }), "hash");
            self.rows(&format!(
                "INSERT INTO people (id, username, email, phone, password) VALUES ({}, {hash})",
                values.join(", ")
            ))?;
        }
        Ok(())
    }

    fn is_password(&self, email: &str, password: &str) -> Staged<bool> {
        let email = quoted(&json!({ "email": email }), "email");
        let rows = self.rows(&format!("SELECT password FROM people WHERE email = {email}"))?;
        let hash = rows.into_iter().flatten().flatten().next();
        let hash = hash.ok_or_else(|| Fault::new("no hash", "nobody has this address"))?;
        scripts::check(self.login.script, &hash, password)
    }

    fn judge(&self) -> &'static str {
        self.login.judge
    }

    fn place(&self) -> String {
        let (url, name) = (
            self.url(),
            match &self.server {
                Server::MariaDb(..) => "MariaDB",
                Server::Postgres(..) => "PostgreSQL",
            },
        );
        format!("the table `people` of {name} at {}", url.rsplit('@').next().unwrap_or_default())
    }
}
