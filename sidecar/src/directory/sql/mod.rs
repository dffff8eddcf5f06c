//! The team's own database. Invariant: an account is written in one transaction, only over the revision that was read, and
//! after an error other than `Unknown` nothing of ours stands there.

mod examine;
mod fault;
mod grants;
mod lane;
mod mysql;
mod name;
mod phone;
mod pool;
mod postgres;
mod row;
mod salted;
mod set;
mod shape;
mod sqlite;
mod statements;
mod template;
#[cfg(test)]
mod tests;
mod write;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use contract::address::{Address, Email};

use self::fault::Broken;
use self::lane::{Answer, Cell, Lane, Way, within};
use self::pool::{Pool, Seat};
use self::row::{Found, Roles};
use self::statements::{CANDIDATES, Find, ROWS, Statements};
use self::template::{Slot, Statement};
use super::{Account, DirectoryError, Finding, NewPassword, Written};
use crate::config::{SqlConfig, SqlPlace};

pub use grants::grants;
pub use name::{Column, TableName};
pub use phone::PhoneForm;
pub use salted::Salted;
pub use set::Setting;
pub use shape::{Matching, Own, Shape, Source, Table};
pub use template::{Slot as Parameter, Template};

/// Accounts that one address may lead to; beyond it they are not somebody's but a placeholder's.
const EACH: usize = 32;

/// Whose SQL is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Mysql,
    Postgres,
    Sqlite,
}

/// A clone is the same directory.
#[derive(Clone, Debug)]
pub struct Sql {
    parts: Arc<Parts>,
}

#[derive(Debug)]
struct Parts {
    pool: Pool,
    shape: Shape,
    statements: Statements,
    engine: Engine,
    place: SqlPlace,
    tls: bool,
    /// What our user needs, for whoever is asked for it.
    grants: Vec<String>,
    patience: Duration,
    /// Rows that could not be read, so far.
    unreadable: AtomicUsize,
}

impl Sql {
    /// Connects to nothing yet.
    pub fn new(config: &SqlConfig) -> Self {
        let engine = config.place.engine();
        let parts = Parts {
            pool: Pool::new(Way::new(config), config.connections),
            shape: config.shape.clone(),
            statements: Statements::new(&config.shape, engine),
            engine,
            place: config.place.clone(),
            tls: config.tls,
            grants: grants(config),
            patience: config.timeout,
            unreadable: AtomicUsize::new(0),
        };
        Self { parts: Arc::new(parts) }
    }

    pub async fn find(&self, addresses: &[Address]) -> Result<Vec<Account>, DirectoryError> {
        let mut found = Vec::new();
        match &self.parts.statements.find {
            Find::Together { emails, phones } => {
                let (mails, numbers) = self.candidates(addresses);
                for (statement, candidates) in [(emails, mails), (phones, numbers)] {
                    let Some(statement) = statement else { continue };
                    for some in candidates.chunks(CANDIDATES) {
                        found.extend(self.find_any(statement, some).await?);
                    }
                }
            }
            Find::Each(statement) => {
                for address in addresses {
                    found.extend(self.find_one(statement, address).await?);
                }
            }
        }
        let mut known = HashSet::new();
        // What the database takes for equal is not what we take for equal.
        found.retain(|account| {
            addresses.iter().any(|address| account.stored(address).is_some())
                && known.insert(account.id.clone())
        });
        Ok(found)
    }

    pub async fn get(&self, id: &str) -> Result<Option<Account>, DirectoryError> {
        let get = &self.parts.statements.get;
        let answer = self.ask(get, |slot| (slot == Slot::Id).then_some(id)).await?;
        Ok(self.parts.one(&answer, id)?.map(|found| found.account))
    }

    pub async fn write(
        &self,
        account: &Account,
        new: NewPassword<'_>,
    ) -> Result<Written, DirectoryError> {
        loop {
            let mut seat = self.parts.seat().await?;
            let written = write::write(&mut seat.lane, &self.parts, account, new.hash).await;
            if let Some(written) = self.parts.ended(seat, written) {
                return Ok(written?);
            }
        }
    }

