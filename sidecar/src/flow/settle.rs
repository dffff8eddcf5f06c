//! The worker that settles: a password was announced, and nobody told what became of it. Whoever announced it died, or lost
//! the directory while it wrote.
//! Invariant: a proof lives again only where its account is what it was; it is spent where its password stands there, or,
//! audited as unknown, where nobody can say; and while the directory does not answer nothing is decided.
//!
//! One look decides, 30 s after the announcement or later, when every time-out of a write is over. A directory that does
//! what it was sent later than that (a commit that waits for a standby, a server that was stopped and goes on), or another
//! server than the one that was written to and has not heard of it yet, shows the account as it was: the proof lives again.
//! When such a write appears, the revision is another one and the proof is dead by its fingerprint; that it was this
//! confirm's is not told then, and where a directory cannot compare and set it may take the place of a newer password.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::elsewhere::is_there;
use super::words::{End, Words};
use super::{FlowError, side_by_side, wait};
use crate::directory::{Account, DirectoryError};
use crate::engine::Engine;
use crate::store::{Ending, Finished, StoreError, Unsettled};

/// Taken and looked up at a time.
const BATCH: u32 = 16;

/// Longer than a look-up takes; then another worker may take them.
const LEASE: Duration = Duration::from_secs(30);

/// Between two looks at what is left.
const IDLE: Duration = Duration::from_secs(5);

/// After a fault; it doubles with each.
const FIRST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(60);

/// So long an account that cannot be read is waited for, and its owner told to come back.
const PATIENCE: Duration = Duration::from_secs(3600);

/// What became of a password that was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settled {
    /// Nothing was written; the proof lives on.
    Live,
    /// It stands there.
    Finished,
    /// The account was changed since or cannot be found, and whether our password stands in it cannot be said.
    Unknown,
}

pub(crate) async fn run(engine: &Arc<Engine>, mut stop: watch::Receiver<bool>) {
    let nobody = Notify::new();
    let mut rest = FIRST_REST;
    while wait(&nobody, if rest > FIRST_REST { rest } else { IDLE }, &mut stop).await {
        rest = match once(engine, rest).await {
            Ok(()) => FIRST_REST,
            Err(_) => rest.saturating_mul(2).min(LONGEST_REST),
        };
    }
}

/// Settles what is left now. What cannot be settled is left again for so long.
pub(crate) async fn once(engine: &Arc<Engine>, rest: Duration) -> Result<(), FlowError> {
    let settled = match gauge(engine).await {
        Ok(0) => return Ok(()),
        Ok(_) => all(engine, rest).await,
        Err(error) => Err(error),
    };
    if let Err(error) = settled {
        tracing::error!(event = "settle_failed", kind = %error);
    }
    gauge(engine).await?;
    settled
}

/// How many are announced; told to the gauge.
async fn gauge(engine: &Engine) -> Result<u32, FlowError> {
    let announced = engine.store.announced().await?;
    engine.announced.store(announced.into(), Ordering::Relaxed);
    Ok(announced)
}

async fn all(engine: &Arc<Engine>, rest: Duration) -> Result<(), FlowError> {
    loop {
        let (lease, now) = (engine.entropy.bytes()?, engine.clock.now());
        let taken = engine.store.lease_announced(lease, now, now.plus(LEASE), BATCH).await?;
        if taken.is_empty() {
            return Ok(());
        }
        crate::crash::point("settle.leased");
        let works = taken.into_iter().map(|row| {
            let engine = Arc::clone(engine);
            async move { tend(&engine, &row, rest).await }
        });
        side_by_side(works).await?;
    }
}

/// Settles a row or puts it off. A fault of its own makes nobody else's rest longer.
async fn tend(engine: &Engine, row: &Unsettled, rest: Duration) -> Result<(), FlowError> {
    let Err(error) = settle(engine, row).await else { return Ok(()) };
    let is_own = is_own(&error);
    let next = engine.clock.now().plus(if is_own { LONGEST_REST } else { rest });
    engine.store.put_off_announced(row.challenge.id, row.lease, next).await?;
    if !is_own {
        return Err(error);
    }
    let account = engine.secrets.account_in_log(&row.challenge.account);
    tracing::error!(event = "settle_failed", kind = %error, account);
    Ok(())
}

