//! Writes a password and takes it back. Invariant: COMMIT is never said here, and nothing is touched that cannot surely be
//! taken back.

use super::Examination;
use crate::directory::sql::fault::Broken;
use crate::directory::sql::lane::within;
use crate::directory::sql::shape::Source;
use crate::directory::sql::write::{is_there, stage};
use crate::directory::sql::{Column, Engine};
use crate::directory::{Account, DirectoryError, Finding, Written};

/// Of the length of bcrypt's, for an account that has none.
const HASH: &str = "$2b$12$......................................................";

/// MySQL's and MariaDB's engines that take back what was not committed.
const TRANSACTIONAL: [&str; 4] = ["InnoDB", "ROCKSDB", "TokuDB", "ndbcluster"];

/// Characters that the longest of the common formats takes, and some more.
const LONGEST: u64 = 128;

impl Examination<'_> {
    pub(super) async fn trial(&mut self, found: Option<Account>) {
        let account = match found {
            Some(account) => Some(account),
            None => self.somebody().await,
        };
        let Some(account) = account else {
            let remedy = "run this again with an address of an account";
            self.say(Finding::warning("write", "no account was at hand to try a write on", remedy));
            return;
        };
        if let Some(problem) = self.cannot_be_undone().await {
            let remedy =
                "ALTER TABLE .. ENGINE = InnoDB: a write that breaks off must leave nothing";
            self.say(Finding::fault("write", problem, remedy));
            return;
        }
        let tried = within(self.parts.patience, self.tried(&account)).await;
        let undone = within(self.parts.patience, self.lane.roll_back()).await;
        self.say(match (tried, undone) {
            (Ok(None), Ok(())) => Finding::good(
                "write",
                "a password was written, read back and rolled back, with what is set beside it and the sessions",
            ),
            (Ok(Some(problem)), _) => Finding::fault("write", problem, self.mending()),
            (Err(broken), _) | (_, Err(broken)) => self.failed(broken.into()),
        });
    }

    /// Whether the column of the hash takes the hashes of every format.
    pub(super) async fn width(&mut self) {
        let Source::Table(table) = &self.parts.shape.source else { return };
        if self.parts.shape.salted.is_some() {
            // The trial writes one of the length that it will have.
            return;
        }
        let (first, second, third, here) = match self.parts.engine {
            Engine::Postgres => ("$1", "$2", "$3", "current_schema()"),
            Engine::Mysql => ("?", "?", "?", "DATABASE()"),
            Engine::Sqlite => return,
        };
        let text = format!(
            "SELECT character_maximum_length FROM information_schema.columns \
             WHERE table_schema = COALESCE({first}, {here}) AND table_name = {second} AND column_name = {third}"
        );
        let schema = table.name.schema().map(Column::as_str);
        let values = [schema, Some(table.name.name().as_str()), Some(table.password_hash.as_str())];
        let width = self.cell(&text, &values).await.ok().flatten();
        let Some(width) = width.and_then(|width| width.parse::<u64>().ok()) else { return };
        self.say(match width {
            LONGEST.. => Finding::good("width", format!("the column of the hash takes {width} characters")),
            _ => Finding::warning(
                "width",
                format!("the column of the hash takes {width} characters, and argon2id's have 97"),
                "write a password.format that fits (bcrypt has 60), or make the column VARCHAR(255)",
            ),
        });
    }

    /// What is wrong with what stands there after the write.
    async fn tried(&mut self, account: &Account) -> Result<Option<String>, Broken> {
        let hash = match (&self.parts.shape.salted, account.password_hash.as_deref()) {
            (Some(salted), _) => salted.example(),
            (None, Some(hash)) => altered(hash),
            (None, None) => HASH.to_owned(),
        };
        let padded = self.padded(&account.id).await?;
        let staged = stage(&mut self.lane, self.parts, account, &hash).await?;
        if staged == Written::Changed {
            return Ok(Some(
                "the account changes while we look, or its id is not found again".to_owned(),
            ));
        }
        let after = self.parts.look(&mut self.lane, &account.id).await?;
        let Some(after) = after else {
            return Ok(Some("the account is not there any more after the write".to_owned()));
        };
        let same = is_there(self.parts, &after.account, &hash);
        let moved = after.account.revision != account.revision;
        let mut filled = self.padded(&account.id).await?;
        filled.retain(|column| !padded.contains(column));
        Ok(match (same, moved, filled.first()) {
            (false, ..) => Some("what was written is not what is read back".to_owned()),
            (_, false, _) => Some("the revision did not change with the password".to_owned()),
            (.., Some(column)) => Some(format!(
                "PostgreSQL fills {column} up with spaces, which it does not with what the app wrote"
            )),
            _ => None,
        })
    }

    /// Columns of the hash that are CHAR and longer than what stands in them: the app reads spaces after it.
    async fn padded(&mut self, id: &str) -> Result<Vec<String>, Broken> {
        let mut padded = Vec::new();
        let (engine, Source::Table(table)) = (self.parts.engine, &self.parts.shape.source) else {
            return Ok(padded);
        };
        if engine != Engine::Postgres {
            return Ok(padded);
        }
        let (name, key) = (table.name.quoted(engine), table.id.quoted(engine));
        for column in [Some(&table.password_hash), table.salt.as_ref()].into_iter().flatten() {
            let quoted = column.quoted(engine);
            // What the app reads, and what is left of it as text.
            let text = format!(
                "SELECT 1 FROM {name} WHERE {key} = $1 AND octet_length(concat({quoted})) > octet_length({quoted}::text)"
            );
            if !self.lane.ask(&text, &[Some(id)]).await?.rows.is_empty() {
                padded.push(column.as_str().to_owned());
            }
        }
        Ok(padded)
    }

    fn mending(&self) -> &'static str {
        match self.parts.shape.salted {
            Some(_) => {
                "see that hash and salt are read and written in columns of their own, both VARCHAR(255), and whether a trigger changes them"
            }
            None => {
                "make the column of the hash VARCHAR(255), and see whether a trigger changes it"
            }
        }
    }

    /// Any account, by the table's own order.
    async fn somebody(&mut self) -> Option<Account> {
        let Source::Table(table) = &self.parts.shape.source else { return None };
        let (id, name) = (table.id.quoted(self.parts.engine), table.name.quoted(self.parts.engine));
        let answer = self.ask(&format!("SELECT {id} FROM {name} LIMIT 1"), &[]).await.ok()?;
        let id = answer.rows.into_iter().flatten().next()?.text()?;
        let look = within(self.parts.patience, self.parts.look(&mut self.lane, &id)).await;
        look.ok().flatten().map(|found| found.account)
    }

    /// Why a trial, and a real write as well, could leave something behind: MySQL has tables without transactions, and in
    /// statements of the team's own we do not look for the names of tables.
    async fn cannot_be_undone(&mut self) -> Option<String> {
        if self.parts.engine != Engine::Mysql {
            return None;
        }
        let table = match &self.parts.shape.source {
            Source::Table(table) => Some(table.name.clone()),
            Source::Own(_) => None,
        };
        if let Some(name) = &table {
            let text = "SELECT COALESCE(ENGINE, 'a view') FROM information_schema.TABLES \
                 WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ?";
            let values = [name.schema().map(Column::as_str), Some(name.name().as_str())];
            let engine = self.cell(text, &values).await.ok().flatten();
            let engine = engine.unwrap_or_else(|| "an unknown kind".to_owned());
            if !TRANSACTIONAL.contains(&engine.as_str()) {
                return Some(format!("the table is of {engine}, which may take nothing back"));
            }
        }
        if table.is_some() && self.parts.shape.sessions.is_none() {
            return None;
        }
        let known = TRANSACTIONAL.map(|engine| format!("'{engine}'")).join(", ");
        let text = format!(
            "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' \
             AND TABLE_SCHEMA NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys') \
             AND COALESCE(ENGINE, '') NOT IN ({known})"
        );
        match self.cell(&text, &[]).await.ok().flatten().as_deref() {
            Some("0") => None,
            _ => Some(
                "there are tables without transactions, which your statements may touch".to_owned(),
            ),
        }
    }

    fn failed(&self, error: DirectoryError) -> Finding {
        let remedy = match error {
            DirectoryError::Forbidden => {
                format!("as the owner of the table: {}", self.parts.grants.join("; "))
            }
            DirectoryError::Missing => {
                "correct sql.set and sql.sessions: a column or table of theirs is not there"
                    .to_owned()
            }
            DirectoryError::ReadOnly => {
                "name the primary server in sql.url; this one takes no writes".to_owned()
            }
            DirectoryError::Unavailable => {
                "somebody holds the row or the table; see who, or raise sql.timeout".to_owned()
            }
            _ => "see the server's log: a constraint, a trigger or the column's length, mostly"
                .to_owned(),
        };
        Finding::fault("write", error.to_string(), remedy)
    }
}

/// Another one of the same length.
fn altered(hash: &str) -> String {
    let mut altered = hash.to_owned();
    let last = altered.pop();
    altered.push(if last == Some('x') { 'y' } else { 'x' });
    altered
}
