//! What our user may do. Invariant: more than is needed is told as well: whoever breaks into the sidecar has it, too.

use super::Examination;
use crate::directory::sql::Engine;
use crate::directory::sql::shape::Source;
use crate::directory::{DirectoryError, Finding};

const LEAST: &str = "give a user of its own no more than this";

impl Examination<'_> {
    pub(super) async fn rights(&mut self) {
        let much = match self.parts.engine {
            Engine::Sqlite => return,
            Engine::Postgres => self.much_in_postgres().await,
            Engine::Mysql => self.much_in_mysql().await,
        };
        let finding = match much {
            Ok(much) if much.is_empty() => {
                Finding::good("rights", "our user may no more than it needs, as far as can be seen")
            }
            Ok(much) => {
                let text = format!("our user may more than it needs: {}", much.join(", "));
                Finding::warning(
                    "rights",
                    text,
                    format!("{LEAST}: {}", self.parts.grants.join("; ")),
                )
            }
            Err(error) => Finding::warning("rights", error.to_string(), LEAST),
        };
        self.say(finding);
    }

    async fn much_in_postgres(&mut self) -> Result<Vec<String>, DirectoryError> {
        let mut much = Vec::new();
        let superuser = "SELECT rolsuper::text FROM pg_roles WHERE rolname = current_user";
        if self.cell(superuser, &[]).await?.as_deref() == Some("true") {
            much.push("everything (it is a superuser)".to_owned());
        }
        let Source::Table(table) = &self.parts.shape.source else { return Ok(much) };
        let name = table.name.quoted(Engine::Postgres);
        for right in ["INSERT", "DELETE", "TRUNCATE", "UPDATE"] {
            let text = format!("SELECT has_table_privilege($1, '{right}')::text");
            if self.cell(&text, &[Some(&name)]).await?.as_deref() == Some("true") {
                much.push(format!("{right} on the whole of {}", table.name));
            }
        }
        Ok(much)
    }

    async fn much_in_mysql(&mut self) -> Result<Vec<String>, DirectoryError> {
        let answer = self.ask("SHOW GRANTS", &[]).await?;
        let lines = answer.rows.into_iter().flatten().filter_map(super::super::Cell::text);
        let wide = |line: &String| {
            let rights = line.strip_prefix("GRANT ").unwrap_or(line);
            let on_all = rights.contains(" ON *.*") || rights.contains("`.* ");
            on_all && !rights.starts_with("USAGE ON")
        };
        // A line ends in the digest of the user's password.
        let shown = |line: String| line.split(" TO ").next().unwrap_or_default().to_owned();
        Ok(lines.filter(wide).map(shown).collect())
    }
}
