//! What there is to be said about a database, for `rekey doctor`. Invariant: whatever is tried is rolled back, and nothing that is
//! said holds a hash or a full address.

mod plan;
mod rights;
mod trial;

use contract::address::Address;

use super::fault::Broken;
use super::lane::{Answer, Cell, Lane, within};
use super::row::status;
use super::shape::{Source, Table};
use super::{Engine, Parts};
use crate::directory::{Account, DirectoryError, Finding, Status};
use crate::secret::is_personal;

/// Rows that are looked at for their status.
const SOME: u64 = 100;

pub(super) struct Examination<'p> {
    parts: &'p Parts,
    lane: Lane,
    findings: Vec<Finding>,
}

/// Everything, in the order in which a fault makes the rest pointless.
pub(super) async fn examine(parts: &Parts, sample: Option<&Address>, found: Found) -> Vec<Finding> {
    let seat = match parts.seat().await {
        Ok(seat) => seat,
        Err(broken) => return vec![unconnected(parts, broken.into())],
    };
    let (lane, _permit) = seat.leave();
    let mut examination = Examination { parts, lane, findings: Vec::new() };
    examination.connection().await;
    if examination.columns().await {
        examination.statuses().await;
        examination.width().await;
        examination.plans().await;
        examination.rights().await;
        examination.sample(sample, &found);
        examination.trial(found.ok().and_then(|found| found.into_iter().next())).await;
        examination.duplicates().await;
    }
    examination.findings
}

/// What the sample led to.
pub(super) type Found = Result<Vec<Account>, DirectoryError>;

fn unconnected(parts: &Parts, error: DirectoryError) -> Finding {
    let remedy = match error {
        DirectoryError::Login => {
            "set sql.password to the file of this user's password; the server must let it in from here"
        }
        DirectoryError::Tls => {
            "set sql.ca to the certificates that the server's is checked against, and name the server as its certificate does"
        }
        DirectoryError::Missing => "create the database or the file, or correct sql.url",
        DirectoryError::Forbidden => "GRANT CONNECT on the database to the user of sql.url",
        _ => {
            "see that the server of sql.url runs and can be reached from here, or raise sql.timeout"
        }
    };
    let place = format!("{:?}", parts.place);
    Finding::fault("connection", format!("{place}: {error}"), remedy)
}

