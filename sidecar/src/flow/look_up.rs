//! Whose the addresses of a batch are, and who the accounts of a mail are. Invariant: a look-up ends within the lease of its
//! asks; an address that the directory cannot answer for, or an account that cannot be read, keeps no other from its mail.

use std::sync::Arc;
use std::time::Duration;

use contract::address::Address;
use tokio::time::{Instant, timeout_at};

use super::all_of;
use crate::directory::{Account, DirectoryError};
use crate::engine::Engine;

/// A look-up that takes longer is given up.
const LOOK: Duration = Duration::from_secs(15);

/// What was found of an address; accounts of others may be among it.
#[derive(Clone, Debug)]
pub(super) enum Found {
    Accounts(Arc<[Account]>),
    /// The directory answers, but not for this address.
    Unreadable,
    /// It is looked up again when its lease has ended.
    Later(DirectoryError),
}

/// All together; each for itself where that is answered by what cannot be understood. Of a directory that does not answer,
/// or not us, nothing more is asked.
pub(super) async fn look_up(engine: &Arc<Engine>, addresses: Vec<Address>) -> Vec<Found> {
    let count = addresses.len();
    if count == 0 {
        return Vec::new();
    }
    let by = Instant::now() + LOOK;
    let together = match find(engine, &addresses, by).await {
        Ok(accounts) => Found::Accounts(accounts.into()),
        Err(DirectoryError::Failed | DirectoryError::Row) if count > 1 => {
            let works = addresses.into_iter().map(|address| {
                let engine = Arc::clone(engine);
                async move { find(&engine, std::slice::from_ref(&address), by).await }
            });
            let lost = || Err(DirectoryError::Failed);
            return apart(
                all_of(works).await.into_iter().map(|done| done.unwrap_or_else(lost)).collect(),
            );
        }
        Err(error) => Found::Later(error),
    };
    vec![together; count]
}

/// Those of the accounts that are there, asked for side by side.
pub(super) async fn get_all(
    engine: &Arc<Engine>,
    ids: Vec<String>,
) -> Result<Vec<Account>, DirectoryError> {
    let works = ids.into_iter().map(|id| {
        let engine = Arc::clone(engine);
        async move { engine.directory.get(&id).await }
    });
    let lost = || Err(DirectoryError::Failed);
    readable(all_of(works).await.into_iter().map(|done| done.unwrap_or_else(lost)))
}

/// An error where the directory does not answer, or no account is left beside one that cannot be read.
fn readable(
    read: impl Iterator<Item = Result<Option<Account>, DirectoryError>>,
) -> Result<Vec<Account>, DirectoryError> {
    let (mut found, mut unreadable) = (Vec::new(), false);
    for account in read {
        match account {
            Err(DirectoryError::Row) => unreadable = true,
            account => found.extend(account?),
        }
    }
    if unreadable && found.is_empty() { Err(DirectoryError::Row) } else { Ok(found) }
}

async fn find(
    engine: &Engine,
    addresses: &[Address],
    by: Instant,
) -> Result<Vec<Account>, DirectoryError> {
    let found = timeout_at(by, engine.directory.find(addresses)).await;
    found.unwrap_or(Err(DirectoryError::Unavailable))
}

/// Where none is answered it is the directory's fault, and no address's.
fn apart(found: Vec<Result<Vec<Account>, DirectoryError>>) -> Vec<Found> {
    let answers = found.iter().any(Result::is_ok);
    let one = |found| match found {
        Ok(accounts) => Found::Accounts(Vec::into(accounts)),
        Err(DirectoryError::Failed | DirectoryError::Row) if answers => Found::Unreadable,
        Err(error) => Found::Later(error),
    };
    found.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// a: answered, u: unreadable, l: later.
    fn word(found: &[Found]) -> String {
        let letter = |found: &Found| match found {
            Found::Accounts(_) => 'a',
            Found::Unreadable => 'u',
            Found::Later(_) => 'l',
        };
        found.iter().map(letter).collect()
    }

    #[test]
    fn one_that_cannot_be_read_keeps_no_other_from_its_mail() {
        use DirectoryError::{Row, Unavailable};
        let there = || Ok(Some(Account::bare("ann")));
        let table = [
            (vec![there(), Err(Row), Ok(None), there()], Ok(2)),
            (vec![Err(Row), Ok(None)], Err(Row)),
            (vec![Ok(None)], Ok(0)),
            (vec![there(), Err(Unavailable)], Err(Unavailable)),
        ];
        for (read, expected) in table {
            assert_eq!(readable(read.into_iter()).map(|found| found.len()), expected);
        }
    }

    #[test]
    fn an_address_is_at_fault_only_where_another_is_answered() {
        use DirectoryError::{Failed, Forbidden, Row, Unavailable};
        let nobody = || Ok(Vec::new());
        let table = [
            (vec![nobody(), Err(Failed), nobody()], "aua"),
            (vec![Err(Row), nobody()], "ua"),
            (vec![Err(Failed), Err(Failed)], "ll"),
            (vec![nobody(), Err(Unavailable), Err(Forbidden)], "all"),
        ];
        for (found, expected) in table {
            assert_eq!(word(&apart(found)), expected);
        }
    }
}