    pub async fn examine(&self, sample: Option<&Address>) -> Vec<Finding> {
        let before = self.parts.unreadable.load(Ordering::Relaxed);
        let found = match sample {
            Some(address) => self.find(std::slice::from_ref(address)).await,
            None => Ok(Vec::new()),
        };
        let found = match found {
            // Nobody whom we can read, and somebody whom we cannot.
            Ok(none)
                if none.is_empty() && self.parts.unreadable.load(Ordering::Relaxed) > before =>
            {
                Err(DirectoryError::Row)
            }
            found => found,
        };
        examine::examine(&self.parts, sample, found).await
    }

    pub async fn hashes(&self, most: u32) -> Result<Vec<String>, DirectoryError> {
        let Some(text) = &self.parts.statements.hashes else { return Ok(Vec::new()) };
        let answer = self.ask(&text.limited(most), |_| None).await?;
        let roles = Roles::of(&answer.names);
        let read = answer.rows.iter().map(|row| roles.hash(row, &self.parts.shape));
        Ok(read.flatten().flatten().collect())
    }

    /// All columns of the row where we may read them, else those that we are configured to.
    pub async fn aspects(&self, id: &str) -> Result<Vec<(String, [u8; 8])>, DirectoryError> {
        let statements = &self.parts.statements;
        let given = |slot| (slot == Slot::Id).then_some(id);
        let whole = match &statements.whole {
            Some(whole) => self.ask(whole, given).await.ok(),
            None => None,
        };
        let answer = match whole {
            Some(answer) => answer,
            None => self.ask(&statements.get, given).await?,
        };
        let Some(row) = answer.rows.into_iter().next() else { return Ok(Vec::new()) };
        Ok(answer.names.into_iter().zip(row.iter().map(row::digest_of)).collect())
    }

    /// All that an address can be written as in a column, the more likely first.
    fn candidates(&self, addresses: &[Address]) -> (Vec<String>, Vec<String>) {
        let (mut mails, mut numbers) = (Vec::new(), Vec::new());
        let matching = match &self.parts.shape.source {
            Source::Table(table) => table.matching,
            Source::Own(_) => Matching::Exact,
        };
        for address in addresses {
            match address {
                Address::Email(email) => mails.extend(spellings(email, matching)),
                Address::Phone(phone) => {
                    numbers.extend(self.parts.shape.phone_form.candidates(phone));
                }
            }
        }
        (mails, numbers)
    }

    /// Those that have one of some addresses. Where one address has so many that others would not be seen, each is looked for
    /// alone.
    async fn find_any(
        &self,
        statement: &Statement,
        candidates: &[String],
    ) -> Result<Vec<Account>, DirectoryError> {
        let given = |slot| match slot {
            // What is over looks for the last one again.
            Slot::Candidate(at) => candidates.get(at).or(candidates.last()).map(String::as_str),
            _ => None,
        };
        match self.run(statement, &statement.given(given)).await {
            Ok(answer) if answer.rows.len() <= ROWS => return Ok(self.parts.accounts(&answer)),
            Ok(_) => tracing::warn!(event = "many_accounts_on_an_address", kept = EACH),
            // One of them is no text of the column's.
            Err(Broken::Nobody) => {}
            Err(broken) => return Err(broken.into()),
        }
        let mut found = Vec::new();
        for candidate in candidates {
            let given = |slot| matches!(slot, Slot::Candidate(_)).then_some(candidate.as_str());
            let answer = self.ask(statement, given).await?;
            found.extend(self.parts.accounts(&answer).into_iter().take(EACH));
        }
        Ok(found)
    }

