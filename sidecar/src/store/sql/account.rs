//! The embedded directory's rows. Invariant: a hash is written only over the one that was read.

use super::ask::{ROWS, padded, places};
use super::tx::{Broken, Row, Tx, Value, values};
use crate::clock::Millis;
use crate::store::{AccountKey, AccountRow, AccountWrite, Adding, Store, StoreError};

/// The columns that `read` reads, in its order.
macro_rules! columns {
    () => {
        "id, user_name, display_name, email, email_key, phone, language, active, second_factor, password_hash, \
         counter, changed"
    };
}

impl Store {
    /// All of them, or none.
    pub async fn add_accounts(&self, accounts: Vec<AccountRow>) -> Result<Adding, StoreError> {
        self.write(move |tx| add(tx, &accounts)).await
    }

    pub async fn find_accounts(&self, key: AccountKey) -> Result<Vec<AccountRow>, StoreError> {
        self.read(move |tx| {
            let (query, value) = match &key {
                AccountKey::Id(id) => {
                    (concat!("SELECT ", columns!(), " FROM account WHERE id = ?1"), id)
                }
                AccountKey::EmailKey(key) => {
                    (concat!("SELECT ", columns!(), " FROM account WHERE email_key = ?1"), key)
                }
                AccountKey::Phone(phone) => {
                    (concat!("SELECT ", columns!(), " FROM account WHERE phone = ?1"), phone)
                }
                AccountKey::UserName(name) => {
                    (concat!("SELECT ", columns!(), " FROM account WHERE user_name = ?1"), name)
                }
            };
            tx.all(query, values![value], read)
        })
        .await
    }

    /// Accounts by e-mail keys and by phone numbers.
    pub async fn find_many_accounts(
        &self,
        email_keys: Vec<String>,
        phones: Vec<String>,
    ) -> Result<Vec<AccountRow>, StoreError> {
        let query = |column: &str| {
            format!(
                concat!("SELECT ", columns!(), " FROM account WHERE {} IN ({})"),
                column,
                places(1)
            )
        };
        let (by_email, by_phone) = (query("email_key"), query("phone"));
        self.read(move |tx| {
            let mut found = Vec::new();
            for (query, keys) in [(&by_email, &email_keys), (&by_phone, &phones)] {
                for keys in keys.chunks(ROWS) {
                    let given: Vec<Value<'_>> = padded(keys).map(Value::from).collect();
                    found.extend(tx.all(query, &given, read)?);
                }
            }
            Ok(found)
        })
        .await
    }

    /// Accounts by id, after the given one.
    pub async fn list_accounts(
        &self,
        after: String,
        most: u32,
    ) -> Result<Vec<AccountRow>, StoreError> {
        self.read(move |tx| {
            let query =
                concat!("SELECT ", columns!(), " FROM account WHERE id > ?1 ORDER BY id LIMIT ?2");
            tx.all(query, values![&after, most], read)
        })
        .await
    }

    /// Replaces a row that still has the counter it was read with; false when it has not, or a key is taken.
    pub async fn set_account(&self, account: AccountRow) -> Result<bool, StoreError> {
        self.write(move |tx| {
            let write = "UPDATE account SET user_name = ?2, display_name = ?3, email = ?4, email_key = ?5, phone = ?6, \
                 language = ?7, active = ?8, second_factor = ?9, password_hash = ?10, counter = counter + 1, \
                 changed = ?12 WHERE id = ?1 AND counter = ?11";
            match tx.run(write, &written(&account)) {
                Err(Broken::Conflict) => {
                    tx.undo();
                    Ok(false)
                }
                touched => Ok(touched? == 1),
            }
        })
        .await
    }
}

fn add(tx: &mut Tx<'_>, accounts: &[AccountRow]) -> Result<Adding, Broken> {
    let write = "INSERT INTO account (id, user_name, display_name, email, email_key, phone, language, active, \
         second_factor, password_hash, counter, changed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
         ON CONFLICT DO NOTHING";
    for (place, account) in accounts.iter().enumerate() {
        if tx.run(write, &written(account))? == 0 {
            tx.undo();
            return Ok(Adding::Taken(place));
        }
    }
    Ok(Adding::Added)
}

fn written(account: &AccountRow) -> [Value<'_>; 12] {
    [
        (&account.id).into(),
        account.user_name.as_deref().into(),
        account.display_name.as_deref().into(),
        account.email.as_deref().into(),
        account.email_key.as_deref().into(),
        account.phone.as_deref().into(),
        account.language.as_deref().into(),
        account.active.into(),
        account.second_factor.into(),
        account.password_hash.as_deref().into(),
        account.counter.into(),
        account.changed.into(),
    ]
}

fn read(row: &Row<'_>) -> Result<AccountRow, Broken> {
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
        changed: row.get(11)?,
    })
}

/// Writes a new hash; false when the account is gone or not what it was.
pub(super) fn rehash(tx: &mut Tx<'_>, write: &AccountWrite, at: Millis) -> Result<bool, Broken> {
    let query = concat!("SELECT ", columns!(), " FROM account WHERE id = ?1 /* for update */");
    let Some(account) = tx.one(query, values![&write.account], read)? else {
        return Ok(false);
    };
    if account.revision() != write.revision || !account.active {
        return Ok(false);
    }
    let update =
        "UPDATE account SET password_hash = ?2, counter = counter + 1, changed = ?3 WHERE id = ?1";
    tx.run(update, values![&write.account, &write.hash, at])?;
    Ok(true)
}
