//! One connection and its prepared statements, made anew when it is lost.
//! Invariant: nothing of an operation is left when it did not end; a commit whose answer was lost is `Unknown`.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use postgres::types::private::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, NoTls, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::fault::{self, judge};
use crate::config::PostgresConfig;
use crate::store::StoreError;
use crate::store::sql::tx::{Broken, Tx, Value};
use crate::store::work::Work;
use crate::tls::trust;

/// How often an operation that the server undid is run.
const TRIES: u32 = 4;

/// Several operations hold the rows of all of them, in no order: who waits so long lets go.
const BEGIN_TOGETHER: &str = "BEGIN; SET LOCAL lock_timeout = '50ms'";

const CONNECT: Duration = Duration::from_secs(2);

/// A server that says nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(10);

/// How a connection is made.
#[derive(Clone)]
pub(super) struct Way {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    settings: String,
}

/// One connection, or none at the moment.
pub(in crate::store) struct Lane {
    way: Way,
    client: Option<Client>,
    statements: HashMap<String, Statement>,
}

impl Way {
    pub(super) fn new(server: &PostgresConfig) -> Result<Self, StoreError> {
        let mut config = server.address.clone();
        config.application_name("rekey").connect_timeout(CONNECT).tcp_user_timeout(SILENCE);
        config.keepalives_idle(SILENCE);
        if let Some(password) = &server.password {
            config.password(password.as_bytes());
        }
        config.ssl_mode(match server.tls {
            true => postgres::config::SslMode::Require,
            false => postgres::config::SslMode::Disable,
        });
        let tls = server.tls.then(|| trust::postgres(server.ca.as_deref())).transpose();
        let tls = tls.map_err(|_| StoreError::Tls)?;
        let settings = format!(
            "SET default_transaction_isolation = 'read committed'; SET synchronous_commit = on; \
             SET idle_in_transaction_session_timeout = '10s'; SET statement_timeout = {0}; SET lock_timeout = {0}",
            server.statement_timeout.as_millis()
        );
        Ok(Self { config, tls, settings })
    }

    /// A connection without our time-outs.
    pub(super) fn connect(&self) -> Result<Client, StoreError> {
        let connected = match &self.tls {
            Some(tls) => self.config.connect(tls.clone()),
            None => self.config.connect(NoTls),
        };
        connected.map_err(|error| fault::unconnected(&error))
    }
}

impl Lane {
    pub(super) fn new(way: Way) -> Self {
        Self { way, client: None, statements: HashMap::new() }
    }

    /// With a connection that stands already.
    pub(super) fn of(way: Way, client: Client) -> Self {
        Self { way, client: Some(client), statements: HashMap::new() }
    }

    /// Runs operations in one transaction and tells how it ended; `None` when one of them has to be undone, or when they
    /// are in the way of another's: then each has to be run alone.
    pub(super) fn together(
        &mut self,
        group: &mut [Box<dyn Work>],
    ) -> Option<Result<(), StoreError>> {
        if group.len() < 2 {
            return None;
        }
        let begun = self.say(BEGIN_TOGETHER);
        let ran = begun.is_ok() && group.iter_mut().all(|work| self.is_done(&mut **work));
        if !ran {
            self.back();
            return None;
        }
        match self.commit() {
            Ok(()) => Some(Ok(())),
            Err(Broken::Store(StoreError::Unknown)) => Some(Err(StoreError::Unknown)),
            Err(_) => None,
        }
    }

    fn is_done(&mut self, work: &mut dyn Work) -> bool {
        let mut tx = Tx::postgres(self);
        work.run(&mut tx).is_ok() && !tx.is_undone()
    }

    /// Runs an operation to its end, again where the server undid it.
    pub(super) fn alone(&mut self, work: &mut dyn Work) -> Result<(), StoreError> {
        self.again(|lane| lane.transact(work))
    }

    /// Runs an operation that changes nothing.
    pub(super) fn look(&mut self, work: &mut dyn Work) -> Result<(), StoreError> {
        self.again(|lane| {
            lane.client()?;
            work.run(&mut Tx::postgres(lane))
        })
    }