impl Examination<'_> {
    async fn connection(&mut self) {
        let question = match self.parts.engine {
            Engine::Mysql => "SELECT VERSION()",
            Engine::Postgres => "SELECT current_setting('server_version')",
            Engine::Sqlite => "SELECT sqlite_version()",
        };
        let version = self.cell(question, &[]).await.ok().flatten().unwrap_or_default();
        let safety = match (self.parts.engine, self.parts.tls) {
            (Engine::Sqlite, _) => "a file",
            (_, true) => "with TLS",
            (_, false) => "without TLS, on this machine",
        };
        let place = format!("{:?}", self.parts.place);
        self.say(Finding::good("connection", format!("{place}, version {version}, {safety}")));
    }

    /// Whether all of them can be read.
    async fn columns(&mut self) -> bool {
        let asked = match &self.parts.shape.source {
            Source::Table(table) => self.columns_of(table).await,
            Source::Own(_) => {
                let get = &self.parts.statements.get;
                let answer = self.ask(&get.text, &get.given(|_| None)).await;
                answer.map(drop).map_err(|error| ("the statement sql.get".to_owned(), error))
            }
        };
        match asked {
            Ok(()) => {
                self.say(Finding::good("columns", "all columns are there and can be read"));
                true
            }
            Err((what, error)) => {
                let remedy = match error {
                    DirectoryError::Forbidden => format!("as the owner of the table: {}", self.parts.grants.join("; ")),
                    DirectoryError::Missing => "correct the name in [sql]; names are written in the letter case that they were made in".to_owned(),
                    _ => "see the server's log".to_owned(),
                };
                self.say(Finding::fault("columns", format!("{what}: {error}"), remedy));
                false
            }
        }
    }

    async fn columns_of(&mut self, table: &Table) -> Result<(), (String, DirectoryError)> {
        let name = table.name.quoted(self.parts.engine);
        for (_, column) in super::statements::roles(table) {
            let quoted = column.quoted(self.parts.engine);
            let text = format!("SELECT {quoted} FROM {name} WHERE 1 = 0");
            let what = format!("{}.{}", table.name, column.as_str());
            self.ask(&text, &[]).await.map_err(|error| (what, error))?;
        }
        Ok(())
    }

    /// Whether anybody is active: a wrong `sql.active` makes everybody silent.
    async fn statuses(&mut self) {
        let Source::Table(table) = &self.parts.shape.source else { return };
        let (Some(column), Some(active)) = (&table.status, self.parts.shape.active.as_deref())
        else {
            return;
        };
        let (name, read) = (
            table.name.quoted(self.parts.engine),
            super::statements::text(column, self.parts.engine),
        );
        let Ok(answer) = self.ask(&format!("SELECT {read} FROM {name} LIMIT {SOME}"), &[]).await
        else {
            return;
        };
        let cells: Vec<Option<String>> =
            answer.rows.into_iter().flatten().map(Cell::text).collect();
        let is_active =
            |cell: &&Option<String>| status(cell.as_deref(), Some(active)) == Status::Active;
        let (count, all) = (cells.iter().filter(is_active).count(), cells.len());
        let said = format!("of {all} rows looked at, {count} are active by sql.active");
        self.say(match (all, count) {
            (0, _) => Finding::warning(
                "status",
                "the table has no rows",
                "see that sql.table is the table of your accounts",
            ),
            (_, 0) => Finding::warning(
                "status",
                said,
                format!(
                    "if that is no accident of these rows, write into sql.active what {} holds for an account that may log in",
                    column.as_str()
                ),
            ),
            _ => Finding::good("status", said),
        });
    }

    /// Whom the address leads to, and why that one may reset or not.
    fn sample(&mut self, sample: Option<&Address>, found: &Found) {
        let Some(address) = sample else { return };
        let finding = match found {
            Err(DirectoryError::Row) => Finding::fault(
                "sample",
                format!("a row that has {} cannot be read, so it is nobody's", address.masked()),
                "look at its id, hash, salt and addresses: no control characters, no more than 1024 bytes each, text and no bytes; and one id for one row",
            ),
            Err(error) => Finding::fault("sample", error.to_string(), "see the findings above"),
            Ok(none) if none.is_empty() => Finding::warning(
                "sample",
                format!("nobody has {}", address.masked()),
                "compare how the address stands in the database: its letter case (sql.match), its form (sql.phone_form), spaces around it",
            ),
            Ok(some) => {
                let told: Vec<String> = some.iter().map(told).collect();
                let text = format!("{} leads to {}", address.masked(), told.join(", and to "));
                Finding::good("sample", text)
            }
        };
        self.say(finding);
    }

    /// Addresses that several accounts have: these are asked which one is meant.
    async fn duplicates(&mut self) {
        let Source::Table(table) = &self.parts.shape.source else { return };
        let Some(column) = table.emails.first() else { return };
        let (name, column) =
            (table.name.quoted(self.parts.engine), column.quoted(self.parts.engine));
        let text = format!(
            "SELECT COUNT(*) FROM (SELECT 1 AS one FROM {name} WHERE {column} <> '' GROUP BY lower({column}) HAVING COUNT(*) > 1) AS several"
        );
        // Too many to count in time is no fault.
        if let Ok(Some(count)) = self.cell(&text, &[]).await {
            let text = format!("e-mail addresses that several accounts share: {count}");
            self.say(Finding::good("duplicates", text));
        }
    }

    fn say(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    async fn ask(&mut self, text: &str, values: &[Option<&str>]) -> Result<Answer, DirectoryError> {
        let answer = within(self.parts.patience, self.lane.ask(text, values)).await;
        if matches!(answer, Err(Broken::Lost | Broken::Cut)) {
            // What follows has a connection that nothing hangs on.
            if let Ok(lane) = within(self.parts.patience, self.parts.pool.connect()).await {
                self.lane = lane;
            }
        }
        Ok(answer?)
    }

    async fn cell(
        &mut self,
        text: &str,
        values: &[Option<&str>],
    ) -> Result<Option<String>, DirectoryError> {
        let answer = self.ask(text, values).await?;
        Ok(answer.rows.into_iter().flatten().next().and_then(Cell::text))
    }
}

fn told(account: &Account) -> String {
    let mut reasons = Vec::new();
    if account.status == Status::Disabled {
        reasons.push("its status is not one of sql.active, or it was deleted");
    }
    if account.password_hash.is_none() {
        reasons.push("it has no password yet");
    }
    let may = if account.status == Status::Active { "may reset" } else { "may not reset" };
    let name = match is_personal(&account.id) {
        true => "an account".to_owned(),
        false => format!("account {}", account.id),
    };
    match reasons.is_empty() {
        true => format!("{name} ({may})"),
        false => format!("{name} ({may}: {})", reasons.join("; ")),
    }
}
