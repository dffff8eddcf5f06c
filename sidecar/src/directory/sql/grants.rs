//! The least rights that do. Invariant: every column that a statement of ours reads or sets is in them, and nothing else.

use super::shape::{Source, Table};
use super::{Column, Engine, TableName, statements};
use crate::config::{SqlConfig, SqlPlace};

/// Statements that give the configured user what it needs, for whoever administers the database. SQLite has no users: there
/// are none.
pub fn grants(config: &SqlConfig) -> Vec<String> {
    let engine = config.place.engine();
    let Some(user) = user(&config.place) else { return Vec::new() };
    let mut grants = match &config.shape.source {
        Source::Table(table) => of_table(table, engine, &user),
        Source::Own(_) => vec![format!(
            "-- SELECT on what the statements find and get read, UPDATE on what write sets, to {user}"
        )],
    };
    if let Some(sessions) = &config.shape.sessions {
        grants.push(of_sessions(&sessions.statement(engine).text, &user));
    }
    grants
}

/// As the engine writes users.
fn user(place: &SqlPlace) -> Option<String> {
    match place {
        SqlPlace::Sqlite(_) => None,
        SqlPlace::Postgres(config) => {
            Some(format!("\"{}\"", config.get_user()?.replace('"', "\"\"")))
        }
        SqlPlace::Mysql(opts) => {
            let name = opts.user()?.replace('\\', "\\\\").replace('\'', "''");
            Some(format!("'{name}'@'%'"))
        }
    }
}

fn of_table(table: &Table, engine: Engine, user: &str) -> Vec<String> {
    let mut read: Vec<&Column> =
        statements::roles(table).into_iter().map(|(_, column)| column).collect();
    read.extend(table.set.iter().filter(|setting| setting.reads()).map(|setting| &setting.column));
    let mut set: Vec<&Column> = vec![&table.password_hash];
    set.extend(&table.salt);
    set.extend(table.set.iter().map(|setting| &setting.column));
    let (read, set) = (listed(read, engine), listed(set, engine));
    let name = table.name.quoted(engine);
    let mut grants = Vec::new();
    if let (Engine::Postgres, Some(schema)) = (engine, table.name.schema()) {
        grants.push(format!("GRANT USAGE ON SCHEMA {} TO {user}", schema.quoted(engine)));
    }
    grants.push(format!("GRANT SELECT ({read}), UPDATE ({set}) ON {name} TO {user}"));
    grants
}

/// What comes first in it says what it needs, where it is simple.
fn of_sessions(text: &str, user: &str) -> String {
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or_default().to_ascii_uppercase();
    let right = match first.as_str() {
        "DELETE" => words.next().map(|_| "SELECT, DELETE"),
        "UPDATE" => Some("SELECT, UPDATE"),
        _ => None,
    };
    let named = |name: &&str| {
        let plain = name.trim_matches(|c| c == '"' || c == '`');
        TableName::parse(plain).is_some()
    };
    match right.zip(words.next().filter(named)) {
        Some((right, name)) => format!("GRANT {right} ON {name} TO {user}"),
        None => format!("-- what the statement of sql.sessions does, to {user}"),
    }
}

fn listed(columns: Vec<&Column>, engine: Engine) -> String {
    let mut names: Vec<String> = Vec::new();
    for name in columns.into_iter().map(|column| column.quoted(engine)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}
