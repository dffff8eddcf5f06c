//! The apps of `tests/recipes`: each has a folder with the lines of its configuration and a script in its own language,
//! which does with the app's own code what its verb says. Invariant: passwords go in through standard input alone.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::stage::{Database, Fault, Schema, Staged, apps, root, venv};

/// An app with accounts.
#[derive(Debug)]
pub struct App {
    /// Its folder.
    pub name: &'static str,
    pub title: &'static str,
    /// How the version begins that is tested.
    pub version: &'static str,
    /// The databases that it is tested on.
    pub databases: &'static str,
    /// The `password.format` that its recipe presets, or its lines have.
    pub format: &'static str,
    /// What ends the sessions of an account whose password was reset.
    pub sessions: &'static str,
}

/// Where an app keeps its accounts.
#[derive(Clone, Debug)]
pub struct Place {
    /// As `sql.url` has it.
    pub url: String,
    pub password: Option<String>,
}

/// Somebody with an account.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    pub name: &'static str,
    pub address: &'static str,
}

/// Every app, in the order of README.
pub const APPS: [App; 8] = [
    App {
        name: "anqicms",
        title: "AnQiCMS: its table and its bcrypt, not the app itself",
        version: "",
        databases: "MariaDB",
        format: "bcrypt",
        sessions: "nothing: its tokens are signed, and end by themselves after 30 days",
    },
    App {
        name: "better-auth",
        title: "Better Auth",
        version: "1.7",
        databases: "PostgreSQL, SQLite",
        format: "better-auth",
        sessions: "their rows are deleted",
    },
    App {
        name: "devise",
        title: "Rails, Devise",
        version: "4.8",
        databases: "PostgreSQL, SQLite",
        format: "bcrypt",
        sessions: "the new hash: sessions and remember cookies carry its salt",
    },
    App {
        name: "django",
        title: "Django",
        version: "5.2",
        databases: "PostgreSQL, SQLite",
        format: "django-pbkdf2-sha256",
        sessions: "the new hash: every session carries a digest of it",
    },
    App {
        name: "laravel",
        title: "Laravel",
        version: "10.48",
        databases: "MariaDB, PostgreSQL, SQLite",
        format: "php-bcrypt",
        sessions: "their rows are deleted, the remember token is taken away",
    },
    App {
        name: "node",
        title: "a plain table with a column for the salt, Node",
        version: "22.",
        databases: "PostgreSQL, SQLite",
        format: "pbkdf2-sha512-hex",
        sessions: "your own `sql.sessions`",
    },
    App {
        name: "plain",
        title: "a plain table, PHP",
        version: "8.",
        databases: "MariaDB, PostgreSQL, SQLite",
        format: "php-bcrypt",
        sessions: "your own `sql.sessions`",
    },
    App {
        name: "wordpress",
        title: "WordPress",
        version: "6.8",
        databases: "MariaDB",
        format: "wordpress",
        sessions: "the new hash, which its cookies carry a part of; their tokens are deleted",
    },
];

impl App {
    /// # Panics
    /// There is none of that name.
    #[must_use]
    pub fn named(name: &str) -> &'static Self {
        APPS.iter()
            .find(|app| app.name == name)
            .unwrap_or_else(|| panic!("no app is called {name}"))
    }

    /// The lines of its `rekey.toml`.
    ///
    /// # Errors
    /// They are not there.
    pub fn lines(&self) -> Staged<String> {
        Ok(std::fs::read_to_string(self.folder().join("rekey.toml"))?)
    }

    /// What its own code says: `install` makes the tables and tells the version, `add` tells the id of a new account,
    /// `enter` what a browser keeps of a log-in, or null, `stay` whether that still is one; `change` is a change of the
    /// password by the app itself, `disable` of the account.
    ///
    /// # Errors
    /// It is not installed, or fails.
    pub fn does(&self, verb: &str, place: &Place, who: Person, word: &str) -> Staged<Value> {
        let asked = json!({
            "database": place.parts(), "name": who.name, "address": who.address, "password": word, "kept": word,
        });
        let mut command = self.program();
        command.arg(verb).arg(apps()).current_dir("/");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| {
                Fault::new("an app is missing: run ./just setup", error.to_string())
            })?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(asked.to_string().as_bytes())?;
        }
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let failed = || Fault::new("an app failed", format!("{} {verb}: {said}", self.name));
        if !output.status.success() {
            return Err(failed());
        }
        serde_json::from_slice(&output.stdout).map_err(|_| failed())
    }

    fn folder(&self) -> PathBuf {
        root().join("tests/recipes").join(self.name)
    }

    fn program(&self) -> Command {
        let script = |program: PathBuf, script: &str| {
            let mut command = Command::new(program);
            command.arg(self.folder().join(script));
            command
        };
        match self.name {
            "anqicms" => Command::new(apps().join("anqicms")),
            "better-auth" | "node" => script(apps().join("node"), "app.mjs"),
            "devise" => script("ruby".into(), "app.rb"),
            "django" => script(venv("python"), "app.py"),
            _ => script("php".into(), "app.php"),
        }
    }
}

impl Place {
    /// For the apps, which have no URL in common.
    fn parts(&self) -> Value {
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            return json!({"engine": "sqlite", "path": path});
        }
        let parts: Vec<&str> = self.url.split([':', '/', '@']).collect();
        match parts.as_slice() {
            [engine, "", "", user, host, port, name] => json!({
                "engine": engine, "user": user, "host": host, "port": port.parse::<u16>().ok(), "name": name,
                "password": self.password,
            }),
            _ => json!({"engine": self.url}),
        }
    }
}

impl From<Database> for Place {
    fn from(database: Database) -> Self {
        Self { url: database.url(), password: Some(database.password().to_owned()) }
    }
}

impl From<Schema> for Place {
    fn from(schema: Schema) -> Self {
        Self { url: schema.url(), password: Some(schema.password().to_owned()) }
    }
}
