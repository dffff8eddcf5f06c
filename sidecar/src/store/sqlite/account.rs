//! The embedded directory's rows. Invariant: a hash is written only over the one that was read.

use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params};

use super::{Broken, Sqlite};
use crate::clock::Millis;
use crate::store::{AccountKey, AccountRow, AccountWrite, Adding, StoreError};

const COLUMNS: &str = "id, user_name, display_name, email, email_key, phone, language, active, second_factor, \
     password_hash, counter, changed";

/// Former hashes of an account that are kept.
const HISTORY: u32 = 10;

impl Sqlite {
    pub(in crate::store) async fn add_accounts(
        &self,
        accounts: Vec<AccountRow>,
    ) -> Result<Adding, StoreError> {
        let added = self.write(move |connection| add(connection, &accounts)).await?;
        Ok(added.map_or(Adding::Added, Adding::Taken))
    }

    pub(in crate::store) async fn find_accounts(
        &self,
        key: AccountKey,
    ) -> Result<Vec<AccountRow>, StoreError> {
        self.read(move |connection| {
            let (column, value) = match &key {
                AccountKey::Id(id) => ("id", id),
                AccountKey::EmailKey(key) => ("email_key", key),
                AccountKey::Phone(phone) => ("phone", phone),
                AccountKey::UserName(name) => ("user_name", name),
            };
            let query = format!("SELECT {COLUMNS} FROM account WHERE {column} = ?1");
            let mut statement = connection.prepare_cached(&query)?;
            let rows = statement.query_map([value], read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    pub(in crate::store) async fn list_accounts(
        &self,
        after: String,
        most: u32,
    ) -> Result<Vec<AccountRow>, StoreError> {
        self.read(move |connection| {
            let query = format!("SELECT {COLUMNS} FROM account WHERE id > ?1 ORDER BY id LIMIT ?2");
            let mut statement = connection.prepare_cached(&query)?;
            let rows = statement.query_map(params![after, most], read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    pub(in crate::store) async fn set_account(
        &self,
        account: AccountRow,
    ) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let write = "UPDATE account SET user_name = ?2, display_name = ?3, email = ?4, email_key = ?5, phone = ?6, \
                 language = ?7, active = ?8, second_factor = ?9, password_hash = ?10, counter = counter + 1, \
                 changed = ?12 WHERE id = ?1 AND counter = ?11";
            Ok(unless_taken(store(connection, write, &account))?.unwrap_or(0) == 1)
        })
        .await
    }
}

/// The place of the first that is taken. All or none: a place is an error inside, so that the savepoint is undone.
fn add(connection: &Connection, accounts: &[AccountRow]) -> Result<Option<usize>, Broken> {
    let write = "INSERT INTO account (id, user_name, display_name, email, email_key, phone, language, active, \
         second_factor, password_hash, counter, changed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    connection.execute_batch("SAVEPOINT accounts")?;
    for (place, account) in accounts.iter().enumerate() {
        if unless_taken(store(connection, write, account))?.is_none() {
            connection.execute_batch("ROLLBACK TO accounts; RELEASE accounts")?;
            return Ok(Some(place));
        }
    }
    connection.execute_batch("RELEASE accounts")?;
    Ok(None)
}

fn store(connection: &Connection, write: &str, account: &AccountRow) -> rusqlite::Result<usize> {
    connection.prepare_cached(write)?.execute(params![
        account.id,
        account.user_name,
        account.display_name,
        account.email,
        account.email_key,
        account.phone,
        account.language,
        account.active,
        account.second_factor,
        account.password_hash,
        account.counter,
        account.changed.0,
    ])
}

fn unless_taken(stored: rusqlite::Result<usize>) -> rusqlite::Result<Option<usize>> {
    match stored {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => Ok(None),
        other => other.map(Some),
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<AccountRow> {
    Ok(AccountRow {
        id: row.get(0)?,
        user_name: row.get(1)?,
        display_name: row.get(2)?,
        email: row.get(3)?,
        email_key: row.get(4)?,
        phone: row.get(5)?,
        language: row.get(6)?,
        active: row.get(7)?,
        second_factor: row.get(8)?,
        password_hash: row.get(9)?,
        counter: row.get(10)?,
        changed: Millis(row.get(11)?),
    })
}

/// Writes a new hash; false when the account is gone or not what it was.
pub(super) fn rehash(
    connection: &Connection,
    write: &AccountWrite,
    at: Millis,
) -> Result<bool, Broken> {
    let query = format!("SELECT {COLUMNS} FROM account WHERE id = ?1");
    let Some(account) =
        connection.prepare_cached(&query)?.query_row([&write.account], read).optional()?
    else {
        return Ok(false);
    };
    if account.revision() != write.revision || !account.active {
        return Ok(false);
    }
    let update =
        "UPDATE account SET password_hash = ?2, counter = counter + 1, changed = ?3 WHERE id = ?1";
    connection.prepare_cached(update)?.execute(params![write.account, write.hash, at.0])?;
    if let Some(former) = &account.password_hash {
        let insert =
            "INSERT INTO password_history (account, at, password_hash) VALUES (?1, ?2, ?3)";
        connection.prepare_cached(insert)?.execute(params![write.account, at.0, former])?;
    }
    let trim = "DELETE FROM password_history WHERE account = ?1 AND id NOT IN \
         (SELECT id FROM password_history WHERE account = ?1 ORDER BY id DESC LIMIT ?2)";
    connection.prepare_cached(trim)?.execute(params![write.account, HISTORY])?;
    Ok(true)
}
