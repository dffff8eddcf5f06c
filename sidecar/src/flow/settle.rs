//! The worker that settles: a password was announced, and nobody told what became of it. Whoever announced it died, or lost
//! the directory while it wrote.
//! Invariant: a proof lives again only where its account is what it was; it is spent where its password stands there, or,
//! audited and told as unknown, where nobody can say; and while the directory does not answer nothing is decided.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::elsewhere::is_there;
use super::words::{End, INVALID, Words};
use super::{FlowError, side_by_side, wait};
use crate::directory::Account;
use crate::engine::Engine;
use crate::store::{Ending, Finished, Release, Unsettled};

/// Taken and looked up at a time.
const BATCH: u32 = 16;

/// Longer than a look-up takes; then another worker may take them.
const LEASE: Duration = Duration::from_secs(30);

/// Between two looks at what is left.
const IDLE: Duration = Duration::from_secs(5);

/// After a fault; it doubles with each.
const FIRST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(60);

/// What became of a password that was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settled {
    /// Nothing was written; the proof lives on.
    Live,
    /// It stands there.
    Finished,
    /// The account was changed since, and whether by us cannot be said.
    Unknown,
    /// There is no such account any more.
    Gone,
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
        let now = engine.clock.now();
        let until = now.plus(LEASE);
        let taken = engine.store.lease_announced(now, until, BATCH).await?;
        if taken.is_empty() {
            return Ok(());
        }
        crate::crash::point("settle.leased");
        let works = taken.into_iter().map(|row| {
            let engine = Arc::clone(engine);
            async move { settle(&engine, &row).await }
        });
        if let Err(error) = side_by_side(works).await {
            engine.store.put_off_announced(until, engine.clock.now().plus(rest)).await?;
            return Err(error);
        }
    }
}

async fn settle(engine: &Engine, row: &Unsettled) -> Result<(), FlowError> {
    let account = engine.directory.get(&row.challenge.account).await?;
    let words = Words::decode(&row.words)?;
    let settled = settled(row, account.as_ref());
    crate::crash::point("settle.decided");
    let is_ours = match (settled, &account) {
        (Settled::Finished, Some(account)) => {
            end(engine, row, &words, account, Ending::Written).await?
        }
        (Settled::Unknown, Some(account)) => {
            let ending = Ending::Unknown { leased: row.until };
            end(engine, row, &words, account, ending).await?
        }
        (Settled::Gone, _) | (_, None) => {
            let audit = words.audit(engine, &row.challenge);
            let release = Release::Revoked { kept: INVALID, audit };
            engine.store.release(row.message, release).await?;
            engine.store.take_back(row.challenge.id, row.until).await?;
            true
        }
        (Settled::Live, _) => engine.store.take_back(row.challenge.id, row.until).await?,
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

/// False when somebody else told the end meanwhile.
async fn end(
    engine: &Engine,
    row: &Unsettled,
    words: &Words,
    account: &Account,
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
        None => Settled::Gone,
        Some(account) if is_there(row.digest, account) => Settled::Finished,
        Some(account) if account.revision.0 == row.revision => Settled::Live,
        Some(_) => Settled::Unknown,
    }
}

impl Settled {
    fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Finished => "finished",
            Self::Unknown => "unknown",
            Self::Gone => "gone",
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::address::{Address, Channel};
    use contract::language::Language;

    use super::super::elsewhere::digest;
    use super::*;
    use crate::clock::Millis;
    use crate::directory::{Revision, Status};
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
        Unsettled { challenge, message: [5; 16], revision, digest, words, until: Millis(1) }
    }

    fn account(revision: &[u8], hash: Option<&str>) -> Account {
        Account {
            id: "ann".into(),
            user_name: None,
            display_name: None,
            emails: Vec::new(),
            phones: Vec::new(),
            language: None,
            status: Status::Active,
            second_factor: false,
            revision: Revision(revision.to_vec()),
            password_hash: hash.map(str::to_owned),
        }
    }

    #[test]
    fn what_became_of_it_is_read_from_the_account() {
        let table = [
            (None, Settled::Gone),
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