    fn again(
        &mut self,
        mut run: impl FnMut(&mut Self) -> Result<(), Broken>,
    ) -> Result<(), StoreError> {
        let mut ended = Err(Broken::Again);
        for _ in 0..TRIES {
            ended = run(self);
            match ended {
                Err(Broken::Lost) => self.forget(),
                Err(Broken::Again | Broken::Conflict) => {}
                _ => break,
            }
        }
        ended.map_err(StoreError::from)
    }

    fn transact(&mut self, work: &mut dyn Work) -> Result<(), Broken> {
        self.say("BEGIN")?;
        let mut tx = Tx::postgres(self);
        let ran = work.run(&mut tx);
        if ran.is_err() || tx.is_undone() {
            self.back();
            return ran;
        }
        self.commit()
    }

    fn commit(&mut self) -> Result<(), Broken> {
        self.say("COMMIT").map_err(|broken| match broken {
            Broken::Lost => {
                self.forget();
                Broken::Store(StoreError::Unknown)
            }
            other => {
                self.back();
                other
            }
        })
    }

    fn back(&mut self) {
        if self.client.is_some() && self.say("ROLLBACK").is_err() {
            self.forget();
        }
    }

    fn say(&mut self, word: &str) -> Result<(), Broken> {
        self.client()?.batch_execute(word).map_err(|error| judge(&error))
    }

    /// Sets many statements off at once; only while migrating.
    pub(super) fn batch(&mut self, statements: &str) -> Result<(), Broken> {
        self.say(statements)
    }

    fn client(&mut self) -> Result<&mut Client, Broken> {
        if self.client.as_ref().is_none_or(Client::is_closed) {
            self.forget();
            let mut client = self.way.connect().map_err(Broken::Store)?;
            client.batch_execute(&self.way.settings).map_err(|error| judge(&error))?;
            self.client = Some(client);
        }
        self.client.as_mut().ok_or(Broken::Lost)
    }

    fn forget(&mut self) {
        self.client = None;
        self.statements.clear();
    }

    fn prepared(&mut self, sql: &str) -> Result<Statement, Broken> {
        if let Some(known) = self.statements.get(sql) {
            return Ok(known.clone());
        }
        let statement = self.open()?.prepare(&translated(sql)).map_err(|error| judge(&error))?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// The connection that the operation began on; never another one.
    fn open(&mut self) -> Result<&mut Client, Broken> {
        self.client.as_mut().ok_or(Broken::Lost)
    }

    pub(in crate::store) fn run(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, Broken> {
        let statement = self.prepared(sql)?;
        let done = self.open()?.execute(&statement, &given(values));
        done.map_err(|error| judge(&error))
    }

    pub(in crate::store) fn all(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Broken> {
        let statement = self.prepared(sql)?;
        let found = self.open()?.query(&statement, &given(values));
        found.map_err(|error| judge(&error))
    }
}

fn given<'v>(values: &'v [Value<'v>]) -> Vec<&'v (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// The shared SQL in PostgreSQL's spelling.
fn translated(sql: &str) -> String {
    sql.replace('?', "$")
        .replace("/* for update */", "FOR UPDATE")
        .replace("/* skip locked */", "FOR UPDATE SKIP LOCKED")
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (*self, kind) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Int(number), &Type::INT4) => i32::try_from(number)?.to_sql(kind, out),
            (Value::Int(number), &Type::BOOL) => (number != 0).to_sql(kind, out),
            (Value::Int(number), _) => number.to_sql(&Type::INT8, out),
            (Value::Text(text), _) => text.to_sql(kind, out),
            (Value::Bytes(bytes), _) => bytes.to_sql(kind, out),
        }
    }

    /// What a place in a statement takes is the server's to say; what does not fit is its error.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::translated;

    #[test]
    fn statements_are_spelled_for_the_server() {
        assert_eq!(
            translated("SELECT a FROM t WHERE b = ?1 AND c = ?12 /* for update */"),
            "SELECT a FROM t WHERE b = $1 AND c = $12 FOR UPDATE"
        );
        assert_eq!(translated("LIMIT ?3 /* skip locked */"), "LIMIT $3 FOR UPDATE SKIP LOCKED");
    }
}