    async fn find_one(
        &self,
        statement: &Statement,
        address: &Address,
    ) -> Result<Vec<Account>, DirectoryError> {
        let spelled = match address {
            Address::Email(email) => spellings(email, Matching::Exact),
            Address::Phone(phone) => self.parts.shape.phone_form.candidates(phone),
        };
        let is_mail = matches!(address, Address::Email(_));
        let mut found = Vec::new();
        for text in &spelled {
            let given = |slot| match slot {
                Slot::Email if is_mail => Some(text.as_str()),
                Slot::Phone if !is_mail => Some(text.as_str()),
                _ => None,
            };
            let answer = self.ask(statement, given).await?;
            found.extend(self.parts.accounts(&answer).into_iter().take(EACH));
        }
        Ok(found)
    }

    /// What no column can hold, no row has.
    async fn ask<'v>(
        &self,
        statement: &Statement,
        given: impl Fn(Slot) -> Option<&'v str>,
    ) -> Result<Answer, DirectoryError> {
        match self.run(statement, &statement.given(given)).await {
            Err(Broken::Nobody) => Ok(Answer::default()),
            answer => Ok(answer?),
        }
    }

    async fn run(&self, statement: &Statement, values: &[Option<&str>]) -> Result<Answer, Broken> {
        loop {
            let mut seat = self.parts.seat().await?;
            let asked = seat.lane.ask(&statement.text, values);
            let answer = within(self.parts.patience, asked).await;
            if let Some(answer) = self.parts.ended(seat, answer) {
                return answer;
            }
        }
    }
}

impl Parts {
    async fn seat(&self) -> Result<Seat<'_>, Broken> {
        within(self.patience, self.pool.take()).await
    }

    /// Keeps the connection where all went well. `None`: a kept one turned out to be lost, before anything was done; another one
    /// is to be tried.
    fn ended<T>(&self, seat: Seat<'_>, done: Result<T, Broken>) -> Option<Result<T, Broken>> {
        match done {
            Err(Broken::Lost) if !seat.fresh => {
                self.pool.forget();
                None
            }
            Err(broken) => Some(Err(broken)),
            Ok(done) => {
                seat.keep();
                Some(Ok(done))
            }
        }
    }

    async fn look(&self, lane: &mut Lane, id: &str) -> Result<Option<Found>, Broken> {
        let get = &self.statements.get;
        let answer =
            lane.ask(&get.text, &get.given(|slot| (slot == Slot::Id).then_some(id))).await?;
        self.one(&answer, id)
    }

    /// The account of an id. An id that is nobody's own is no id.
    fn one(&self, answer: &Answer, id: &str) -> Result<Option<Found>, Broken> {
        let roles = Roles::of(&answer.names);
        let read = answer.rows.iter().map(|row| roles.read(row, &self.shape));
        let mut found: Vec<Found> =
            read.collect::<Result<_, _>>().map_err(|_| Broken::Is(DirectoryError::Row))?;
        found.retain(|found| found.account.id == id);
        match found.len() {
            0 | 1 => Ok(found.pop()),
            _ => Err(Broken::Is(DirectoryError::Row)),
        }
    }

    /// A row that cannot be read is nobody, and told.
    fn accounts(&self, answer: &Answer) -> Vec<Account> {
        let roles = Roles::of(&answer.names);
        let read = answer.rows.iter().map(|row| roles.read(row, &self.shape));
        let found: Vec<Account> = read.flatten().map(|found| found.account).collect();
        let count = answer.rows.len().saturating_sub(found.len());
        if count > 0 {
            self.unreadable.fetch_add(count, Ordering::Relaxed);
            tracing::error!(
                event = "rows_unreadable",
                table = "sql",
                count,
                remedy = "`rekey doctor` with the address tells what is wrong"
            );
        }
        found
    }
}

/// As it was typed, in lower case, and with the domain in its own letters.
fn spellings(email: &Email, matching: Matching) -> Vec<String> {
    let (domain, _) = idna::domain_to_unicode(email.domain());
    let mut texts = vec![email.key()];
    if matching == Matching::Exact {
        texts.push(email.as_str().to_owned());
    }
    if domain != email.domain() {
        let local = email.local();
        texts.push(format!("{}@{domain}", local.to_ascii_lowercase()));
        if matching == Matching::Exact {
            texts.push(format!("{local}@{domain}"));
        }
    }
    texts.dedup();
    texts
}