/// Whether it is about one account, and not about store or directory.
fn is_own(error: &FlowError) -> bool {
    matches!(
        error,
        FlowError::Directory(DirectoryError::Row | DirectoryError::Failed)
            | FlowError::Store(StoreError::Row)
    )
}

async fn settle(engine: &Engine, row: &Unsettled) -> Result<(), FlowError> {
    let words = Words::decode(&row.words)?;
    let account = match engine.directory.get(&row.challenge.account).await {
        // It is not readable, and who waits for that cannot reset at all.
        Err(error) if is_own(&error.into()) && words.at.until(engine.clock.now()) > PATIENCE => {
            None
        }
        read => read?,
    };
    let settled = settled(row, account.as_ref());
    crate::crash::point("settle.decided");
    let is_ours = match settled {
        Settled::Live => engine.store.take_back(row.challenge.id, row.lease).await?,
        Settled::Finished => end(engine, row, &words, account.as_ref(), Ending::Written).await?,
        Settled::Unknown => {
            let ending = Ending::Unknown { lease: row.lease };
            end(engine, row, &words, account.as_ref(), ending).await?
        }
    };
    if is_ours {
        let account = engine.secrets.account_in_log(&row.challenge.account);
        tracing::warn!(
            event = "settled",
            request = words.request.as_str(),
            account,
            end = settled.word()
        );
    }
    Ok(())
}

/// False when somebody else told the end meanwhile. Without an account there is nobody to write to.
async fn end(
    engine: &Engine,
    row: &Unsettled,
    words: &Words,
    account: Option<&Account>,
    ending: Ending,
) -> Result<bool, FlowError> {
    let (now, end) = (engine.clock.now(), End { ending, former: None });
    let finish = words.finish(engine, now, row.message, &row.challenge, account, end)?;
    match engine.store.finish(finish).await? {
        Finished::Done | Finished::Repeat(_) => {
            engine.wake.after_reset();
            Ok(true)
        }
        Finished::Changed | Finished::Gone | Finished::Lost => Ok(false),
    }
}

fn settled(row: &Unsettled, account: Option<&Account>) -> Settled {
    match account {
        Some(account) if is_there(row.digest, account) => Settled::Finished,
        Some(account) if account.revision.0 == row.revision => Settled::Live,
        Some(_) | None => Settled::Unknown,
    }
}

impl Settled {
    fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Finished => "finished",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::address::{Address, Channel};
    use contract::language::Language;

    use super::super::elsewhere::digest;
    use super::*;
    use crate::directory::Revision;
    use crate::secret::{AddressKey, ChallengeId};
    use crate::store::Challenge;

    fn row() -> Unsettled {
        let challenge = Challenge {
            id: ChallengeId([1; 16]),
            account: "ann".into(),
            channel: Channel::Email,
            address: Address::parse(Channel::Email, "ann@example.org", None).unwrap(),
            address_key: AddressKey([1; 16]),
            dialect: contract::dialect::DIALECTS[0].name().into(),
            language: Language::English,
            counter: 0,
            code_digits: 6,
            has_link: true,
            open: true,
            link_until: None,
            code_until: None,
            relayed: true,
            master: "m".into(),
            fingerprint: [0; 32],
        };
        let (revision, digest) = (b"before".to_vec(), digest("ours"));
        let words = String::new();
        Unsettled { challenge, message: [5; 16], revision, digest, words, lease: [1; 16] }
    }

    fn account(revision: &[u8], hash: Option<&str>) -> Account {
        let (revision, password_hash) = (Revision(revision.to_vec()), hash.map(str::to_owned));
        Account { revision, password_hash, ..Account::bare("ann") }
    }

    #[test]
    fn what_became_of_it_is_read_from_the_account() {
        let table = [
            (None, Settled::Unknown),
            (Some(account(b"before", Some("theirs"))), Settled::Live),
            (Some(account(b"before", None)), Settled::Live),
            (Some(account(b"after", Some("ours"))), Settled::Finished),
            (Some(account(b"before", Some("ours"))), Settled::Finished),
            (Some(account(b"after", Some("theirs"))), Settled::Unknown),
            (Some(account(b"after", None)), Settled::Unknown),
            (Some(account(b"", None)), Settled::Unknown),
        ];
        for (account, expected) in table {
            assert_eq!(settled(&row(), account.as_ref()), expected, "{account:?}");
        }
    }
}
