//! One connection, whichever engine it leads to. Invariant: a statement is text of the configuration's, a value is never part
//! of it; who lets go of a connection in the middle of something leaves nothing behind.

use std::time::Duration;

use super::fault::Broken;
use super::mysql::{MysqlLane, MysqlWay};
use super::postgres::{PostgresLane, PostgresWay};
use super::sqlite::{SqliteLane, SqliteWay};
use crate::config::{SqlConfig, SqlPlace};

/// How a connection is made.
#[derive(Debug)]
pub(super) enum Way {
    Mysql(MysqlWay),
    Postgres(Box<PostgresWay>),
    Sqlite(SqliteWay),
}

#[derive(Debug)]
pub(super) enum Lane {
    Mysql(MysqlLane),
    Postgres(PostgresLane),
    Sqlite(SqliteLane),
}

/// What a question gave; without rows the names may be missing as well.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) names: Vec<String>,
    pub(super) rows: Vec<Vec<Cell>>,
}

/// What a column holds.
pub(super) enum Cell {
    Null,
    Text(String),
    /// Something that is no text for us.
    Strange,
}

impl Cell {
    pub(super) fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Strange => None,
        }
    }
}

impl Way {
    pub(super) fn new(config: &SqlConfig) -> Self {
        match &config.place {
            SqlPlace::Mysql(address) => Self::Mysql(MysqlWay::new(address, config)),
            SqlPlace::Sqlite(path) => Self::Sqlite(SqliteWay::new(path, config.timeout)),
            SqlPlace::Postgres(address) => {
                Self::Postgres(Box::new(PostgresWay::new(address, config)))
            }
        }
    }

    pub(super) async fn connect(&self) -> Result<Lane, Broken> {
        match self {
            Self::Mysql(way) => way.connect().await.map(Lane::Mysql),
            Self::Sqlite(way) => way.connect().await.map(Lane::Sqlite),
            Self::Postgres(way) => way.connect().await.map(Lane::Postgres),
        }
    }
}

impl Lane {
    /// Whether it is known to be of no more use.
    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::Mysql(lane) => lane.is_closed(),
            Self::Sqlite(_) => false,
            Self::Postgres(lane) => lane.is_closed(),
        }
    }

    /// How many rows a statement changes.
    pub(super) async fn change(
        &mut self,
        text: &str,
        values: &[Option<&str>],
    ) -> Result<u64, Broken> {
        match self {
            Self::Mysql(lane) => lane.change(text, values).await,
            Self::Sqlite(lane) => lane.change(text, values).await,
            Self::Postgres(lane) => lane.change(text, values).await,
        }
    }

    /// What a statement finds.
    pub(super) async fn ask(
        &mut self,
        text: &str,
        values: &[Option<&str>],
    ) -> Result<Answer, Broken> {
        match self {
            Self::Mysql(lane) => lane.ask(text, values).await,
            Self::Sqlite(lane) => lane.ask(text, values).await,
            Self::Postgres(lane) => lane.ask(text, values).await,
        }
    }

    pub(super) async fn begin(&mut self) -> Result<(), Broken> {
        match self {
            Self::Mysql(lane) => lane.say("START TRANSACTION").await,
            // The one who writes, from the beginning.
            Self::Sqlite(lane) => lane.say("BEGIN IMMEDIATE").await,
            Self::Postgres(lane) => lane.say("BEGIN ISOLATION LEVEL READ COMMITTED").await,
        }
    }

    pub(super) async fn commit(&mut self) -> Result<(), Broken> {
        self.say("COMMIT").await
    }

    pub(super) async fn roll_back(&mut self) -> Result<(), Broken> {
        self.say("ROLLBACK").await
    }

    pub(super) async fn say(&mut self, word: &str) -> Result<(), Broken> {
        match self {
            Self::Mysql(lane) => lane.say(word).await,
            Self::Sqlite(lane) => lane.say(word).await,
            Self::Postgres(lane) => lane.say(word).await,
        }
    }
}

/// So long, and no longer.
pub(super) async fn within<T>(
    patience: Duration,
    act: impl Future<Output = Result<T, Broken>>,
) -> Result<T, Broken> {
    tokio::time::timeout(patience, act).await.unwrap_or(Err(Broken::Cut))
}
