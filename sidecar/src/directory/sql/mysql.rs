//! MySQL and MariaDB. Invariant: a write counts the rows that it found, not those that it changed; the session cuts nothing
//! off, knows backslashes and counts in UTC, whatever the server's defaults are.

use std::path::PathBuf;
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder, Params, Row, SslOpts, Value};
use rustls::crypto::ring;

use super::fault::{self, Broken};
use super::lane::{Answer, Cell};
use crate::config::SqlConfig;

/// How a connection is made.
#[derive(Debug)]
pub(super) struct MysqlWay {
    opts: Opts,
}

pub(super) struct MysqlLane {
    conn: Conn,
}

impl MysqlWay {
    pub(super) fn new(address: &Opts, config: &SqlConfig) -> Self {
        let tls = (config.tls && address.socket().is_none()).then(|| trust(config.ca.as_ref()));
        let opts = OptsBuilder::from_opts(address.clone())
            .pass(config.password.as_ref().map(|password| password.as_str()))
            .ssl_opts(tls)
            .prefer_socket(false)
            .client_found_rows(true)
            .tcp_keepalive(Some(Duration::from_secs(10)))
            .init(vec![settings(config.timeout)]);
        Self { opts: opts.into() }
    }

    pub(super) async fn connect(&self) -> Result<MysqlLane, Broken> {
        let connected = Conn::new(self.opts.clone()).await;
        connected.map(|conn| MysqlLane { conn }).map_err(|error| fault::mysql(&error))
    }
}

/// Each server reads the comment that is meant for it.
fn settings(patience: Duration) -> String {
    let (seconds, millis) = (patience.as_secs().max(1), patience.as_millis());
    format!(
        "SET SESSION autocommit = 1, time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', \
         innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds} \
         /*M! , max_statement_time = {0} */ /*!50708 , max_execution_time = {millis} */",
        patience.as_secs_f32()
    )
}

/// The configured certificates, or the system's; never those that the driver brings.
fn trust(ca: Option<&PathBuf>) -> SslOpts {
    // Another part of the program may have chosen the same already.
    let _chosen = ring::default_provider().install_default();
    let roots = match ca {
        Some(ca) => vec![ca.clone().into()],
        None => {
            let found = rustls_native_certs::load_native_certs().certs;
            found.iter().map(|root| root.to_vec().into()).collect()
        }
    };
    SslOpts::default().with_disable_built_in_roots(true).with_root_certs(roots)
}

impl MysqlLane {
    pub(super) fn is_closed(&self) -> bool {
        self.conn.is_disconnected()
    }

    pub(super) async fn say(&mut self, words: &str) -> Result<(), Broken> {
        self.conn.query_drop(words).await.map_err(|error| fault::mysql(&error))
    }

    pub(super) async fn ask(
        &mut self,
        text: &str,
        values: &[Option<&str>],
    ) -> Result<Answer, Broken> {
        self.answer(text, values).await.map_err(|error| fault::mysql(&error))
    }

    pub(super) async fn change(
        &mut self,
        text: &str,
        values: &[Option<&str>],
    ) -> Result<u64, Broken> {
        let done = self.conn.exec_drop(text, given(values)).await;
        done.map_err(|error| fault::mysql(&error))?;
        Ok(self.conn.affected_rows())
    }

    async fn answer(&mut self, text: &str, values: &[Option<&str>]) -> mysql_async::Result<Answer> {
        let mut result = self.conn.exec_iter(text, given(values)).await?;
        let columns = result.columns();
        let columns = columns.iter().flat_map(|columns| columns.iter());
        let names = columns.map(|column| column.name_str().into_owned()).collect();
        let rows: Vec<Row> = result.collect().await?;
        let rows = rows.into_iter().map(|row| {
            row.unwrap_raw().into_iter().map(|value| cell(value.unwrap_or(Value::NULL))).collect()
        });
        Ok(Answer { names, rows: rows.collect() })
    }
}

impl std::fmt::Debug for MysqlLane {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "MysqlLane({}, ..)", self.conn.id())
    }
}

/// Texts, which the server compares as the column's type.
fn given(values: &[Option<&str>]) -> Params {
    if values.is_empty() {
        return Params::Empty;
    }
    let value = |value: &Option<&str>| value.map_or(Value::NULL, Value::from);
    Params::Positional(values.iter().map(value).collect())
}

fn cell(value: Value) -> Cell {
    match value {
        Value::NULL => Cell::Null,
        // A flag of the type BIT.
        Value::Bytes(bytes) if bytes == [0] => Cell::Text("0".to_owned()),
        Value::Bytes(bytes) if bytes == [1] => Cell::Text("1".to_owned()),
        Value::Bytes(bytes) => String::from_utf8(bytes).map_or(Cell::Strange, Cell::Text),
        Value::Int(number) => Cell::Text(number.to_string()),
        Value::UInt(number) => Cell::Text(number.to_string()),
        Value::Float(number) => Cell::Text(number.to_string()),
        Value::Double(number) => Cell::Text(number.to_string()),
        time @ (Value::Date(..) | Value::Time(..)) => Cell::Text(time.as_sql(true)),
    }
}
