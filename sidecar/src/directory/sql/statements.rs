//! The statements that a shape is asked by, in the engine's words. Invariant: their text is made once, and nothing of an
//! account or of an ask is in it; a look-up is the same statement whatever is there.

use super::shape::{Matching, Own, Shape, Source, Table};
use super::template::{Slot, Statement, Template};
use super::{Column, Engine};

/// Addresses that one statement looks for; fewer are filled up.
pub(super) const CANDIDATES: usize = 64;

/// Rows that one look-up reads; beyond it each address is looked for alone.
pub(super) const ROWS: usize = 1024;

/// Characters of a cell that are fetched: one more than may be there.
const WIDTH: usize = super::row::LONGEST + 1;

#[derive(Debug)]
pub(super) struct Statements {
    pub(super) find: Find,
    pub(super) get: Statement,
    pub(super) write: Statement,
    pub(super) sessions: Option<Statement>,
    /// Some hashes; `None` where we do not know how to ask.
    pub(super) hashes: Option<Statement>,
    /// The whole row of an account.
    pub(super) whole: Option<Statement>,
}

/// How accounts are looked for.
#[derive(Debug)]
pub(super) enum Find {
    /// Many addresses at once; `None` where no column holds such.
    Together { emails: Option<Statement>, phones: Option<Statement> },
    /// One after the other, by the team's own statement.
    Each(Statement),
}

impl Statements {
    pub(super) fn new(shape: &Shape, engine: Engine) -> Self {
        let sessions = shape.sessions.as_ref().map(|sessions| sessions.statement(engine));
        match &shape.source {
            Source::Table(table) => Self {
                find: Find::Together {
                    emails: by_any(table, &table.emails, table.matching, engine),
                    phones: by_any(table, &table.phones, Matching::Exact, engine),
                },
                get: get(table, engine).statement(engine),
                write: write(table, engine).statement(engine),
                sessions,
                hashes: Some(hashes(table, engine).statement(engine)),
                whole: Some(whole(table, engine).statement(engine)),
            },
            Source::Own(own) => {
                let Own { find, get, write } = &**own;
                Self {
                    find: Find::Each(find.statement(engine)),
                    get: get.statement(engine),
                    write: write.statement(engine),
                    sessions,
                    hashes: None,
                    whole: None,
                }
            }
        }
    }
}

/// Each column in a look-up of its own, so that each uses its index.
fn by_any(
    table: &Table,
    columns: &[Column],
    matching: Matching,
    engine: Engine,
) -> Option<Statement> {
    let mut template = Template::default();
    for (number, column) in columns.iter().enumerate() {
        if number > 0 {
            template = template.text(" UNION ALL ");
        }
        template = template.text(&format!("{} WHERE ", read(table, engine)));
        template = is_any(template, &compared(column, matching, engine));
    }
    let limit = format!(" LIMIT {}", ROWS.saturating_add(1));
    (!columns.is_empty()).then(|| template.text(&limit).statement(engine))
}

fn is_any(mut template: Template, column: &str) -> Template {
    template = template.text(&format!("{column} IN ("));
    for number in 0..CANDIDATES {
        if number > 0 {
            template = template.text(", ");
        }
        template = template.slot(Slot::Candidate(number));
    }
    template.text(")")
}

pub(super) fn compared(column: &Column, matching: Matching, engine: Engine) -> String {
    match matching {
        Matching::Exact => column.quoted(engine),
        Matching::Lower => format!("lower({})", column.quoted(engine)),
    }
}

fn get(table: &Table, engine: Engine) -> Template {
    let by = format!("{} WHERE {} = ", read(table, engine), table.id.quoted(engine));
    Template::default().text(&by).slot(Slot::Id)
}

