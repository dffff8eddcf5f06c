//! A table of accounts of a test's own on each engine, and short words for what is done with it.

use std::path::{Path, PathBuf};
use std::sync::Once;

use contract::address::{Address, Channel};
use contract::secret::Password;
use rekey_tests::stage::{Database, MariaDb, Postgres, Schema};
use tempfile::TempDir;

use crate::config::{Config, DirectoryConfig, SqlConfig};
use crate::directory::sql::lane::{Lane, Way};
use crate::directory::sql::{Engine, Sql};
use crate::directory::{Account, DirectoryError, NewPassword, Written};

/// What a database stands on.
pub(super) trait Ground {
    const ENGINE: Engine;

    fn new() -> Self;

    /// Keys of the section that lead here, with TLS or without.
    fn place(&self, home: &Path) -> String;

    /// Says something to the database as the app would.
    fn say(&self, statement: &str);

    /// The first cell of the answer.
    fn cell(&self, question: &str) -> Option<String>;

    /// Ends every connection that others have.
    fn cut(&self);

    /// Somebody who has no rights yet, for a place; `None` where there are no users.
    fn stranger(&self) -> Option<&'static str>;
}

/// A file in a directory of its own.
pub(super) struct File {
    path: PathBuf,
    _home: TempDir,
}

/// A database of its own on a real PostgreSQL.
pub(super) struct Server(pub(super) Database);

/// A database of its own on a real MariaDB.
pub(super) struct Maria(pub(super) Schema);

/// The team's table, and us beside it.
pub(super) struct Stand<G> {
    pub(super) ground: G,
    home: TempDir,
}

/// What most tests need of a table.
const TABLE: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, mail VARCHAR(254), backup VARCHAR(254), \
     tel VARCHAR(32), login VARCHAR(64), shown VARCHAR(64), lang VARCHAR(16), state INTEGER, mfa VARCHAR(64), \
     hash VARCHAR(255), version INTEGER DEFAULT 1, must_change INTEGER DEFAULT 1)";

pub(super) const KEYS: &str = "table = \"users\"\nactive = [1]\nset = [\"version = version + 1\", \"must_change = 0\"]\n\
     [sql.columns]\nid = \"id\"\nemail = \"mail\"\nemails = [\"backup\"]\nphone = \"tel\"\nuser_name = \"login\"\n\
     display_name = \"shown\"\nlanguage = \"lang\"\nstatus = \"state\"\nsecond_factor = \"mfa\"\npassword_hash = \"hash\"\n";

impl Ground for File {
    const ENGINE: Engine = Engine::Sqlite;

    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("app.db");
        rusqlite::Connection::open(&path)
            .unwrap()
            .pragma_update(None, "journal_mode", "wal")
            .unwrap();
        Self { path, _home: home }
    }

    fn place(&self, _: &Path) -> String {
        format!("url = \"sqlite:{}\"\n", self.path.display())
    }

    fn say(&self, statement: &str) {
        let connection = rusqlite::Connection::open(&self.path).unwrap();
        connection.execute_batch(statement).unwrap();
    }

    fn cell(&self, question: &str) -> Option<String> {
        let connection = rusqlite::Connection::open(&self.path).unwrap();
        let text = format!("SELECT CAST(({question}) AS TEXT)");
        connection.query_row(&text, [], |row| row.get(0)).unwrap()
    }

    fn cut(&self) {}

    fn stranger(&self) -> Option<&'static str> {
        None
    }
}

impl Ground for Server {
    const ENGINE: Engine = Engine::Postgres;

    fn new() -> Self {
        Self(Postgres::shared().database().unwrap())
    }

    fn place(&self, home: &Path) -> String {
        let file = secret(home, self.0.password());
        format!("url = \"{}\"\npassword = \"file:{file}\"\ntls = \"off\"\n", self.0.url())
    }

    fn say(&self, statement: &str) {
        self.0.rows(statement).unwrap();
    }

    fn cell(&self, question: &str) -> Option<String> {
        self.0.rows(&format!("SELECT ({question})")).unwrap().into_iter().flatten().next().flatten()
    }

    fn cut(&self) {
        self.0.drop_connections().unwrap();
    }

    fn stranger(&self) -> Option<&'static str> {
        // Users are of the whole server.
        static MADE: Once = Once::new();
        MADE.call_once(|| {
            self.say(&format!("CREATE ROLE stranger LOGIN PASSWORD '{}'", self.0.password()));
        });
        Some("stranger")
    }
}

