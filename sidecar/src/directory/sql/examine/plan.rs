//! How the database looks addresses up. Invariant: a look-up that reads the whole table is told, with the index that mends it.

use super::Examination;
use crate::directory::sql::lane::{Answer, Cell};
use crate::directory::sql::shape::{Matching, Source};
use crate::directory::sql::statements::{Find, compared};
use crate::directory::sql::template::{Slot, Statement};
use crate::directory::sql::{Column, Engine};
use crate::directory::{DirectoryError, Finding};

/// An address that nobody has.
const NOBODY: &str = "nobody@example.invalid";

impl Examination<'_> {
    pub(super) async fn plans(&mut self) {
        let parts = self.parts;
        let value = |slot| match slot {
            Slot::Candidate(_) | Slot::Email => Some(NOBODY),
            _ => None,
        };
        let digits = |slot| match slot {
            Slot::Candidate(_) | Slot::Phone => Some("8613800138000"),
            _ => None,
        };
        match &parts.statements.find {
            Find::Together { emails, phones } => {
                if let Some(emails) = emails {
                    self.plan("e-mail addresses", emails, &emails.given(value), true).await;
                }
                if let Some(phones) = phones {
                    self.plan("phone numbers", phones, &phones.given(digits), false).await;
                }
            }
            Find::Each(find) => self.plan("e-mail addresses", find, &find.given(value), true).await,
        }
        let by_id = parts.statements.get.given(|_| None);
        self.plan("ids", &parts.statements.get, &by_id, true).await;
    }

    async fn plan(&mut self, of: &str, statement: &Statement, values: &[Option<&str>], mail: bool) {
        let finding = match self.explain(&statement.text, values).await {
            Ok(answer) if reads_all(self.parts.engine, &answer) => {
                let text = format!("looking up {of} reads the whole table, at each ask");
                Finding::warning("plan", text, self.index(of, mail))
            }
            Ok(_) => Finding::good("plan", format!("looking up {of} uses an index")),
            Err(error) => Finding::warning(
                "plan",
                format!("how {of} are looked up cannot be seen: {error}"),
                "see that the columns of the look-up have an index",
            ),
        };
        self.say(finding);
    }

    /// PostgreSQL reads a small table whole although there is an index: it is told not to.
    async fn explain(
        &mut self,
        text: &str,
        values: &[Option<&str>],
    ) -> Result<Answer, DirectoryError> {
        match self.parts.engine {
            Engine::Postgres => {
                self.lane.begin().await?;
                self.lane.say("SET LOCAL enable_seqscan = off").await?;
                let answer = self.ask(&format!("EXPLAIN {text}"), values).await;
                self.lane.roll_back().await?;
                answer
            }
            // MySQL 9 has another form by default.
            Engine::Mysql => self.ask(&format!("EXPLAIN FORMAT=TRADITIONAL {text}"), values).await,
            Engine::Sqlite => self.ask(&format!("EXPLAIN QUERY PLAN {text}"), values).await,
        }
    }

    fn index(&self, of: &str, mail: bool) -> String {
        let Source::Table(table) = &self.parts.shape.source else {
            return "make an index for what sql.find compares".to_owned();
        };
        let engine = self.parts.engine;
        let (columns, matching) = match (of, mail) {
            ("ids", _) => (std::slice::from_ref(&table.id), Matching::Exact),
            (_, true) => (table.emails.as_slice(), table.matching),
            (_, false) => (table.phones.as_slice(), Matching::Exact),
        };
        let each = |column: &Column| {
            let of = compared(column, matching, engine);
            let of = if engine == Engine::Mysql && matching == Matching::Lower {
                format!("({of})")
            } else {
                of
            };
            let name = format!("rekey_{}", column.as_str());
            let table = table.name.quoted(engine);
            match engine {
                Engine::Postgres => format!("CREATE INDEX CONCURRENTLY ON {table} ({of})"),
                Engine::Mysql | Engine::Sqlite => format!("CREATE INDEX {name} ON {table} ({of})"),
            }
        };
        let statements: Vec<String> = columns.iter().map(each).collect();
        let all = statements.join("; ");
        match (engine, matching) {
            (Engine::Mysql, Matching::Lower) => format!(
                "{all} (MariaDB has no such index: there, write match = \"exact\" and give the column a collation that ends in _ci)"
            ),
            _ => all,
        }
    }
}

fn reads_all(engine: Engine, answer: &Answer) -> bool {
    let text = |cell: &Cell| match cell {
        Cell::Text(text) => Some(text.clone()),
        Cell::Null | Cell::Strange => None,
    };
    let column = |row: &[Cell], name: &str| {
        let at = answer.names.iter().position(|known| known.eq_ignore_ascii_case(name))?;
        row.get(at).and_then(text)
    };
    match engine {
        Engine::Postgres => {
            answer.rows.iter().flatten().filter_map(text).any(|line| line.contains("Seq Scan on"))
        }
        Engine::Sqlite => {
            let details = answer.rows.iter().filter_map(|row| column(row, "detail"));
            // `SCAN` of what a subquery found is none of a table.
            details
                .into_iter()
                .any(|line| line.starts_with("SCAN") && !line.contains("USING INDEX"))
        }
        // With an index that could be used it reads a small table whole all the same.
        Engine::Mysql => answer.rows.iter().any(|row| {
            let kind = column(row, "type");
            column(row, "possible_keys").is_none()
                && matches!(kind.as_deref(), Some("ALL" | "index"))
                && !column(row, "table").is_some_and(|table| table.starts_with('<'))
        }),
    }
}