/// Over what was read, and nothing else.
fn write(table: &Table, engine: Engine) -> Template {
    let hash = table.password_hash.quoted(engine);
    let mut template = Template::default()
        .text(&format!("UPDATE {} SET {hash} = ", table.name.quoted(engine)))
        .slot(Slot::Hash);
    if let Some(salt) = &table.salt {
        template = template.text(&format!(", {} = ", salt.quoted(engine))).slot(Slot::Salt);
    }
    for setting in &table.set {
        template = template.text(&format!(", {}", setting.sql(engine)));
    }
    template = template.text(&format!(" WHERE {} = ", table.id.quoted(engine))).slot(Slot::Id);
    for (number, column) in table.revision.iter().enumerate() {
        let (before, after) = unchanged(column, engine);
        template =
            template.text(&format!(" AND {before}")).slot(Slot::Revision(number)).text(after);
    }
    if table.revision.contains(&table.password_hash) {
        return template;
    }
    // What does not count for a link counts here all the same: no newer password is overwritten.
    let (before, after) = unchanged(&table.password_hash, engine);
    template.text(&format!(" AND {before}")).slot(Slot::PasswordHash).text(after)
}

fn hashes(table: &Table, engine: Engine) -> Template {
    let (hash, name) = (&table.password_hash, table.name.quoted(engine));
    let salt = table.salt.iter().map(|salt| format!(", {} AS salt", text(salt, engine)));
    let columns = format!("{} AS password_hash{}", text(hash, engine), salt.collect::<String>());
    let is_there = format!("{} IS NOT NULL", hash.quoted(engine));
    Template::default().text(&format!("SELECT {columns} FROM {name} WHERE {is_there}"))
}

fn whole(table: &Table, engine: Engine) -> Template {
    let (name, id) = (table.name.quoted(engine), table.id.quoted(engine));
    Template::default().text(&format!("SELECT * FROM {name} WHERE {id} = ")).slot(Slot::Id)
}

/// Byte by byte, and NULL is like NULL.
fn unchanged(column: &Column, engine: Engine) -> (String, &'static str) {
    let column = column.quoted(engine);
    match engine {
        Engine::Postgres => (format!("{column}::text IS NOT DISTINCT FROM "), ""),
        Engine::Mysql => {
            (format!("CAST(CAST({column} AS CHAR) AS BINARY) <=> CAST("), " AS BINARY)")
        }
        Engine::Sqlite => (format!("CAST({column} AS TEXT) COLLATE BINARY IS "), ""),
    }
}

/// Every column that says something of an account, under the name of what it says.
fn read(table: &Table, engine: Engine) -> String {
    let columns: Vec<String> = roles(table)
        .into_iter()
        .map(|(role, column)| format!("{} AS {role}", text(column, engine)))
        .collect();
    format!("SELECT {} FROM {}", columns.join(", "), table.name.quoted(engine))
}

/// The columns that are read, each with the name of its role.
pub(super) fn roles(table: &Table) -> Vec<(String, &Column)> {
    let mut roles = vec![("id".to_owned(), &table.id)];
    let lists = [("email", &table.emails), ("phone", &table.phones), ("revision", &table.revision)];
    for (role, columns) in lists {
        let numbered =
            columns.iter().zip(1..).map(|(column, number)| (format!("{role}_{number}"), column));
        roles.extend(numbered);
    }
    let single = [
        ("user_name", &table.user_name),
        ("display_name", &table.display_name),
        ("language", &table.language),
        ("status", &table.status),
        ("deleted", &table.deleted),
        ("second_factor", &table.second_factor),
        ("salt", &table.salt),
    ];
    for (role, column) in single {
        roles.extend(column.iter().map(|column| (role.to_owned(), column)));
    }
    roles.push(("password_hash".to_owned(), &table.password_hash));
    roles
}

/// As text, and not much more of it than may be there.
pub(super) fn text(column: &Column, engine: Engine) -> String {
    let column = column.quoted(engine);
    match engine {
        Engine::Postgres => format!("left({column}::text, {WIDTH})"),
        Engine::Mysql => format!("LEFT(CAST({column} AS CHAR), {WIDTH})"),
        Engine::Sqlite => format!("substr(CAST({column} AS TEXT), 1, {WIDTH})"),
    }
}