impl Ground for Maria {
    const ENGINE: Engine = Engine::Mysql;

    fn new() -> Self {
        Self(MariaDb::shared().schema().unwrap())
    }

    fn place(&self, home: &Path) -> String {
        let file = secret(home, self.0.password());
        format!("url = \"{}\"\npassword = \"file:{file}\"\ntls = \"off\"\n", self.0.url())
    }

    fn say(&self, statement: &str) {
        self.0.rows(statement).unwrap();
    }

    fn cell(&self, question: &str) -> Option<String> {
        self.0.rows(&format!("SELECT ({question})")).unwrap().into_iter().flatten().next().flatten()
    }

    fn cut(&self) {
        let others = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()";
        for id in self.0.rows(others).unwrap().into_iter().flatten().flatten() {
            self.say(&format!("KILL {id}"));
        }
    }

    fn stranger(&self) -> Option<&'static str> {
        let password = self.0.password();
        self.say(&format!("CREATE USER IF NOT EXISTS 'stranger'@'%' IDENTIFIED BY '{password}'"));
        Some("stranger")
    }
}

impl<G: Ground> Stand<G> {
    pub(super) const ENGINE: Engine = G::ENGINE;

    /// With the table that most tests need, and Ann in it.
    pub(super) fn new() -> Self {
        let stand = Self::bare();
        stand.ground.say(TABLE);
        stand.add(1, "ann@example.org", "old");
        stand
    }

    pub(super) fn bare() -> Self {
        Self { ground: G::new(), home: tempfile::tempdir().unwrap() }
    }

    pub(super) fn add(&self, id: u32, mail: &str, hash: &str) {
        self.ground.say(&format!(
            "INSERT INTO users (id, mail, state, hash) VALUES ({id}, '{mail}', 1, '{hash}')"
        ));
    }

    /// The directory over the usual table.
    pub(super) fn directory(&self) -> Sql {
        self.with(KEYS)
    }

    /// The directory with these keys of the section.
    pub(super) fn with(&self, keys: &str) -> Sql {
        Sql::new(&self.config(&self.place(), keys))
    }

    pub(super) fn place(&self) -> String {
        self.ground.place(self.home.path())
    }

    pub(super) fn config(&self, place: &str, keys: &str) -> SqlConfig {
        let text = format!("directory = \"sql\"\n[sql]\n{place}{keys}");
        let config = Config::parse(&text, self.home.path());
        match config.unwrap_or_else(|faults| panic!("{faults}")).directory {
            DirectoryConfig::Sql(config) => *config,
            other => panic!("{other:?}"),
        }
    }

    /// A connection beside ours, in a transaction that has changed Ann's row.
    pub(super) async fn holder(&self) -> Lane {
        let mut lane = self.lane().await;
        lane.begin().await.unwrap();
        lane.change("UPDATE users SET version = version + 1 WHERE id = 1", &[]).await.unwrap();
        lane
    }

    pub(super) async fn lane(&self) -> Lane {
        Way::new(&self.config(&self.place(), KEYS)).connect().await.unwrap()
    }

    pub(super) fn hash(&self, id: u32) -> String {
        self.ground.cell(&format!("SELECT hash FROM users WHERE id = {id}")).unwrap()
    }
}

/// A file that only its owner reads.
pub(super) fn secret(home: &Path, text: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path = home.join("password");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

pub(super) fn mail(text: &str) -> Address {
    Address::parse(Channel::Email, text, None).unwrap()
}

pub(super) fn phone(text: &str) -> Address {
    Address::parse(Channel::Sms, text, None).unwrap()
}

/// Ids of those who are found, in order.
pub(super) async fn ids(sql: &Sql, addresses: &[Address]) -> Vec<String> {
    let mut ids: Vec<String> =
        sql.find(addresses).await.unwrap().into_iter().map(|account| account.id).collect();
    ids.sort();
    ids
}

pub(super) async fn account(sql: &Sql, id: &str) -> Account {
    sql.get(id).await.unwrap().unwrap()
}

pub(super) async fn write(
    sql: &Sql,
    account: &Account,
    hash: &str,
) -> Result<Written, DirectoryError> {
    let password = Password::parse("not looked at".to_owned()).unwrap();
    sql.write(account, NewPassword { hash, password: &password }).await
}
