//! PostgreSQL. Invariant: each statement is one round trip without a name on the server, and a connection's settings are made
//! once, so that a pooler may stand in between that gives a session to one client; values go as text, and the server gives them
//! the type of what they are compared with.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Format, FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config, NoTls, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::fault::{self, Broken};
use super::lane::{Answer, Cell};
use crate::config::SqlConfig;
use crate::directory::DirectoryError;
use crate::tls::trust;

/// How a connection is made.
#[derive(Debug)]
pub(super) struct PostgresWay {
    config: Config,
    tls: bool,
    ca: Option<PathBuf>,
    settings: String,
}

#[derive(Debug)]
pub(super) struct PostgresLane {
    client: Client,
    /// Speaks with the server; ended with the lane.
    speaker: JoinHandle<()>,
}

impl PostgresWay {
    pub(super) fn new(address: &Config, config: &SqlConfig) -> Self {
        let mut way = address.clone();
        way.application_name("rekey").connect_timeout(config.timeout);
        way.tcp_user_timeout(config.timeout.saturating_mul(2));
        if let Some(password) = &config.password {
            way.password(password.as_bytes());
        }
        way.ssl_mode(match config.tls {
            true => tokio_postgres::config::SslMode::Require,
            false => tokio_postgres::config::SslMode::Disable,
        });
        Self {
            config: way,
            tls: config.tls,
            ca: config.ca.clone(),
            settings: settings(config.timeout),
        }
    }

    pub(super) async fn connect(&self) -> Result<PostgresLane, Broken> {
        let failed = |error: tokio_postgres::Error| fault::postgres(&error);
        let (client, speaker) = if self.tls {
            let tls = believed(self.ca.clone()).await?;
            let (client, connection) = self.config.connect(tls).await.map_err(failed)?;
            // Its end is seen by the client, whose statements fail then.
            (client, tokio::spawn(async move { drop(connection.await) }))
        } else {
            let (client, connection) = self.config.connect(NoTls).await.map_err(failed)?;
            (client, tokio::spawn(async move { drop(connection.await) }))
        };
        let mut lane = PostgresLane { client, speaker };
        lane.say(&self.settings).await?;
        Ok(lane)
    }
}

/// Our statements wait no longer there than we do here.
fn settings(patience: Duration) -> String {
    let millis = patience.as_millis();
    format!(
        "SET statement_timeout = {millis}; SET lock_timeout = {millis}; \
         SET idle_in_transaction_session_timeout = '10s'; SET DateStyle = 'ISO'; SET TimeZone = 'UTC'"
    )
}

/// Read anew for each connection, beside the threads that answer.
async fn believed(ca: Option<PathBuf>) -> Result<MakeRustlsConnect, Broken> {
    let read = tokio::task::spawn_blocking(move || trust::postgres(ca.as_deref())).await;
    read.ok().and_then(Result::ok).ok_or(Broken::Is(DirectoryError::Tls))
}

impl PostgresLane {
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    pub(super) async fn say(&mut self, words: &str) -> Result<(), Broken> {
        self.client.batch_execute(words).await.map_err(|error| fault::postgres(&error))
    }

    pub(super) async fn ask(
        &mut self,
        text: &str,
        values: &[Option<&str>],
    ) -> Result<Answer, Broken> {
        let values: Vec<Given<'_>> = values.iter().map(|value| Given(*value)).collect();
        let rows = self.client.query_typed(text, &typed(&values)).await;
        rows.map(|rows| answer(&rows)).map_err(|error| fault::postgres(&error))
    }

    pub(super) async fn change(
        &mut self,
        text: &str,
        values: &[Option<&str>],
    ) -> Result<u64, Broken> {
        let values: Vec<Given<'_>> = values.iter().map(|value| Given(*value)).collect();
        let changed = self.client.execute_typed(text, &typed(&values)).await;
        changed.map_err(|error| fault::postgres(&error))
    }
}

/// The server says which types they are of.
fn typed<'v>(values: &'v [Given<'v>]) -> Vec<(&'v (dyn ToSql + Sync), Type)> {
    values.iter().map(|value| (value as &(dyn ToSql + Sync), Type::UNKNOWN)).collect()
}

impl Drop for PostgresLane {
    fn drop(&mut self) {
        self.speaker.abort();
    }
}

fn answer(rows: &[Row]) -> Answer {
    let columns = rows.first().map(Row::columns).unwrap_or_default();
    let names = columns.iter().map(|column| column.name().to_owned()).collect();
    let read = |row: &Row| {
        (0..row.len()).map(|at| row.try_get(at).unwrap_or(Cell::Strange)).collect::<Vec<Cell>>()
    };
    let rows: Vec<Vec<Cell>> = rows.iter().map(read).collect();
    Answer { names, rows }
}

/// A value in its text form, whatever type it is of.
#[derive(Debug)]
struct Given<'v>(Option<&'v str>);

impl ToSql for Given<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self.0 {
            None => Ok(IsNull::Yes),
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

impl<'r> FromSql<'r> for Cell {
    fn from_sql(kind: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let text = match *kind {
            Type::BOOL => bool::from_sql(kind, raw)?.to_string(),
            Type::INT2 => i16::from_sql(kind, raw)?.to_string(),
            Type::INT4 => i32::from_sql(kind, raw)?.to_string(),
            Type::INT8 => i64::from_sql(kind, raw)?.to_string(),
            Type::UUID => uuid(raw)?,
            // Microseconds: enough to see that it changed.
            Type::TIMESTAMP | Type::TIMESTAMPTZ => i64::from_sql(&Type::INT8, raw)?.to_string(),
            _ => match str::from_utf8(raw) {
                Ok(text) => text.to_owned(),
                Err(_) => return Ok(Self::Strange),
            },
        };
        Ok(Self::Text(text))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn uuid(raw: &[u8]) -> Result<String, Box<dyn Error + Sync + Send>> {
    let hex = contract::signature::hex(raw);
    let mut text = String::with_capacity(36);
    for (at, c) in hex.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(c);
    }
    Ok(text)
}
